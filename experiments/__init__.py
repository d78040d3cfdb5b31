"""The command line, recorded rollouts, reports and one launch script an experiment."""
