"""Contact sheets and images of labels."""
