"""Base classes of image encoders, and their preprocessing of camera frames."""

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
    """Conversion of camera frames to the input that a network was designed for; it has no parameters.

    Frames are resized (antialiased, only if their size differs), converted to the color space, and each channel is
    normalized to `(value - mean) / std`. Color conversion and normalization are a single 1×1 convolution.

    Args:
        size: (height, width) of the network's input, or None to keep the size of the frames.
        color: "rgb", or "yuv" or "gray" (Y alone) as in ITU-R BT.601.
        mean: mean of each channel in that color space, for frames in [0, 1]; 0 by default.
        std: standard deviation of each channel, likewise; 1 by default.
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
                f"color {color!r} needs {channels} means and standard deviations, got {mean} and {std}"
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
            (B, C, h, w) float, in the memory format of the frames (channels last for HWC frames); C is 1 for
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
        """Resize a batch, the first step of preprocessing.

        Args:
            images: (B, H, W, 3) or (B, 3, H, W); uint8, or floats in [0, 1].

        Returns:
            (B, 3, h, w) uint8 or float32. uint8 frames stay uint8, which is twenty times as fast.
        """
        images = channels_first(images)
        if self.size is None or tuple(images.shape[-2:]) == self.size:
            return images
        native = images.dtype == torch.uint8 and images.device.type == "cpu"
        source = images if native else images.float()
        resized = functional.interpolate(source, self.size, mode="bilinear", antialias=True)
        return resized.round().to(torch.uint8) if images.dtype == torch.uint8 and not native else resized


class Encoder(nn.Module, ABC):
    """Base class of encoders: convolutional networks that map camera frames to features.

    All methods take raw camera frames, (B, H, W, 3) or (B, 3, H, W), uint8 or floats in [0, 1], and apply the
    encoder's own preprocessing.

    Attributes:
        out_dim: size of the feature vector that `forward` returns.
        channels: number of channels of each feature map, finest first.
        strides: stride of each feature map in pixels of the preprocessed frame.
        preprocessing: applied to the frames first.
        original_head: name of the output layer in the published weights, if there are any.
        auxiliary_maps: indices of the feature maps that auxiliary classifiers are attached to in the paper.
        takes_published: whether the published weights fit this network.
        smallest_side: smallest height and width in pixels.
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
        """Input of the network's first layer, (B, C, h, w) float."""
        preprocessed: Tensor = self.preprocessing(images)
        return preprocessed

    @abstractmethod
    def feature_maps(self, images: Tensor) -> list[Tensor]:
        """Outputs of the convolutional stages, (B, channels[i], H_i, W_i) each, finest first."""

    @abstractmethod
    def features_and_maps(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The feature vector, (B, out_dim), and the feature maps, computed in one pass."""

    def forward(self, images: Tensor) -> Tensor:
        """The feature vector, (B, out_dim)."""
        return self.features_and_maps(images)[0]

    @property
    def layer_groups(self) -> list[nn.Module]:
        """Parts of the network, from input to features, that can be frozen or given their own learning rate."""
        return [
            part for name, part in self.named_children() if name != "preprocessing" and has_parameters(part)
        ]


class StagedEncoder(Encoder):
    """Base class of encoders that are a sequence of stages, one per feature map, followed by a summary.

    Attributes:
        stages: each maps the previous feature map to the next.
        summary: maps the last feature map to the feature vector.
    """

    stages: nn.ModuleList
    summary: nn.Module

    def feature_maps(self, images: Tensor) -> list[Tensor]:
        """Outputs of the stages, finest first."""
        maps = [self.preprocess(images)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps[1:]

    def features_and_maps(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The feature vector, (B, out_dim), and the feature maps, computed in one pass."""
        maps = self.feature_maps(images)
        return self.summary(maps[-1]), maps

    @property
    def layer_groups(self) -> list[nn.Module]:
        """Stages with parameters, then layers of the summary with parameters."""
        layers = list(self.summary) if isinstance(self.summary, nn.Sequential) else [self.summary]
        return [part for part in (*self.stages, *layers) if has_parameters(part)]


def channels_first(images: Tensor) -> Tensor:
    """View a batch of HWC or CHW frames as (B, 3, H, W), without copying.

    Raises:
        InvalidOption: `images` is not a batch of three-channel frames in uint8 or floats.
    """
    if not isinstance(images, Tensor):
        raise InvalidOption(
            f"images in a {type(images).__name__}: accepted are tensors, such as torch.from_numpy returns"
        )
    if images.dtype != torch.uint8 and not images.is_floating_point():
        raise InvalidOption(f"images of {images.dtype}: accepted are uint8, and floats in [0, 1]")
    if images.ndim == 4 and images.shape[1] == 3:
        return images
    if images.ndim == 4 and images.shape[3] == 3:
        return images.permute(0, 3, 1, 2)
    raise InvalidOption(f"images of shape {tuple(images.shape)}: accepted are (B, H, W, 3) and (B, 3, H, W)")


def check_size(model: str, size: Sequence[int], smallest: int) -> tuple[int, int]:
    """Validate the `size` option of an encoder.

    Raises:
        InvalidOption: `size` is not (height, width) of at least `smallest` pixels.
    """
    if isinstance(size, str) or not isinstance(size, Sequence) or len(size) != 2 or min(size) < smallest:
        raise InvalidOption(
            f"size of {model} must be (height, width) of at least {smallest} pixels, got {size!r}"
        )
    return int(size[0]), int(size[1])


def check_optional_size(model: str, size: Sequence[int] | None, smallest: int) -> tuple[int, int] | None:
    """Validate the `size` option of an encoder that accepts frames of any size: None keeps their size."""
    return None if size is None else check_size(model, size, smallest)


def has_parameters(module: nn.Module) -> bool:
    """Whether a module has any parameters."""
    return any(True for _ in module.parameters())


def count_parameters(module: nn.Module) -> int:
    """Number of trainable parameters of a module."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def _compute_dtype(device: torch.device, otherwise: torch.dtype) -> torch.dtype:
    """The dtype that convolutions run in; it represents every uint8 value exactly."""
    if torch.is_autocast_enabled(device.type):
        return torch.get_autocast_dtype(device.type)
    return otherwise
