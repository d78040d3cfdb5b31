"""Scripts that render the images and pages of docs/."""
