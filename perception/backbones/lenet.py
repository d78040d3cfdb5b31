"""LeNet-5, a convolutional network for handwritten digits.

Source: LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition", Proceedings of the
IEEE 86(11), 1998, section II.B and table I.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from camshaft.perception.backbones.encoder import Preprocessing, StagedEncoder, check_size
from camshaft.perception.backbones.pooling import make_pooling
from camshaft.perception.backbones.registry import register_model

SMALLEST_SIDE = 32
BACKGROUND, FOREGROUND = -0.1, 1.175  # input values of black and white in the paper
# Table I: the maps of S2 (rows) that each of the 16 maps of C3 (columns) is connected to.
CONNECTIONS = (
    "X...XXX..XXXX.XX",
    "XX...XXX..XXXX.X",
    "XXX...XXX..X.XXX",
    ".XXX..XXXX..X.XX",
    "..XXX..XXXX.XX.X",
    "...XXX..XXXX.XXX",
)


class ScaledTanh(nn.Module):
    """Activation 1.7159 tanh(2x/3), which passes through (1, 1) and (-1, -1) with its greatest curvature."""

    def forward(self, values: Tensor) -> Tensor:
        """Apply the activation elementwise."""
        return 1.7159 * torch.tanh(values * (2.0 / 3.0))


class TrainableSubsampling(nn.Module):
    """Average pooling over 2×2 windows with a trainable weight and bias per map.

    The paper sums the four values; the factor of four is part of the weight here.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, H/2, W/2)."""
        pooled = functional.avg_pool2d(maps, 2)
        return pooled * self.weight[:, None, None] + self.bias[:, None, None]


class PartialConvolution(nn.Module):
    """Layer C3: each of its 16 maps is connected to three, four or all six maps of S2 (table I); 1,516 parameters."""

    mask: Tensor
    fan_in: Tensor  # (60, 1, 1) fan-in of the output map of each kernel

    def __init__(self) -> None:
        super().__init__()
        table = torch.tensor([[mark == "X" for mark in row] for row in CONNECTIONS]).T
        self.register_buffer("mask", table, persistent=False)
        dense = nn.Conv2d(6, 16, 5)
        fan_in = (25.0 * table.sum(1))[:, None].expand(table.shape)[table][:, None, None]
        self.register_buffer("fan_in", fan_in, persistent=False)
        self.weight = nn.Parameter(dense.weight.detach()[table] * torch.sqrt(150.0 / fan_in))
        self.bias = nn.Parameter(dense.bias.detach().clone())  # type: ignore[union-attr]

    def forward(self, maps: Tensor) -> Tensor:
        """(B, 6, H, W) to (B, 16, H - 4, W - 4)."""
        weight = torch.zeros(16, 6, 5, 5, dtype=self.weight.dtype, device=self.weight.device)
        weight = weight.masked_scatter(self.mask[:, :, None, None], self.weight)
        return functional.conv2d(maps, weight, self.bias)


class LeNet5(StagedEncoder):
    """LeNet-5 up to layer F6; the output layer is the head.

    As in the paper it has 60,000 parameters up to F6: 156 in C1, 12 in S2, 1,516 in C3, 32 in S4, 48,120 in C5 and
    10,164 in F6. The simplified variant that is usually called LeNet-5 (`dense=True`: C3 is connected to all maps,
    pooling has no parameters) has 60,856, and 61,706 with a linear output layer for ten classes.

    Args:
        size: (height, width) that frames are resized to.
        dense: build the simplified variant.
        pooling: pooling of the simplified variant: "max", "average" or "lp".
    """

    channels = (6, 16)
    strides = (2, 4)
    smallest_side = SMALLEST_SIDE

    def __init__(
        self, size: tuple[int, int] = (32, 32), dense: bool = False, pooling: str = "average"
    ) -> None:
        spread = FOREGROUND - BACKGROUND
        gray = Preprocessing(
            check_size("lenet5", size, SMALLEST_SIDE), "gray", (-BACKGROUND / spread,), (1.0 / spread,)
        )
        super().__init__(gray)
        self.out_dim = 84
        third: nn.Module = nn.Conv2d(6, 16, 5) if dense else PartialConvolution()
        second: nn.Module = make_pooling(pooling, 2, 2) if dense else TrainableSubsampling(6)
        fourth: nn.Module = make_pooling(pooling, 2, 2) if dense else TrainableSubsampling(16)
        self.stages = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(1, 6, 5), *_with_activation(second, dense)),
                nn.Sequential(third, *_with_activation(fourth, dense)),
            ]
        )
        with torch.no_grad():
            flattened = self.feature_maps(torch.zeros(1, 3, *size))[-1].numel()
        self.summary = nn.Sequential(
            nn.Flatten(), nn.Linear(flattened, 120), ScaledTanh(), nn.Linear(120, self.out_dim), ScaledTanh()
        )


@register_model
def lenet5(size: tuple[int, int] = (32, 32)) -> LeNet5:
    """LeNet-5 as in the paper (LeCun et al. 1998): partial C3, trainable subsampling; 60,000 parameters."""
    return LeNet5(size)


@register_model
def lenet5_dense(size: tuple[int, int] = (32, 32), pooling: str = "average") -> LeNet5:
    """LeNet-5 as in most code: C3 is connected to all maps, plain pooling; 61,706 parameters with ten classes."""
    return LeNet5(size, dense=True, pooling=pooling)


def _with_activation(pooling: nn.Module, dense: bool) -> tuple[nn.Module, ...]:
    """Pooling and activation: after the pooling in the paper, before it in the simplified variant."""
    return (ScaledTanh(), pooling) if dense else (pooling, ScaledTanh())
