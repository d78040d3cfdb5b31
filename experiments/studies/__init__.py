"""Launch scripts of experiments that answer a question."""
