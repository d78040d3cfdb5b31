"""The contract of every image encoder, and the preprocessing that each carries with it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from camshaft.envs.errors import InvalidOption, check_choice

COLOR_SPACES = {
    "rgb": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    # BT.601, analogue scaling: Y in [0, 1], U in [-0.436, 0.436], V in [-0.615, 0.615].
    "yuv": ((0.299, 0.587, 0.114), (-0.14713, -0.28886, 0.436), (0.615, -0.51499, -0.10001)),
    "gray": ((0.299, 0.587, 0.114),),
}
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Preprocessing(nn.Module):
    """Turns camera frames into what a network was designed for; has nothing to learn.

    Resizes (antialiased, and only when the size differs), changes the color space, and normalizes each
    channel to `(value - mean) / std`. Color and normalization are one 1×1 convolution.

    Args:
        size: (height, width) that the network needs, or None to keep that of the frames.
        color: "rgb", or "yuv" or "gray" (Y alone) by the matrix of ITU-R BT.601.
        mean: of each channel in that color space, for frames in [0, 1]; 0 by default.
        std: of each channel, likewise; 1 by default.
    """

    weight: Tensor
    bias: Tensor

    def __init__(
        self,
        size: tuple[int, int] | None = None,
        color: str = "rgb",
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        channels = len(COLOR_SPACES[check_choice("color", color, COLOR_SPACES)])
        mean, std = mean or (0.0,) * channels, std or (1.0,) * channels
        if len(mean) != channels or len(std) != channels:
            raise InvalidOption(
                f"color {color!r} needs {channels} means and deviations, got {mean} and {std}"
            )
        self.size = None if size is None else (int(size[0]), int(size[1]))
        self.color = color
        self.mean = tuple(float(value) for value in mean)
        self.std = tuple(float(value) for value in std)
        scale = 1.0 / torch.tensor(self.std)
        matrix = scale[:, None] * torch.tensor(COLOR_SPACES[color])
        self.register_buffer("weight", matrix[:, :, None, None], persistent=False)
        self.register_buffer("bias", -scale * torch.tensor(self.mean), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Preprocess a batch.

        Args:
            images: (B, H, W, 3) or (B, 3, H, W); uint8, or floats in [0, 1].

        Returns:
            (B, C, h, w) float, in the memory order of the frames (channels last for HWC frames); C is 1 for
            "gray", else 3.
        """
        images = self.resize(images)
        unit = 1.0
        if images.dtype == torch.uint8:
            unit = 1.0 / 255.0
            images = images.to(_compute_dtype(images.device, self.weight.dtype))
        if not torch.is_autocast_enabled(images.device.type):
            images = images.to(self.weight.dtype)
        return functional.conv2d(images, self.weight * unit, self.bias)

    def resize(self, images: Tensor) -> Tensor:
        """The first part of preprocessing: the size alone.

        Args:
            images: (B, H, W, 3) or (B, 3, H, W); uint8, or floats in [0, 1].

        Returns:
            (B, 3, h, w) uint8 or float32. Frames in uint8 are rounded, which is twenty times as fast.
        """
        images = channels_first(images)
        if self.size is None or tuple(images.shape[-2:]) == self.size:
            return images
        native = images.dtype == torch.uint8 and images.device.type == "cpu"
        source = images if native else images.float()
        resized = functional.interpolate(source, self.size, mode="bilinear", antialias=True)
        return resized.round().to(torch.uint8) if images.dtype == torch.uint8 and not native else resized


