"""Policies, demonstrations, and the ways to learn and to evaluate them."""

if __name__ == "agents":  # found on the path as a folder of the checkout
    from camshaft.aliases import alias

    alias(__name__)
