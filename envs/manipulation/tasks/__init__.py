"""The manipulation tasks, one file each."""
