"""Convolutional networks and the vision tasks they learn from labeled camera frames."""

if __name__ == "perception":  # found on the path as a folder of the checkout
    from camshaft.aliases import alias

    alias(__name__)
