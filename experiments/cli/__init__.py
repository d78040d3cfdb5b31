"""The `camshaft` command, one file per subcommand."""
