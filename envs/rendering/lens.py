"""Lens tables: the pinhole views that a camera is rendered through, and the ray of every pixel.

A pinhole without distortion is rendered as one view. Any other lens is rendered through the faces of a cube around the
camera, cropped to its field of view. The first pass fills the cells of these views; the second pass looks up the cell
under each pixel center and evaluates the surface found there on the pixel's own ray, so that depth, texture and
lighting follow the lens without resampling an image.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.rendering.camera import Camera
from camshaft.envs.rendering.cpu.gather import RUN
from camshaft.envs.rendering.projection import PINHOLE, Optics, make_optics, sample_coordinates, unproject

# Rows: the axes of the views (front, right, left, down, up, back) in camera axes.
FACES = np.array(
    [
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[0, 0, -1], [0, 1, 0], [1, 0, 0]],
        [[0, 0, 1], [0, 1, 0], [-1, 0, 0]],
        [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
        [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
        [[-1, 0, 0], [0, 1, 0], [0, 0, -1]],
    ],
    np.float64,
)


class Views(NamedTuple):
    """Pinhole views that the first pass fills.

    Attributes (V views):
        rotations: (V, 3, 3) view from camera.
        focal: cells per unit of tangent.
        centers: (V, 2) column and row of the optical axis; the first cell spans 0..1.
        sizes: (V, 2) columns and rows.
        offsets: (V + 1,) index of the first cell of each view among the cells of all views.
        sides: (V, 4, 3) inward unit normals of the sides of the view's frustum.
    """

    rotations: NDArray[np.float32]
    focal: float
    centers: NDArray[np.float64]
    sizes: NDArray[np.int64]
    offsets: NDArray[np.int64]
    sides: NDArray[np.float32]


class Pixels(NamedTuple):
    """Cells and rays of pixels or samples, (H, W).

    Attributes:
        cells: cell under the center of the pixel; the index after the last cell outside the image circle.
        ray_x, ray_y: ray of the pixel in the axes of the cell's view, at z = 1.
        lengths: length of that ray.
        spreads: distance to the ray of the next pixel, at z = 1.

    Kernels may read `RUN` more numbers after the last pixel.
    """

    cells: NDArray[np.int32]
    ray_x: NDArray[np.float32]
    ray_y: NDArray[np.float32]
    lengths: NDArray[np.float32]
    spreads: NDArray[np.float32]


class Lens(NamedTuple):
    """A camera as the kernels read it.

    Attributes:
        width, height: pixels.
        near, far: meters.
        radial: 1 when depth is the distance from the camera, 0 when it is along the optical axis.
        exact: 1 when cells are pixels, so that the depth of a cell is that of its pixel.
        samples: samples along each side of a pixel.
        optics: projection of the image.
        views: views that the first pass fills.
        shading: (samples H, samples W) rays of the color samples.
        labels: (H, W) rays of the labels.
    """

    width: int
    height: int
    near: float
    far: float
    radial: int
    exact: int
    samples: int
    optics: Optics
    views: Views
    shading: Pixels
    labels: Pixels


def make_lens(camera: Camera) -> Lens:
    """Lens tables of a camera."""
    optics = make_optics(camera)
    samples = camera.supersampling
    plain = optics.kind == PINHOLE and not any(camera.distortion)
    sample_points = sample_coordinates(camera, samples)
    if plain:
        focal = samples * optics.focal
        size = np.array([[samples * camera.width, samples * camera.height]])
        views = _make_views(FACES[:1], focal, 0.5 * size, size)
    else:
        views = _cube_views(optics, sample_points, samples, 1 if optics.kind == PINHOLE else len(FACES))
    shading = _make_pixels(optics, views, sample_points)
    labels = shading if samples == 1 else _make_pixels(optics, views, sample_coordinates(camera, 1))
    return Lens(
        width=camera.width,
        height=camera.height,
        near=camera.near,
        far=camera.far,
        radial=int(optics.kind != PINHOLE),
        exact=int(plain and samples == 1),
        samples=samples,
        optics=optics,
        views=views,
        shading=shading,
        labels=labels,
    )


def _make_views(
    rotations: NDArray[np.float64], focal: float, centers: NDArray[np.float64], sizes: NDArray[np.int64]
) -> Views:
    low, high = -centers / focal, (sizes - centers) / focal
    zero, one = np.zeros(len(sizes)), np.ones(len(sizes))
    sides = np.stack(
        [
            np.stack([one, zero, -low[:, 0]], axis=1),
            np.stack([-one, zero, high[:, 0]], axis=1),
            np.stack([zero, one, -low[:, 1]], axis=1),
            np.stack([zero, -one, high[:, 1]], axis=1),
        ],
        axis=1,
    )
    sides /= np.linalg.norm(sides, axis=-1, keepdims=True)
    offsets = np.concatenate([[0], np.cumsum(sizes.prod(axis=1))])
    return Views(
        np.ascontiguousarray(rotations, np.float32),
        focal,
        np.ascontiguousarray(centers, np.float64),
        np.ascontiguousarray(sizes, np.int64),
        offsets.astype(np.int64),
        sides.astype(np.float32),
    )


def _cube_views(optics: Optics, pixels: NDArray[np.float64], samples: int, faces: int) -> Views:
    """The first `faces` faces of a cube, each cropped to the lens's field of view."""
    focal = samples * optics.focal
    directions = unproject(optics, pixels)
    nearest = _nearest_axes(directions, FACES[:faces])
    rotations, centers, sizes = [], [], []
    for index in range(faces):
        own = directions[nearest == index]
        if not len(own):
            continue
        local = own @ FACES[index].T
        cells = focal * local[:, :2] / local[:, 2:]
        low, high = np.floor(cells.min(axis=0)), np.floor(cells.max(axis=0)) + 1.0
        rotations.append(FACES[index])
        centers.append(-low)
        sizes.append(high - low)
    if not sizes:
        rotations, centers, sizes = [FACES[0]], [np.zeros(2)], [np.ones(2)]
    return _make_views(np.array(rotations), focal, np.array(centers), np.array(sizes).astype(np.int64))


