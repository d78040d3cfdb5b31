"""Batches of one fixed shape: a row's outputs are its own, whoever stands beside it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from camshaft.agents.policies.batching import ROWS, FixedBatches


def rows(count: int, width: int, seed: int = 0) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("width", [3, 7, 16, 21, 50, 257])
@torch.no_grad()
def test_a_row_has_the_same_bits_in_any_company(width: int) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(width, 33), nn.Tanh(), nn.Linear(33, 5))
    batches = FixedBatches(lambda parts: {"out": network(parts["in"])}, {"in": rows(ROWS, width)})
    inputs = rows(41, width, 1)
    whole = batches({"in": inputs})["out"]
    assert whole.shape == (41, 5)
    torch.testing.assert_close(whole, network(inputs), rtol=1e-5, atol=1e-6)
    for chosen in ([0], [40], [3, 17, 5], list(range(16)), list(range(40, -1, -1))):
        assert torch.equal(batches({"in": inputs[chosen]})["out"], whole[chosen])


def test_where_the_place_matters_rows_are_given_one_at_a_time() -> None:
    sizes = []

    def by_place(parts: Mapping[str, Tensor]) -> dict[str, Tensor]:
        values = parts["in"]
        sizes.append(len(values))
        return {"out": values + torch.arange(len(values))[:, None]}

    batches = FixedBatches(by_place, {"in": rows(ROWS, 4)})
    assert batches.rows == 1
    sizes.clear()
    inputs = rows(5, 4)
    assert torch.equal(batches({"in": inputs})["out"], inputs)
    assert sizes == [1] * 5
