"""Report pages, tables and figures of results."""
