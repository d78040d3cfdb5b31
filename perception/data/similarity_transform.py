"""Mirroring and similarity transforms of images together with their labels."""

from __future__ import annotations

from dataclasses import dataclass

import kornia
import torch
from torch import Tensor

from camshaft.envs.errors import InvalidOption

LEAST_VISIBLE = 0.15  # fraction of a box's area; a box with less of it left in the image is removed


@dataclass(frozen=True)
class SimilarityTransform:
    """Transform of each image of a batch: mirrored first, then rotated, scaled and shifted about the center.

    Attributes:
        mirrored: (B,) bool.
        parameters: (B, 4) rotation (radians), scale, column and row shift (pixels).
        height, width: size of the images in pixels.
        is_identity: whether the parameters leave all images in place.
    """

    mirrored: Tensor
    parameters: Tensor
    height: int
    width: int
    is_identity: bool

    def images(self, images: Tensor) -> Tensor:
        """Transform (B, 3, H, W) images bilinearly, black outside; uint8 or floats in [0, 1] to floats in [0, 1]."""
        images = images.float() / 255.0 if images.dtype == torch.uint8 else images.float()
        return self._warp(self._flip(images), "bilinear", 0.0)

    def dense(self, values: Tensor, fill: float, vector_size: int) -> Tensor:
        """Transform per-pixel labels by nearest-neighbor sampling.

        Args:
            values: (B, H, W) or (B, H, W, C).
            fill: value outside of the original image.
            vector_size: number of components of vectors, which are rotated with the image; 0 for other labels.
        """
        if values.shape[1:3] != (self.height, self.width):
            raise InvalidOption(
                f"labels of {tuple(values.shape[1:3])} pixels beside images of {(self.height, self.width)}"
            )
        planes = values[:, None] if values.ndim == 3 else values.movedim(-1, 1)
        wide = torch.float64 if values.dtype in (torch.int32, torch.int64) else torch.float32
        planes = self._warp(self._flip(planes.to(wide)), "nearest", fill)
        if vector_size:
            rotations = self.rotations(vector_size).to(planes.dtype)
            if vector_size == 2:  # displacements in pixels are scaled; directions are not
                rotations = rotations * self.parameters[:, 1, None, None].to(planes.dtype)
            planes = torch.einsum("bij,bjhw->bihw", rotations, planes)
        transformed = planes[:, 0] if values.ndim == 3 else planes.movedim(1, -1)
        return transformed.to(values.dtype)

    def points(self, points: Tensor) -> Tensor:
        """Transform (B, K, 2) columns and rows; the center of the first pixel is (0, 0)."""
        center = points.new_tensor([0.5 * (self.width - 1), 0.5 * (self.height - 1)])
        rotations = self.rotations(2).to(points.dtype) * self.parameters[:, 1, None, None].to(points.dtype)
        return (points - center) @ rotations.mT + center + self.parameters[:, None, 2:].to(points.dtype)

    def keypoints(self, points: Tensor) -> Tensor:
        """Transform (B, K, 3) columns, rows and visibility, which becomes 0 outside of the image."""
        positions = self.points(points[..., :2])
        inside = (
            (positions >= -0.5).all(-1)
            & (positions[..., 0] < self.width - 0.5)
            & (positions[..., 1] < self.height - 0.5)
        )
        return torch.cat([positions, torch.where(inside, points[..., 2], 0.0)[..., None]], dim=-1)

    def boxes(self, boxes: Tensor) -> Tensor:
        """Transform boxes to the bounding boxes of their transformed corners, clipped to the image.

        Args:
            boxes: (B, K, 4 or more) or (B, 4): left, top, right and bottom edges, then columns that are kept. Boxes
                that leave the image become rows of 0, which are moved to the end if there are six or more columns.
        """
        rows = boxes[:, None] if boxes.ndim == 2 else boxes
        left, top, right, bottom = rows[..., :4].unbind(-1)
        corners = torch.stack(
            [torch.stack(pair, -1) for pair in ((left, top), (right, top), (right, bottom), (left, bottom))],
            dim=-2,
        )
        positions = self.points(corners.flatten(1, 2) - 0.5).unflatten(1, corners.shape[1:3]) + 0.5
        hull = torch.cat([positions.amin(-2), positions.amax(-2)], dim=-1)
        limits = hull.new_tensor([self.width, self.height] * 2)
        clipped = torch.minimum(hull.clamp(min=0.0), limits)
        kept = (_area(clipped) >= LEAST_VISIBLE * _area(hull)) & (_area(rows[..., :4]) > 0.0)
        transformed = torch.cat([clipped, rows[..., 4:]], dim=-1) * kept[..., None]
        if transformed.shape[-1] >= 6:
            order = torch.argsort((~kept).to(torch.uint8), dim=1, stable=True)
            transformed = transformed.gather(1, order[..., None].expand_as(transformed))
        return transformed[:, 0] if boxes.ndim == 2 else transformed

    def rotations(self, size: int) -> Tensor:
        """(B, size, size) matrices that transform directions: mirrored in x, then rotated in the image plane."""
        cosine, sine = torch.cos(self.parameters[:, 0]), torch.sin(self.parameters[:, 0])
        rotations = torch.eye(size, device=self.parameters.device).repeat(len(self.parameters), 1, 1)
        sign = torch.where(self.mirrored, -1.0, 1.0)
        rotations[:, 0, 0], rotations[:, 0, 1] = sign * cosine, -sine
        rotations[:, 1, 0], rotations[:, 1, 1] = sign * sine, cosine
        return rotations

    def _flip(self, planes: Tensor) -> Tensor:
        return torch.where(self.mirrored[:, None, None, None], planes.flip(-1), planes)

    def _warp(self, planes: Tensor, mode: str, fill: float) -> Tensor:
        if self.is_identity:
            return planes
        center = planes.new_tensor([0.5 * (self.width - 1), 0.5 * (self.height - 1)])
        scale = self.parameters[:, 1].to(planes.dtype)
        cosine = scale * torch.cos(self.parameters[:, 0]).to(planes.dtype)
        sine = scale * torch.sin(self.parameters[:, 0]).to(planes.dtype)
        linear = torch.stack([torch.stack([cosine, -sine], -1), torch.stack([sine, cosine], -1)], dim=-2)
        shift = center - (linear @ center) + self.parameters[:, 2:].to(planes.dtype)
        matrix = torch.cat([linear, shift[..., None]], dim=-1)
        offset = planes - fill  # kornia pads with zeros
        size = (self.height, self.width)
        return kornia.geometry.transform.warp_affine(offset, matrix, size, mode, align_corners=True) + fill


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2] - boxes[..., 0]).clamp(min=0.0) * (boxes[..., 3] - boxes[..., 1]).clamp(min=0.0)
