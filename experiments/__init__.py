"""Command line, benchmarks, reports and one launch script per experiment."""

if __name__ == "experiments":  # found on the path as a folder of the checkout
    from camshaft.aliases import alias

    alias(__name__)
