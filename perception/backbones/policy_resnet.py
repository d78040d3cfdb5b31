"""PolicyResNet, the default encoder of policies: a small residual network for frames of 64 to 128 pixels.

Sources: residual blocks of He et al., CVPR 2016; group normalization of Wu and He, ECCV 2018; spatial softmax of
Levine et al., "End-to-End Training of Deep Visuomotor Policies", JMLR 2016.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from camshaft.perception.backbones.encoder import Preprocessing, StagedEncoder, check_optional_size
from camshaft.perception.backbones.registry import register_model

WIDTHS = (32, 64, 128, 192)
CHANNELS_PER_GROUP = 16
SMALLEST_SIDE = 32


class PolicyResNet(StagedEncoder):
    """A 3×3/2 convolution and four residual blocks of stride 2, then average pooling and a spatial softmax.

    Group normalization keeps the features of a frame independent of the rest of the batch, and of running statistics
    that go stale while a policy changes what it sees. Average pooling alone would keep what is in view but not where;
    the spatial softmax adds the expected position of each map.

    Args:
        size: (height, width) that frames are resized to; None keeps their size.
        out_dim: size of the feature vector.
    """

    channels = WIDTHS
    strides = (4, 8, 16, 32)
    smallest_side = SMALLEST_SIDE

    def __init__(self, size: tuple[int, int] | None = None, out_dim: int = 256) -> None:
        checked = check_optional_size("policy_resnet", size, SMALLEST_SIDE)
        super().__init__(Preprocessing(checked, mean=(0.5,) * 3, std=(0.25,) * 3))
        self.out_dim = out_dim
        stem = nn.Sequential(
            nn.Conv2d(3, WIDTHS[0], 3, 2, padding=1, bias=False), _norm(WIDTHS[0]), nn.ReLU(inplace=True)
        )
        inputs = (WIDTHS[0], *WIDTHS[:-1])
        blocks = [ResidualBlock(*widths) for widths in zip(inputs, WIDTHS, strict=True)]
        self.stages = nn.ModuleList([nn.Sequential(stem, blocks[0]), *blocks[1:]])
        self.summary = nn.Sequential(MeanAndSpatialSoftmax(), nn.Linear(3 * WIDTHS[-1], out_dim), nn.ReLU())


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions, the first of stride 2, added to a 1×1 convolution of the input."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, 2, padding=1, bias=False)
        self.norm1 = _norm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = _norm(outputs)
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, 2, bias=False), _norm(outputs))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H/2, W/2)."""
        residual = self.norm2(self.conv2(self.relu(self.norm1(self.conv1(maps)))))
        result: Tensor = self.relu(residual + self.shortcut(maps))
        return result


class MeanAndSpatialSoftmax(nn.Module):
    """Mean of each map and its expected position under a spatial softmax, with coordinates in [-1, 1]."""

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, H, W) to (B, 3C): means, expected columns, expected rows."""
        height, width = maps.shape[-2:]
        attention = maps.flatten(2).float().softmax(2).to(maps.dtype).view(maps.shape)
        columns = torch.linspace(-1.0, 1.0, width, dtype=maps.dtype, device=maps.device)
        rows = torch.linspace(-1.0, 1.0, height, dtype=maps.dtype, device=maps.device)
        expected = [(attention.sum(2) * columns).sum(2), (attention.sum(3) * rows).sum(2)]
        return torch.cat([maps.mean((2, 3)), *expected], 1)


@register_model
def policy_resnet(size: tuple[int, int] | None = None, out_dim: int = 256) -> PolicyResNet:
    """The suite's default encoder for policies: frames of 64 to 128 pixels to 256 features, 1.0M parameters."""
    return PolicyResNet(size, out_dim)


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(channels // CHANNELS_PER_GROUP, channels)
