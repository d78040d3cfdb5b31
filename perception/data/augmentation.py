"""Random changes of whole batches on the device they are on: labels move with their pixels.

Geometry is a mirroring and a similarity (rotation, scale, shift) an image; colors are kornia's (Riba et al., 2020).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import kornia
import torch
from torch import Tensor

from camshaft.envs.errors import InvalidOption
from camshaft.perception.backbones.encoder import channels_first

Batch = dict[str, Tensor]

IMAGES = ("rgb", "next_rgb")
DENSE: Mapping[str, float] = {  # labels of every pixel, and what is put where nothing was seen
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
VECTORS = {"normals": 3, "flow": 2}  # whose first two components turn with the image
BOXES = ("objects", "boxes", "amodal_boxes", "box")
KEYPOINTS = "keypoints"
CAMERA_MOTION, CAMERA_POSE = "camera_motion", "camera_pose"
NOT_MIRRORED = (
    "world_normals",
    "positions",
    "scene_flow",
    CAMERA_POSE,
)  # no mirror image of the world is meant
IMMOVABLE = ("boxes_3d",)  # places in front of the lens, which a moved picture does not have
SIDED = (
    "action",
    "state",
    "goal",
    "lane",
    "ego",
    "imu",
    "command",
    "lidar",
    "birdseye",
)  # tell left from right
LEAST_VISIBLE = (
    0.15  # of a box's area: what is pushed farther out of the picture is no longer an object of it
)


@dataclass(frozen=True)
class AugmentationConfig:
    """How strongly batches are changed; 0 leaves that alone.

    Attributes:
        mirror: probability of exchanging left and right.
        rotate_degrees: to either side.
        scale: factor between 1 / (1 + scale) and 1 + scale.
        shift: of the width and height, to either side.
        brightness, contrast, saturation, hue: of kornia's ColorJiggle.
        gray: probability of an image without colors.
        blur: probability of a blurred image.
        noise: standard deviation, of images in 0..1, at most.
        erase: probability that a rectangle of 2 to 20 % of an image is gray.
        odd: labels that change sign in the mirror: name to the columns that do, or an empty tuple for all of it.
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
        most = {"mirror": 1.0, "gray": 1.0, "blur": 1.0, "erase": 1.0, "hue": 0.5, "brightness": 1.0}
        most["rotate_degrees"] = 180.0
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name == "odd":
                continue
            limit = most.get(entry.name, 10.0)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= limit:
                raise InvalidOption(f"{entry.name} must be within 0..{limit:g}, got {value!r}")

    @property
    def moves(self) -> bool:
        """Whether anything but a mirroring changes places."""
        return bool(self.rotate_degrees or self.scale or self.shift)