def _make_pixels(optics: Optics, views: Views, pixels: NDArray[np.float64]) -> Pixels:
    """Cells and rays of pixels at these image coordinates."""
    directions = unproject(optics, pixels)
    shape = directions.shape[:2]
    cells = np.full(shape, views.offsets[-1], np.int32)
    ray = np.zeros((*shape, 2))
    rotations = views.rotations.astype(np.float64)
    nearest = _nearest_axes(directions, rotations)
    for view, rotation in enumerate(rotations):
        own = nearest == view
        local = directions[own] @ rotation.T
        ray[own] = local[:, :2] / local[:, 2:]
        cell = np.floor(views.focal * ray[own] + views.centers[view] + 1e-9).astype(np.int64)
        cell = np.clip(cell, 0, views.sizes[view] - 1)
        cells[own] = views.offsets[view] + cell[:, 1] * views.sizes[view, 0] + cell[:, 0]
    lengths = np.sqrt(1.0 + (ray**2).sum(axis=-1))
    step = 1.0 / optics.focal if optics.kind == PINHOLE else lengths**2 / optics.focal
    spreads = np.broadcast_to(step, shape) * _sample_spacing(pixels)
    return Pixels(cells, _padded(ray[..., 0]), _padded(ray[..., 1]), _padded(lengths), _padded(spreads))


def _nearest_axes(directions: NDArray[np.float64], rotations: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index of the view whose optical axis is nearest to each direction; −1 for NaN."""
    along_axis = np.stack([directions @ rotation[2] for rotation in rotations], axis=-1)
    nearest = np.nan_to_num(along_axis, nan=-1.0).argmax(axis=-1)
    return np.where(np.isfinite(directions[..., 0]), nearest, -1)


def _padded(array: NDArray[np.float64]) -> NDArray[np.float32]:
    """A copy with `RUN` more readable numbers after its end."""
    padded = np.zeros(array.size + RUN, np.float32)
    padded[: array.size] = array.ravel()
    return padded[: array.size].reshape(array.shape)


def _sample_spacing(pixels: NDArray[np.float64]) -> float:
    """Pixels from one sample to the next."""
    return float(pixels[0, 1, 0] - pixels[0, 0, 0]) if pixels.shape[1] > 1 else 1.0
