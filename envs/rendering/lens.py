"""Lenses: from points to pixels and back, and the tables through which the renderer looks.

Sources: the camera models of OpenCV's calib3d and fisheye modules (Brown, "Close-range camera calibration", 1971;
Kannala and Brandt, "A generic camera model and calibration method", 2006). A cylindrical image holds the ray
(sin φ, h, cos φ) at column φ·f and row h·f from its middle.

Any lens but the pinhole is drawn through pinhole views: the faces of a cube about the camera, cut to what the lens
sees. The first pass fills the cells of those views. The second looks up the cell under the middle of each pixel, and
evaluates the surface found there on the lens's own ray, so that depth, texture and light are those of the lens.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.kernels import inlined, kernel
from camshaft.envs.rendering.camera import Camera
from camshaft.envs.rendering.cpu.gather import RUN

PINHOLE, FISHEYE, CYLINDRICAL = 0, 1, 2
KINDS = {"pinhole": PINHOLE, "fisheye": FISHEYE, "cylindrical": CYLINDRICAL}
MAX_FISHEYE_ANGLE = math.radians(100.0)
WIDEST_TANGENT = 1e3  # of a ray from the axis of a distorted pinhole
INVERSION_ERROR = 0.01  # pixels; a pixel whose ray cannot be found to this lies outside the image circle

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


class Optics(NamedTuple):
    """The numbers of a lens; pixels with the center of the first at (0, 0)."""

    kind: int
    focal: float
    center_x: float
    center_y: float
    distortion: NDArray[np.float64]  # (8,)
    limit: float  # squared tangent (pinhole) or angle (fisheye) beyond which the lens does not see


class Views(NamedTuple):
    """Pinhole views that the first pass fills.

    Attributes (V views):
        rotations: (V, 3, 3) view from camera.
        focal: cells a unit of tangent.
        centers: (V, 2) column and row of the axis; the first cell spans 0..1.
        sizes: (V, 2) columns and rows.
        offsets: (V + 1,) first cell of each view among the cells of all.
        sides: (V, 4, 3) inward unit normals of the sides of the view's frustum.
    """

    rotations: NDArray[np.float32]
    focal: float
    centers: NDArray[np.float64]
    sizes: NDArray[np.int64]
    offsets: NDArray[np.int64]
    sides: NDArray[np.float32]


class Pixels(NamedTuple):
    """What pixels (H, W) look at.

    Attributes:
        cells: cell under the middle of the pixel; outside the image circle, the one behind the last.
        ray_x, ray_y: the pixel's ray in the axes of that cell's view, at z = 1.
        lengths: of that ray.
        spreads: distance to the next pixel's ray, at z = 1.

    Behind the last pixel, `RUN` more numbers may be read.
    """

    cells: NDArray[np.int32]
    ray_x: NDArray[np.float32]
    ray_y: NDArray[np.float32]
    lengths: NDArray[np.float32]
    spreads: NDArray[np.float32]


class Lens(NamedTuple):
    """All that the kernels read of a camera.

    Attributes:
        width, height: pixels.
        near, far: meters.
        radial: 1 when depth is the distance from the camera, 0 when it is along the optical axis.
        exact: 1 when cells are pixels and depth needs no second look.
        samples: samples a pixel along each side.
        optics: of the image.
        views: what the first pass fills.
        shading: (samples H, samples W) rays of the colors.
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


def make_optics(camera: Camera) -> Optics:
    """The numbers of a camera's lens."""
    distortion = np.zeros(8)
    distortion[: len(camera.distortion)] = camera.distortion
    kind = KINDS[camera.lens]
    return Optics(
        kind,
        camera.focal_length,
        0.5 * (camera.width - 1),
        0.5 * (camera.height - 1),
        distortion,
        _limit(kind, distortion),
    )