class Encoder(nn.Module, ABC):
    """A convolutional network from camera frames to features.

    All faces take frames as cameras give them, (B, H, W, 3) or (B, 3, H, W), uint8 or floats in [0, 1], and
    do their own preprocessing.

    Attributes:
        out_dim: width of the feature vector that `forward` returns.
        channels: of each feature map, finest first.
        strides: of each feature map, pixels of the preprocessed frame between neighboring places.
        preprocessing: what is done to the frames first.
        original_head: where the published weights of this network keep its output layer, if it has any.
        auxiliary_maps: indices of the feature maps that the paper trains through heads of their own.
        takes_published: whether the published weights are of this very network.
        smallest_side: pixels below which a layer has nothing left to look at.
    """

    out_dim: int
    channels: tuple[int, ...]
    strides: tuple[int, ...]
    original_head: ClassVar[str | None] = None
    auxiliary_maps: ClassVar[tuple[int, ...]] = ()
    takes_published: bool = True
    smallest_side: ClassVar[int] = 1

    def __init__(self, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.preprocessing = preprocessing

    def preprocess(self, images: Tensor) -> Tensor:
        """Frames as the network's first layer takes them, (B, 3, h, w) float."""
        preprocessed: Tensor = self.preprocessing(images)
        return preprocessed

    @abstractmethod
    def feature_maps(self, images: Tensor) -> list[Tensor]:
        """The outputs of the convolutional stages, (B, channels[i], H_i, W_i) each, finest first."""

    @abstractmethod
    def features_and_maps(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The feature vector, (B, out_dim), and the feature maps, for the price of the vector."""

    def forward(self, images: Tensor) -> Tensor:
        """The feature vector, (B, out_dim)."""
        return self.features_and_maps(images)[0]

    @property
    def layer_groups(self) -> list[nn.Module]:
        """The network from its input to its features, in parts that can be frozen or trained at their own rates."""
        return [
            part for name, part in self.named_children() if name != "preprocessing" and has_parameters(part)
        ]


class StagedEncoder(Encoder):
    """An encoder whose stages each give one feature map, and whose last map is summarized to the vector.

    Attributes:
        stages: one a feature map, each from the map before it.
        summary: the last map to the feature vector.
    """

    stages: nn.ModuleList
    summary: nn.Module

    def feature_maps(self, images: Tensor) -> list[Tensor]:
        """The outputs of the stages, finest first."""
        maps = [self.preprocess(images)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps[1:]

    def features_and_maps(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The feature vector, (B, out_dim), and the feature maps, for the price of the vector."""
        maps = self.feature_maps(images)
        return self.summary(maps[-1]), maps

    @property
    def layer_groups(self) -> list[nn.Module]:
        """Each stage that learns, then the layers of the summary that do."""
        layers = list(self.summary) if isinstance(self.summary, nn.Sequential) else [self.summary]
        return [part for part in (*self.stages, *layers) if has_parameters(part)]


def channels_first(images: Tensor) -> Tensor:
    """View a batch of HWC or CHW frames as (B, 3, H, W), without copying.

    Raises:
        InvalidOption: this is not a batch of three-channel frames in uint8 or floats.
    """
    if not isinstance(images, Tensor):
        raise InvalidOption(
            f"images in a {type(images).__name__}: accepted are tensors, such as torch.from_numpy makes"
        )
    if images.dtype != torch.uint8 and not images.is_floating_point():
        raise InvalidOption(f"images of {images.dtype}: accepted are uint8, and floats in [0, 1]")
    if images.ndim == 4 and images.shape[1] == 3:
        return images
    if images.ndim == 4 and images.shape[3] == 3:
        return images.permute(0, 3, 1, 2)
    raise InvalidOption(f"images of shape {tuple(images.shape)}: accepted are (B, H, W, 3) and (B, 3, H, W)")


def check_size(model: str, size: Sequence[int], smallest: int) -> tuple[int, int]:
    """An encoder's `size` option, checked.

    Raises:
        InvalidOption: it is not (height, width) in pixels of at least `smallest`.
    """
    if isinstance(size, str) or not isinstance(size, Sequence) or len(size) != 2 or min(size) < smallest:
        raise InvalidOption(
            f"size of {model} must be (height, width) of at least {smallest} pixels, got {size!r}"
        )
    return int(size[0]), int(size[1])


def check_optional_size(model: str, size: Sequence[int] | None, smallest: int) -> tuple[int, int] | None:
    """Likewise, of an encoder that takes frames of any size: None keeps theirs."""
    return None if size is None else check_size(model, size, smallest)


def has_parameters(module: nn.Module) -> bool:
    """Whether a module has anything to learn."""
    return any(True for _ in module.parameters())


def count_parameters(module: nn.Module) -> int:
    """How many numbers a module learns."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def _compute_dtype(device: torch.device, otherwise: torch.dtype) -> torch.dtype:
    """The dtype convolutions run in; every uint8 value is exact in it, so frames are cast straight to it."""
    if torch.is_autocast_enabled(device.type):
        return torch.get_autocast_dtype(device.type)
    return otherwise
