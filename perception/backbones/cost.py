"""Computational cost of a network in multiply-accumulate operations (MACs)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from camshaft.perception.backbones.lenet import PartialConvolution


def count_macs(module: nn.Module, images: Tensor) -> int:
    """MACs of the convolutions and fully connected layers for one frame.

    Preprocessing, normalization, activations and pooling are not counted, as in published tables.

    Args:
        module: the network.
        images: (1, 3, H, W) frame to run it on.
    """
    total = 0

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.Linear):
            total += output.numel() * layer.in_features
        elif isinstance(layer, nn.Conv2d):
            total += output.numel() * layer.weight[0].numel()
        elif isinstance(layer, PartialConvolution):
            total += output[0, 0].numel() * layer.weight.numel()

    counted = (nn.Linear, nn.Conv2d, PartialConvolution)
    handles = [layer.register_forward_hook(count) for layer in module.modules() if isinstance(layer, counted)]
    training = module.training
    try:
        with torch.no_grad():
            module.eval()(images)
    finally:
        module.train(training)
        for handle in handles:
            handle.remove()
    return total
