"""The command line, recorded rollouts, reports and one launch script an experiment."""

if __name__ == "experiments":  # found on the path as a folder of the checkout
    from camshaft.aliases import alias

    alias(__name__)
