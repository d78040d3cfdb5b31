"""Augmentation of batches of images and labels on the device they are on.

Geometric augmentation is a mirroring and a similarity transform per image, applied to labels as well; color
augmentations are those of kornia (Riba et al., 2020).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import torch
from kornia import augmentation
from torch import Tensor

from camshaft.envs.errors import InvalidOption
from camshaft.perception.backbones.encoder import channels_first
from camshaft.perception.data.arrays import Batch
from camshaft.perception.data.similarity_transform import SimilarityTransform

IMAGES = ("rgb", "next_rgb")
DENSE: Mapping[str, float] = {  # per-pixel labels and their values outside of the original image
    "depth": 0.0,
    "segmentation": 255.0,
    "instances": 0.0,
    "mask": 0.0,
    "normals": 0.0,
    "flow": 0.0,
    "occluded": 1.0,
    "world_normals": 0.0,
    "positions": 0.0,
    "scene_flow": 0.0,
}
VECTORS = {"normals": 3, "flow": 2}  # whose first two components rotate with the image
BOXES = ("objects", "boxes", "amodal_boxes", "box")
KEYPOINTS = "keypoints"
CAMERA_MOTION, CAMERA_POSE = "camera_motion", "camera_pose"
NOT_MIRRORED = ("world_normals", "positions", "scene_flow", CAMERA_POSE)  # the world has no mirror image
IMMOVABLE = ("boxes_3d",)  # positions relative to the camera, which do not move with pixels
SIDED = (  # labels that distinguish left from right
    "action",
    "state",
    "goal",
    "lane",
    "ego",
    "imu",
    "command",
    "lidar",
    "birdseye",
)


@dataclass(frozen=True)
class AugmentationConfig:
    """Strength of the augmentations; 0 disables one.

    Attributes:
        mirror: probability of a horizontal flip.
        rotate_degrees: maximum rotation to either side.
        scale: maximum scaling; factors are between 1 / (1 + scale) and 1 + scale.
        shift: maximum shift to either side, relative to width and height.
        brightness, contrast, saturation, hue: of kornia's ColorJiggle.
        gray: probability of converting an image to gray.
        blur: probability of blurring an image.
        noise: standard deviation of noise, for images in [0, 1]; half of the images get noise.
        erase: probability of replacing a rectangle of 2 to 20 % of an image by gray.
        odd: labels that change sign under mirroring: name to the columns that do, or an empty tuple for all columns.
    """

    mirror: float = 0.5
    rotate_degrees: float = 8.0
    scale: float = 0.2
    shift: float = 0.08
    brightness: float = 0.3
    contrast: float = 0.3
    saturation: float = 0.3
    hue: float = 0.03
    gray: float = 0.05
    blur: float = 0.1
    noise: float = 0.02
    erase: float = 0.0
    odd: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: {"steering": ()})

    def __post_init__(self) -> None:
        limits = {"mirror": 1.0, "gray": 1.0, "blur": 1.0, "erase": 1.0, "hue": 0.5, "brightness": 1.0}
        limits["rotate_degrees"] = 180.0
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name == "odd":
                continue
            limit = limits.get(entry.name, 10.0)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= limit:
                raise InvalidOption(f"{entry.name} must be within 0..{limit:g}, got {value!r}")

    @property
    def moves(self) -> bool:
        """Whether images are rotated, scaled or shifted."""
        return bool(self.rotate_degrees or self.scale or self.shift)


class Augmentation:
    """Augmentation of the trainer: a function from batches with labels by name to augmented batches.

    Augmented images are (B, 3, H, W) floats in [0, 1]. Class ids, depths and other per-pixel labels are sampled from
    the nearest pixel; normals and flow rotate with the image and change sign under mirroring; boxes and keypoints move
    with the image, and boxes grow to enclose their former content. Scaling simulates a longer lens: depths are kept.
    Pixels outside of the original image get the values in DENSE. Other labels are kept, except those named in `odd`;
    labels that distinguish left from right (SIDED) must be named there if images are mirrored.

    Args:
        config: strength of the augmentations.

    Raises:
        InvalidOption: a label has the shape of an image but is not a known one, or has no mirror image.
    """

    def __init__(self, config: AugmentationConfig = AugmentationConfig()) -> None:
        self.config = config
        self._colors = _color_augmentation(config)

    @torch.no_grad()
    def __call__(self, batch: Batch) -> Batch:
        """Augment a batch; uses the global random number generator of PyTorch."""
        rgb = channels_first(batch["rgb"])
        self._check(batch, rgb)
        height, width = rgb.shape[-2:]
        mirrored = torch.rand(len(rgb)) < self.config.mirror
        parameters = self._sample_parameters(len(rgb), height, width)
        transform = SimilarityTransform(
            mirrored.to(rgb.device), parameters.to(rgb.device), height, width, not self.config.moves
        )
        augmented = {name: self._transform(name, values, transform) for name, values in batch.items()}
        if self._colors is not None:
            augmented["rgb"] = self._colors(augmented["rgb"]).clamp(0.0, 1.0)
            if "next_rgb" in augmented:
                following = self._colors(augmented["next_rgb"], params=self._colors._params)
                augmented["next_rgb"] = following.clamp(0.0, 1.0)
        return augmented

    def _sample_parameters(self, count: int, height: int, width: int) -> Tensor:
        """(B, 4) parameters of a `SimilarityTransform`."""
        config = self.config
        spread = torch.rand(count, 4) * 2.0 - 1.0
        rotation = spread[:, 0] * math.radians(config.rotate_degrees)
        scale = torch.exp(spread[:, 1] * math.log1p(config.scale))
        return torch.stack(
            [rotation, scale, spread[:, 2] * config.shift * width, spread[:, 3] * config.shift * height],
            dim=1,
        )

    def _transform(self, name: str, values: Tensor, transform: SimilarityTransform) -> Tensor:
        if name in IMAGES:
            return transform.images(channels_first(values))
        if name in DENSE:
            return transform.dense(values, DENSE[name], VECTORS.get(name, 0))
        if name in BOXES:
            return transform.boxes(values)
        if name == KEYPOINTS:
            return transform.keypoints(values)
        if name in (CAMERA_MOTION, CAMERA_POSE):
            rotations = transform.rotations(4).to(values.dtype)
            return rotations @ values @ rotations.mT if name == CAMERA_MOTION else values @ rotations.mT
        if name in self.config.odd:
            return _mirror_numbers(values, transform.mirrored, self.config.odd[name])
        return values

    def _check(self, batch: Batch, rgb: Tensor) -> None:
        for name, values in batch.items():
            image = values.ndim >= 3 and tuple(values.shape[1:3]) == tuple(rgb.shape[-2:])
            if image and name not in (*IMAGES, *DENSE):
                raise InvalidOption(
                    f"label {name!r} has the shape of an image, but is not one of those that can be transformed: "
                    f"{', '.join(DENSE)}"
                )
            if self.config.mirror and name in NOT_MIRRORED:
                raise InvalidOption(f"label {name!r} has no mirror image: set mirror to 0")
            if self.config.mirror and name in SIDED and name not in self.config.odd:
                raise InvalidOption(
                    f"label {name!r} distinguishes left from right: name the columns that change sign under mirroring "
                    "in odd, or set mirror to 0"
                )
            if name in IMMOVABLE and (self.config.mirror or self.config.moves):
                raise InvalidOption(
                    f"label {name!r} does not move with the pixels: set mirror, rotate_degrees, scale and shift to 0"
                )
            if len(values) != len(rgb):
                raise InvalidOption(f"label {name!r} has {len(values)} rows, there are {len(rgb)} images")


def _color_augmentation(config: AugmentationConfig) -> Any:
    """Color augmentations of kornia, or None."""
    steps: list[Any] = []
    jiggle = (config.brightness, config.contrast, config.saturation, config.hue)
    if any(jiggle):
        steps.append(augmentation.ColorJiggle(*jiggle, p=1.0))
    if config.gray:
        steps.append(augmentation.RandomGrayscale(p=config.gray))
    if config.blur:
        steps.append(augmentation.RandomGaussianBlur((5, 5), (0.5, 1.5), p=config.blur))
    if config.noise:
        steps.append(augmentation.RandomGaussianNoise(0.0, config.noise, p=0.5))
    if config.erase:
        steps.append(augmentation.RandomErasing((0.02, 0.2), value=0.5, p=config.erase))
    return augmentation.AugmentationSequential(*steps, data_keys=["input"]) if steps else None


def _mirror_numbers(values: Tensor, mirrored: Tensor, columns: Sequence[int]) -> Tensor:
    sign = torch.ones_like(values)
    if columns:
        sign[..., list(columns)] = -1.0
    else:
        sign = -sign
    return torch.where(mirrored.view(-1, *[1] * (values.ndim - 1)), values * sign, values)
