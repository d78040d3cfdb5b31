"""Weight initialization by one rule for all layers.

Sources: LeCun, Bottou, Orr, Müller, "Efficient BackProp", 1998; He et al., "Delving Deep into Rectifiers", ICCV 2015.
"""

from __future__ import annotations

import torch
from torch import nn

from camshaft.envs.errors import check_choice
from camshaft.perception.backbones.lenet import PartialConvolution

INITIALIZATIONS = ("own", "fan_in", "unit")


@torch.no_grad()
def initialize(module: nn.Module, kind: str) -> None:
    """Initialize the weights of convolutions and fully connected layers in place; biases become 0.

    Args:
        module: module to initialize.
        kind: "own" keeps the initialization of the network; "fan_in" samples from a normal distribution of variance
            2/fan-in, which preserves the scale of signals; "unit" samples with variance 1, from which deep networks
            fail to learn.
    """
    check_choice("initialization", kind, INITIALIZATIONS)
    if kind == "own":
        return
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | PartialConvolution):
            if isinstance(layer, PartialConvolution):
                fan_in = layer.fan_in
            else:
                fan_in = torch.tensor(float(layer.weight[0].numel()))
            nn.init.normal_(layer.weight)
            if kind == "fan_in":
                layer.weight.mul_(torch.sqrt(2.0 / fan_in))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
