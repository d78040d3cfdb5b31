"""What a network's weights are before training: as they were built, or by one rule for all layers.

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
    """Draw the weights of convolutions and fully connected layers anew; biases become 0.

    Args:
        module: is changed.
        kind: "own" leaves it as it was built; "fan_in" draws from a normal distribution of variance 2/fan-in, so that
            signals keep their size from layer to layer; "unit" of variance 1, which no deep network learns from.
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
