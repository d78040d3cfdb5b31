"""Report pages, comparisons and curves."""