class Augmentation:
    """Changes batches as `train` has them: called with labels by name, it returns them changed.

    Images come out as (B, 3, H, W) floats in 0..1. Class ids, depths and other labels of pixels take the value of the
    nearest pixel; normals and flow turn with the image and change sign in the mirror; boxes and keypoints move along,
    boxes grow to hold what they held. Scale is that of a longer lens: depth stays. What a pixel beyond the old image
    gets is in DENSE. Other labels pass as they are, but for those named `odd`; those that tell left from right (SIDED)
    have to be named there, or nothing is mirrored.

    Args:
        config: how strongly.

    Raises:
        InvalidOption: a label has the shape of an image and is none of those known, or has no mirror image.
    """

    def __init__(self, config: AugmentationConfig = AugmentationConfig()) -> None:
        self.config = config
        self._colors = _colors(config)

    @torch.no_grad()
    def __call__(self, batch: Batch) -> Batch:
        """Change a batch, with PyTorch's own random numbers."""
        rgb = channels_first(batch["rgb"])
        self._check(batch, rgb)
        mirrored = torch.rand(len(rgb)) < self.config.mirror
        pose = self._draw(len(rgb), rgb.shape[-2:])
        moved = _Move(
            mirrored.to(rgb.device), pose.to(rgb.device), rgb.shape[-2], rgb.shape[-1], self.config.moves
        )
        changed = {name: self._label(name, values, moved) for name, values in batch.items()}
        if self._colors is not None:
            changed["rgb"] = self._colors(changed["rgb"]).clamp(0.0, 1.0)
            if "next_rgb" in changed:
                changed["next_rgb"] = self._colors(changed["next_rgb"], params=self._colors._params).clamp(
                    0.0, 1.0
                )
        return changed

    def _draw(self, count: int, size: Sequence[int]) -> Tensor:
        """(B, 4) turn (rad), scale, columns and rows to shift."""
        config = self.config
        spread = torch.rand(count, 4) * 2.0 - 1.0
        height, width = size
        turn = spread[:, 0] * math.radians(config.rotate_degrees)
        scale = torch.exp(spread[:, 1] * math.log1p(config.scale))
        return torch.stack(
            [turn, scale, spread[:, 2] * config.shift * width, spread[:, 3] * config.shift * height], dim=1
        )

    def _label(self, name: str, values: Tensor, moved: _Move) -> Tensor:
        if name in IMAGES:
            return moved.images(channels_first(values))
        if name in DENSE:
            return moved.dense(values, DENSE[name], VECTORS.get(name, 0))
        if name in BOXES:
            return moved.boxes(values)
        if name == KEYPOINTS:
            return moved.keypoints(values)
        if name in (CAMERA_MOTION, CAMERA_POSE):
            turn = moved.turns(4).to(values.dtype)
            return turn @ values @ turn.mT if name == CAMERA_MOTION else values @ turn.mT
        if name in self.config.odd:
            return _mirrored_numbers(values, moved.mirrored, self.config.odd[name])
        return values

    def _check(self, batch: Batch, rgb: Tensor) -> None:
        for name, values in batch.items():
            image = values.ndim >= 3 and tuple(values.shape[1:3]) == tuple(rgb.shape[-2:])
            if image and name not in (*IMAGES, *DENSE):
                raise InvalidOption(
                    f"label {name!r} has the shape of an image, and how it moves is not known; known are "
                    f"{', '.join(DENSE)}"
                )
            if self.config.mirror and name in NOT_MIRRORED:
                raise InvalidOption(f"label {name!r} has no mirror image: set mirror to 0")
            if self.config.mirror and name in SIDED and name not in self.config.odd:
                raise InvalidOption(
                    f"label {name!r} tells left from right: name the columns that change sign in the mirror in odd, "
                    "or set mirror to 0"
                )
            if name in IMMOVABLE and (self.config.mirror or self.config.moves):
                raise InvalidOption(
                    f"label {name!r} does not move with the pixels: set mirror, rotate_degrees, scale and shift to 0"
                )
            if len(values) != len(rgb):
                raise InvalidOption(f"label {name!r} has {len(values)} rows, there are {len(rgb)} images")