def make_lens(camera: Camera) -> Lens:
    """The tables of a camera."""
    optics = make_optics(camera)
    samples = camera.supersampling
    plain = optics.kind == PINHOLE and not any(camera.distortion)
    corners = _sample_pixels(camera, samples)
    middles = _sample_pixels(camera, 1)
    if plain:
        focal = samples * optics.focal
        size = np.array([[samples * camera.width, samples * camera.height]])
        views = _make_views(FACES[:1], focal, 0.5 * size, size)
    else:
        views = _cube_views(optics, corners, samples, 1 if optics.kind == PINHOLE else len(FACES))
    shading = _look_up(optics, views, corners)
    labels = shading if samples == 1 else _look_up(optics, views, middles)
    exact = int(plain and samples == 1)
    radial = int(optics.kind != PINHOLE)
    return Lens(
        camera.width,
        camera.height,
        camera.near,
        camera.far,
        radial,
        exact,
        samples,
        optics,
        views,
        shading,
        labels,
    )


def project(camera: Camera, points: ArrayLike) -> NDArray[np.float64]:
    """(…, 2) column and row at which points (…, 3), in camera axes, appear; NaN where the lens does not see.

    The center of the first pixel is (0, 0), as in OpenCV; pixels outside the image are given too.
    """
    array = np.asarray(points, np.float64)
    flat = np.ascontiguousarray(array.reshape(-1, 3))
    pixels = np.empty((len(flat), 2))
    _project_points(make_optics(camera), flat, pixels)
    return pixels.reshape(*array.shape[:-1], 2)


def rays(camera: Camera, pixels: ArrayLike | None = None) -> NDArray[np.float64]:
    """(…, 3) unit directions in camera axes of pixels (…, 2), by default of all, (H, W, 3); NaN outside the lens."""
    places = _sample_pixels(camera, 1) if pixels is None else np.asarray(pixels, np.float64)
    directions = _unproject(make_optics(camera), places)
    return directions / np.linalg.norm(directions, axis=-1, keepdims=True)


@inlined
def project_point(optics, x, y, z):  # type: ignore[no-untyped-def]
    """Column, row and whether the lens sees a point in camera axes."""
    k = optics.distortion
    if optics.kind == PINHOLE:
        if z <= 0.0:
            return 0.0, 0.0, False
        a, b = x / z, y / z
        r2 = a * a + b * b
        if r2 > optics.limit:
            return 0.0, 0.0, False
        radial = (1.0 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))) / (1.0 + r2 * (k[5] + r2 * (k[6] + r2 * k[7])))
        column = a * radial + 2.0 * k[2] * a * b + k[3] * (r2 + 2.0 * a * a)
        row = b * radial + k[2] * (r2 + 2.0 * b * b) + 2.0 * k[3] * a * b
    elif optics.kind == FISHEYE:
        across = math.sqrt(x * x + y * y)
        angle = math.atan2(across, z)
        if angle > optics.limit:
            return 0.0, 0.0, False
        t2 = angle * angle
        bent = angle * (1.0 + t2 * (k[0] + t2 * (k[1] + t2 * (k[2] + t2 * k[3]))))
        share = bent / across if across > 0.0 else 0.0
        column, row = x * share, y * share
    else:
        out = math.sqrt(x * x + z * z)
        if out <= 0.0:
            return 0.0, 0.0, False
        column, row = math.atan2(x, z), y / out
    return optics.center_x + optics.focal * column, optics.center_y + optics.focal * row, True


@kernel
def _project_points(optics, points, pixels):  # type: ignore[no-untyped-def]
    for index in range(points.shape[0]):
        column, row, seen = project_point(optics, points[index, 0], points[index, 1], points[index, 2])
        pixels[index, 0] = column if seen else np.nan
        pixels[index, 1] = row if seen else np.nan


def _limit(kind: int, k: NDArray[np.float64]) -> float:
    """Where the radial distortion stops growing: beyond, two rays would share a pixel."""
    if kind == CYLINDRICAL:
        return math.inf
    if kind == FISHEYE:
        angles = np.linspace(0.0, MAX_FISHEYE_ANGLE, 4001)
        squares = angles**2
        bent = angles * (1.0 + squares * (k[0] + squares * (k[1] + squares * (k[2] + squares * k[3]))))
        return float(angles[_growing(bent)])
    tangents = np.linspace(0.0, 20.0, 40001)
    r2 = tangents**2
    bent = (
        tangents
        * (1.0 + r2 * (k[0] + r2 * (k[1] + r2 * k[4])))
        / (1.0 + r2 * (k[5] + r2 * (k[6] + r2 * k[7])))
    )
    return math.inf if not k.any() else float(r2[_growing(bent)])


