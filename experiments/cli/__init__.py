"""The `camshaft` command: one file a command."""
