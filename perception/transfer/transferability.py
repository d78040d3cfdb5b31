"""Transferability of the layers of a network: AnB, AnB+, BnB and BnB+.

Source: Yosinski, Clune, Bengio, Lipson, "How transferable are features in deep neural networks?", NIPS 2014. Classes
are split into A and B. The first n layers of a network trained on A (AnB) or on B (BnB) are copied, the others are
randomly initialized, and the network is trained on B; with "+", the copied layers are trained as well. BnB dips where
layers were co-adapted with those above them; AnB falls at the top, where features are specific to A.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from camshaft.envs.errors import InvalidOption
from camshaft.perception.backbones.encoder import Encoder

TREATMENTS = ("AnB", "AnB+", "BnB", "BnB+")


def split_classes(count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split the classes randomly into halves A and B; A is larger if their number is odd."""
    if count < 4:
        raise InvalidOption(f"two sets of at least two classes need four, got {count}")
    order = np.random.default_rng(seed).permutation(count)
    middle = (count + 1) // 2
    return np.sort(order[:middle]), np.sort(order[middle:])


class ClassSubset:
    """Images of a subset of the classes, which are renumbered from 0 in the order given.

    Args:
        images: data set with the label "class".
        classes: (N,) class of each image.
        chosen: classes to keep.
    """

    def __init__(
        self, images: Any, classes: NDArray[np.int64], chosen: Sequence[int] | NDArray[np.int64]
    ) -> None:
        self._images = images
        self._rows = np.flatnonzero(np.isin(classes, chosen))
        if self._rows.size == 0:
            raise InvalidOption(f"there is no image of the classes {list(map(int, chosen))}")
        self._numbers = np.full(int(np.max(classes)) + 1, -1)
        self._numbers[np.asarray(chosen)] = np.arange(len(chosen))

    def __len__(self) -> int:
        return len(self._rows)

    def fetch(self, indices: Any) -> dict[str, Any]:
        """Images and labels at these indices."""
        batch = dict(self._images.fetch(self._rows[np.asarray(indices)]))
        batch["class"] = self._numbers[np.asarray(batch["class"])]
        return batch


@torch.no_grad()
def keep_layers(encoder: Encoder, trained: Mapping[str, Tensor], layers: int) -> None:
    """Copy the first layers of a trained encoder to an encoder of the same architecture.

    Args:
        encoder: encoder to copy to, modified in place.
        trained: state dict of the trained encoder.
        layers: number of layer groups to copy, counted from the input.
    """
    groups = encoder.layer_groups
    if not 0 <= layers <= len(groups):
        raise InvalidOption(f"layers must be within 0..{len(groups)}, got {layers}")
    names = {id(value): name for name, value in encoder.state_dict(keep_vars=True).items()}
    for group in groups[:layers]:
        for value in group.state_dict(keep_vars=True).values():
            value.data.copy_(trained[names[id(value)]])
