"""Max, average and L_p pooling layers by name."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from camshaft.envs.errors import check_choice

POOLINGS = ("max", "average", "lp")
SMALLEST_MEAN = 1e-12  # keeps the gradient of the root finite where all inputs are zero


class LpPooling(nn.Module):
    """Power-mean pooling, (mean |x|^p)^(1/p): average pooling for p = 1, max pooling as p grows.

    Args:
        kernel_size: side of the window.
        stride: stride of the window.
        padding: zero padding on each side, included in the mean.
        power: p.
    """

    def __init__(self, kernel_size: int, stride: int, padding: int = 0, power: float = 2.0) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding, self.power = kernel_size, stride, padding, power

    def forward(self, maps: Tensor) -> Tensor:
        """Pool (B, C, H, W)."""
        mean = functional.avg_pool2d(maps.abs() ** self.power, self.kernel_size, self.stride, self.padding)
        return (mean + SMALLEST_MEAN) ** (1.0 / self.power)


def make_pooling(kind: str, kernel_size: int, stride: int, padding: int = 0) -> nn.Module:
    """A pooling layer.

    Args:
        kind: "max", "average" or "lp" (p = 2).
        kernel_size: side of the window.
        stride: stride of the window.
        padding: padding on each side.
    """
    check_choice("pooling", kind, POOLINGS)
    if kind == "max":
        return nn.MaxPool2d(kernel_size, stride, padding)
    if kind == "average":
        return nn.AvgPool2d(kernel_size, stride, padding)
    return LpPooling(kernel_size, stride, padding)