@dataclass(frozen=True)
class _Move:
    """Where the pixels of each image go: mirrored first, then turned, scaled and shifted about the middle.

    Attributes:
        mirrored: (B,) bool.
        pose: (B, 4) turn, scale, columns, rows.
        height, width: of the images.
        moves: whether pose changes anything.
    """

    mirrored: Tensor
    pose: Tensor
    height: int
    width: int
    moves: bool

    def images(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) uint8 or floats in 0..1 to floats in 0..1, bilinear, black beyond."""
        images = images.float() / 255.0 if images.dtype == torch.uint8 else images.float()
        return self._warped(self._flipped(images), "bilinear", 0.0)

    def dense(self, values: Tensor, beyond: float, vector: int) -> Tensor:
        """(B, H, W) or (B, H, W, C), nearest; vectors turned."""
        if values.shape[1:3] != (self.height, self.width):
            raise InvalidOption(
                f"labels of {tuple(values.shape[1:3])} pixels beside images of {(self.height, self.width)}"
            )
        planes = values[:, None] if values.ndim == 3 else values.movedim(-1, 1)
        wide = torch.float64 if values.dtype in (torch.int32, torch.int64) else torch.float32
        planes = self._warped(self._flipped(planes.to(wide)), "nearest", beyond)
        if vector:
            turns = self.turns(vector).to(planes.dtype)
            if vector == 2:  # pixels grow with the scale; directions do not
                turns = turns * self.pose[:, 1, None, None].to(planes.dtype)
            planes = torch.einsum("bij,bjhw->bihw", turns, planes)
        changed = planes[:, 0] if values.ndim == 3 else planes.movedim(1, -1)
        return changed.to(values.dtype)

    def points(self, points: Tensor) -> Tensor:
        """(B, K, 2) columns and rows, the center of the first pixel at (0, 0)."""
        middle = points.new_tensor([0.5 * (self.width - 1), 0.5 * (self.height - 1)])
        turns = self.turns(2).to(points.dtype) * self.pose[:, 1, None, None].to(points.dtype)
        return (points - middle) @ turns.mT + middle + self.pose[:, None, 2:].to(points.dtype)

    def keypoints(self, points: Tensor) -> Tensor:
        """(B, K, 3) columns, rows and visibility, 0 of what left the picture."""
        places = self.points(points[..., :2])
        inside = (
            (places >= -0.5).all(-1)
            & (places[..., 0] < self.width - 0.5)
            & (places[..., 1] < self.height - 0.5)
        )
        return torch.cat([places, torch.where(inside, points[..., 2], 0.0)[..., None]], dim=-1)

    def boxes(self, boxes: Tensor) -> Tensor:
        """(B, K, 4 or more) or (B, 4): left, top, right, bottom edges, then what stays; rows of 0 for what left."""
        rows = boxes[:, None] if boxes.ndim == 2 else boxes
        left, top, right, bottom = rows[..., :4].unbind(-1)
        corners = torch.stack(
            [torch.stack(pair, -1) for pair in ((left, top), (right, top), (right, bottom), (left, bottom))],
            dim=-2,
        )
        places = self.points(corners.flatten(1, 2) - 0.5).unflatten(1, corners.shape[1:3]) + 0.5
        hull = torch.cat([places.amin(-2), places.amax(-2)], dim=-1)
        limits = hull.new_tensor([self.width, self.height] * 2)
        cut = torch.minimum(hull.clamp(min=0.0), limits)
        kept = (_area(cut) >= LEAST_VISIBLE * _area(hull)) & (_area(rows[..., :4]) > 0.0)
        changed = torch.cat([cut, rows[..., 4:]], dim=-1) * kept[..., None]
        if changed.shape[-1] >= 6:  # those that left go to the end
            order = torch.argsort((~kept).to(torch.uint8), dim=1, stable=True)
            changed = changed.gather(1, order[..., None].expand_as(changed))
        return changed[:, 0] if boxes.ndim == 2 else changed

    def turns(self, size: int) -> Tensor:
        """(B, size, size) what becomes of directions: mirrored in x, then turned in the image's plane."""
        cosine, sine = torch.cos(self.pose[:, 0]), torch.sin(self.pose[:, 0])
        turns = torch.eye(size, device=self.pose.device).repeat(len(self.pose), 1, 1)
        sign = torch.where(self.mirrored, -1.0, 1.0)
        turns[:, 0, 0], turns[:, 0, 1] = sign * cosine, -sine
        turns[:, 1, 0], turns[:, 1, 1] = sign * sine, cosine
        return turns

    def _flipped(self, planes: Tensor) -> Tensor:
        return torch.where(self.mirrored[:, None, None, None], planes.flip(-1), planes)

    def _warped(self, planes: Tensor, mode: str, beyond: float) -> Tensor:
        if not self.moves:
            return planes
        middle = planes.new_tensor([0.5 * (self.width - 1), 0.5 * (self.height - 1)])
        scaled = self.pose[:, 1].to(planes.dtype)
        cosine = scaled * torch.cos(self.pose[:, 0]).to(planes.dtype)
        sine = scaled * torch.sin(self.pose[:, 0]).to(planes.dtype)
        turn = torch.stack([torch.stack([cosine, -sine], -1), torch.stack([sine, cosine], -1)], dim=-2)
        shift = middle - (turn @ middle) + self.pose[:, 2:].to(planes.dtype)
        matrix = torch.cat([turn, shift[..., None]], dim=-1)
        offset = planes - beyond  # zeros beyond the image then mean `beyond`
        size = (self.height, self.width)
        return kornia.geometry.transform.warp_affine(offset, matrix, size, mode, align_corners=True) + beyond


def _colors(config: AugmentationConfig) -> Any:
    """Kornia's changes of color, or None."""
    from kornia import augmentation

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


def _mirrored_numbers(values: Tensor, mirrored: Tensor, columns: Sequence[int]) -> Tensor:
    sign = torch.ones_like(values)
    if columns:
        sign[..., list(columns)] = -1.0
    else:
        sign = -sign
    return torch.where(mirrored.view(-1, *[1] * (values.ndim - 1)), values * sign, values)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2] - boxes[..., 0]).clamp(min=0.0) * (boxes[..., 3] - boxes[..., 1]).clamp(min=0.0)
