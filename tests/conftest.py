"""What tests of several packages share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def plain_terminal() -> Iterator[None]:
    """Commands print to a terminal of one width, without colors."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "120")
        patch.setenv("NO_COLOR", "1")
        yield


@pytest.fixture
def one_thread() -> Iterator[None]:
    """PyTorch with one thread: small networks are no faster with two, and tests run side by side."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
