"""The driving tasks, one file each."""