def _growing(values: NDArray[np.float64]) -> int:
    """Last index up to which values grow."""
    falls = np.flatnonzero(~(np.diff(values) > 0.0))
    return int(falls[0]) if len(falls) else len(values) - 1


def _unproject(optics: Optics, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """(…, 3) directions of pixels, NaN where there is none."""
    goal = (pixels - [optics.center_x, optics.center_y]) / optics.focal
    if optics.kind == CYLINDRICAL:
        azimuth = np.where(np.abs(goal[..., 0]) <= math.pi, goal[..., 0], np.nan)
        return np.stack([np.sin(azimuth), goal[..., 1], np.cos(azimuth)], axis=-1)
    directions = _unbend(optics, goal) if optics.kind == FISHEYE else _undistort(optics, goal)
    back = np.empty((directions[..., 0].size, 2))
    _project_points(optics, np.ascontiguousarray(directions.reshape(-1, 3)), back)
    wrong = np.abs(back.reshape(pixels.shape) - pixels).max(axis=-1)
    directions[~(wrong < INVERSION_ERROR)] = np.nan
    return directions


def _unbend(optics: Optics, goal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Directions of a fisheye's image points, the angle by bisection."""
    k = optics.distortion
    bent = np.hypot(goal[..., 0], goal[..., 1])
    low, high = np.zeros_like(bent), np.full_like(bent, optics.limit)
    for _ in range(50):
        angle = 0.5 * (low + high)
        t2 = angle**2
        above = angle * (1.0 + t2 * (k[0] + t2 * (k[1] + t2 * (k[2] + t2 * k[3])))) > bent
        low, high = np.where(above, low, angle), np.where(above, angle, high)
    angle = 0.5 * (low + high)
    share = np.divide(np.sin(angle), bent, out=np.ones_like(bent), where=bent > 0.0)
    return np.stack([goal[..., 0] * share, goal[..., 1] * share, np.cos(angle)], axis=-1)


def _undistort(optics: Optics, goal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Directions of a distorted pinhole's image points: the radius by bisection, then Newton's method on both axes."""
    k = optics.distortion
    if not k.any():
        return np.concatenate([goal, np.ones_like(goal[..., :1])], axis=-1)
    bent = np.hypot(goal[..., 0], goal[..., 1])
    low, high = np.zeros_like(bent), np.full_like(bent, min(math.sqrt(optics.limit), WIDEST_TANGENT))
    for _ in range(30):
        middle = 0.5 * (low + high)
        above = middle * _radial(k, middle**2)[0] > bent
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    share = np.divide(0.5 * (low + high), bent, out=np.ones_like(bent), where=bent > 0.0)
    a, b = goal[..., 0] * share, goal[..., 1] * share
    with np.errstate(all="ignore"):
        for _ in range(8):
            radial, slope = _radial(k, a * a + b * b)
            aa, ab, bb = a * a, a * b, b * b
            miss_a = a * radial + 2.0 * k[2] * ab + k[3] * (3.0 * aa + bb) - goal[..., 0]
            miss_b = b * radial + k[2] * (aa + 3.0 * bb) + 2.0 * k[3] * ab - goal[..., 1]
            a_of_a = radial + 2.0 * aa * slope + 2.0 * k[2] * b + 6.0 * k[3] * a
            cross = 2.0 * ab * slope + 2.0 * k[2] * a + 2.0 * k[3] * b
            b_of_b = radial + 2.0 * bb * slope + 6.0 * k[2] * b + 2.0 * k[3] * a
            volume = a_of_a * b_of_b - cross * cross
            a, b = (
                a - (b_of_b * miss_a - cross * miss_b) / volume,
                b - (a_of_a * miss_b - cross * miss_a) / volume,
            )
    return np.stack([a, b, np.ones_like(a)], axis=-1)


def _radial(
    k: NDArray[np.float64], r2: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The radial factor of Brown's model at a squared radius, and its slope over that."""
    above = 1.0 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))
    below = 1.0 + r2 * (k[5] + r2 * (k[6] + r2 * k[7]))
    slope_above = k[0] + r2 * (2.0 * k[1] + 3.0 * r2 * k[4])
    slope_below = k[5] + r2 * (2.0 * k[6] + 3.0 * r2 * k[7])
    return above / below, (slope_above * below - above * slope_below) / below**2


def _sample_pixels(camera: Camera, samples: int) -> NDArray[np.float64]:
    """(samples H, samples W, 2) image coordinates of the samples of all pixels."""
    columns = (np.arange(samples * camera.width) + 0.5) / samples - 0.5
    rows = (np.arange(samples * camera.height) + 0.5) / samples - 0.5
    return np.stack(np.meshgrid(columns, rows), axis=-1)


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
    """The faces of a cube that a lens sees, cut to the part that it sees."""
    focal = samples * optics.focal
    directions = _unproject(optics, pixels)
    face = _faces_of(directions, faces)
    rotations, centers, sizes = [], [], []
    for index in range(faces):
        own = directions[face == index]
        if not len(own):
            continue
        seen = own @ FACES[index].T
        cells = focal * seen[:, :2] / seen[:, 2:]
        low, high = np.floor(cells.min(axis=0)), np.floor(cells.max(axis=0)) + 1.0
        rotations.append(FACES[index])
        centers.append(-low)
        sizes.append(high - low)
    if not sizes:
        rotations, centers, sizes = [FACES[0]], [np.zeros(2)], [np.ones(2)]
    return _make_views(np.array(rotations), focal, np.array(centers), np.array(sizes).astype(np.int64))


def _faces_of(directions: NDArray[np.float64], faces: int) -> NDArray[np.int64]:
    """Face of the cube that each direction meets, −1 for NaN."""
    ahead = np.stack([directions @ FACES[index, 2] for index in range(faces)], axis=-1)
    best = np.nan_to_num(ahead, nan=-1.0).argmax(axis=-1)
    return np.where(np.isfinite(directions[..., 0]), best, -1)


def _look_up(optics: Optics, views: Views, pixels: NDArray[np.float64]) -> Pixels:
    """The cells and rays of pixels."""
    directions = _unproject(optics, pixels)
    shape = directions.shape[:2]
    cells = np.full(shape, views.offsets[-1], np.int32)
    ray = np.zeros((*shape, 2))
    ahead = np.stack([directions @ rotation[2] for rotation in views.rotations.astype(np.float64)], axis=-1)
    owner = np.nan_to_num(ahead, nan=-1.0).argmax(axis=-1)
    seen = np.isfinite(directions[..., 0])
    for view, rotation in enumerate(views.rotations.astype(np.float64)):
        own = seen & (owner == view)
        local = directions[own] @ rotation.T
        ray[own] = local[:, :2] / local[:, 2:]
        place = np.floor(views.focal * ray[own] + views.centers[view] + 1e-9).astype(np.int64)
        place = np.clip(place, 0, views.sizes[view] - 1)
        cells[own] = views.offsets[view] + place[:, 1] * views.sizes[view, 0] + place[:, 0]
    lengths = np.sqrt(1.0 + (ray**2).sum(axis=-1))
    turn = 1.0 / optics.focal if optics.kind == PINHOLE else lengths**2 / optics.focal
    spreads = np.broadcast_to(turn, shape) * (1.0 if len(pixels) == 0 else _step(pixels))
    return Pixels(cells, _padded(ray[..., 0]), _padded(ray[..., 1]), _padded(lengths), _padded(spreads))


def _padded(array: NDArray[np.float64]) -> NDArray[np.float32]:
    """A copy behind which `RUN` more numbers may be read."""
    room = np.zeros(array.size + RUN, np.float32)
    room[: array.size] = array.ravel()
    return room[: array.size].reshape(array.shape)


def _step(pixels: NDArray[np.float64]) -> float:
    """Pixels from one sample to the next."""
    return float(pixels[0, 1, 0] - pixels[0, 0, 0]) if pixels.shape[1] > 1 else 1.0
