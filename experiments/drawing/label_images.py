"""Color visualizations of labels: depth, classes, instances, normals, flow, boxes, keypoints."""

from __future__ import annotations

import cv2
import matplotlib as mpl
import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.arrays import Image
from camshaft.envs.rendering import LABELS, Camera, project

Color = tuple[int, int, int]

NEAREST, FARTHEST = 2.0, 400.0  # meters, range of the depth colors
YELLOW, RED, WHITE = (255, 220, 40), (235, 60, 50), (255, 255, 255)

PALETTE = {
    "sky": (150, 190, 235),
    "terrain": (120, 160, 80),
    "road": (95, 90, 100),
    "lane_marking": (250, 250, 250),
    "shoulder": (190, 165, 130),
    "vegetation": (35, 110, 50),
    "building": (200, 90, 70),
    "pole": (240, 200, 60),
    "vehicle": (60, 70, 200),
    "object": (230, 140, 50),
    "robot": (225, 225, 235),
    "table": (150, 110, 80),
    "sidewalk": (225, 175, 210),
    "fence": (160, 130, 150),
    "person": (235, 60, 90),
    "bicycle": (130, 60, 150),
    "traffic_light": (250, 170, 30),
    "traffic_sign": (240, 230, 80),
    "goal": (40, 220, 110),
    "floor": (170, 165, 150),
    "wall": (200, 200, 215),
}

# Corners of a 3D box (x grows first, z last) that an edge joins.
BOX_EDGES = ((0, 1), (2, 3), (4, 5), (6, 7), (0, 2), (1, 3), (4, 6), (5, 7), (0, 4), (1, 5), (2, 6), (3, 7))


def depth_image(depth: NDArray[np.float32], nearest: float = NEAREST, farthest: float = FARTHEST) -> Image:
    """(H, W, 3) colors of (H, W) meters: near bright, far dark, on a logarithmic scale; no depth (0) gray."""
    share = np.log(np.clip(depth, nearest, farthest) / nearest) / np.log(farthest / nearest)
    image = (mpl.colormaps["magma"](1.0 - share)[..., :3] * 255).astype(np.uint8)
    image[depth <= 0.0] = 128
    return image


def segmentation_image(labels: NDArray[np.uint8]) -> Image:
    """(H, W, 3) colors of (H, W) semantic ids."""
    colors = np.full((256, 3), 128, np.uint8)
    for name, color in PALETTE.items():
        colors[LABELS[name]] = color
    return colors[labels]


def instance_image(instances: NDArray[np.uint16]) -> Image:
    """(H, W, 3) one color per instance; sky black."""
    hue = (np.arange(2**16) * 0.61803398875) % 1.0
    value = 0.6 + 0.4 * ((np.arange(2**16) * 0.7548776662) % 1.0)
    colors = mpl.colors.hsv_to_rgb(np.column_stack([hue, np.full(2**16, 0.75), value]))
    colors[0] = 0.0
    return (colors[instances] * 255).astype(np.uint8)


def normal_image(normals: NDArray[np.float32]) -> Image:
    """(H, W, 3) red, green, blue of x, y, z from −1 to 1; black where there is no surface."""
    image = ((0.5 + 0.5 * normals) * 255).astype(np.uint8)
    image[~normals.any(axis=-1)] = 0
    return image


def position_image(positions: NDArray[np.float32], rgb: Image) -> Image:
    """(H, W, 3) lines every 10 m of x (red) and y (green), and every 2 m of height (blue), over a dark image."""
    image = np.asarray(rgb // 3 + 20, np.uint8)
    known = positions.any(axis=-1)
    for axis, (spacing, color) in enumerate(((10.0, RED), (10.0, (90, 230, 90)), (2.0, (90, 160, 255)))):
        cell = np.floor(positions[..., axis] / spacing)
        line = np.zeros(known.shape, bool)
        line[:, 1:] |= cell[:, 1:] != cell[:, :-1]
        line[1:] |= cell[1:] != cell[:-1]
        blurred = cv2.blur(line.astype(np.float32), (9, 9)) > 0.6  # too far away to resolve
        image[line & known & ~blurred] = color
    return image


def speed_image(speed: NDArray[np.floating], fastest: float) -> Image:
    """(H, W, 3) from black at rest to yellow at the fastest speed."""
    return np.asarray(mpl.colormaps["inferno"](np.clip(speed / fastest, 0.0, 1.0))[..., :3] * 255, np.uint8)


def flow_image(flow: NDArray[np.float32], longest: float, wheel: int = 0) -> Image:
    """(H, W, 3) hue of the direction, saturation of the length (Baker et al., IJCV 2011).

    Args:
        flow: (H, W, 2) pixels, columns then rows.
        longest: flow at full saturation, pixels.
        wheel: diameter of a color wheel in the lower left corner, pixels.
    """
    image = _flow_colors(flow[..., 0], flow[..., 1], longest)
    if wheel:
        across = np.linspace(-longest, longest, wheel)
        columns, rows = np.meshgrid(across, across)
        inside = np.hypot(columns, rows) <= longest
        image[-wheel:, :wheel][inside] = _flow_colors(columns, rows, longest)[inside]
    return image


def _flow_colors(columns: NDArray[np.floating], rows: NDArray[np.floating], longest: float) -> Image:
    hue = (np.arctan2(rows, columns) / (2.0 * np.pi)) % 1.0
    strength = np.clip(np.hypot(columns, rows) / longest, 0.0, 1.0)
    colors = mpl.colors.hsv_to_rgb(np.stack([hue, strength, np.ones_like(hue)], axis=-1))
    return np.asarray(colors * 255, np.uint8)


def draw_boxes(image: Image, boxes: ArrayLike, color: Color) -> Image:
    """A copy with (n, 4) boxes (left, top, right, bottom); empty ones are skipped."""
    canvas = image.copy()
    for left, top, right, bottom in np.asarray(boxes, np.float64).round().astype(int):
        if right > left and bottom > top:
            cv2.rectangle(canvas, (left, top), (right - 1, bottom - 1), color, 1)
    return canvas


def draw_boxes_3d(image: Image, camera: Camera, boxes: NDArray[np.float32], color: Color) -> Image:
    """A copy with the edges of (n, 8, 3) boxes in camera axes, where they are in front of the camera."""
    canvas = image.copy()
    for box in boxes:
        if np.isnan(box).any() or box[:, 2].min() < camera.near:
            continue
        pixels = project(camera, box)
        for first, second in BOX_EDGES:
            ends = [tuple((16 * pixels[corner]).round().astype(int).tolist()) for corner in (first, second)]
            cv2.line(canvas, ends[0], ends[1], color, 1, cv2.LINE_AA, 4)
    return canvas


def draw_keypoints(image: Image, keypoints: NDArray[np.float32]) -> Image:
    """A copy with (K, 3) keypoints: visible ones filled, occluded ones as rings."""
    canvas = image.copy()
    for column, row, seen in keypoints:
        center = (round(float(column)), round(float(row)))
        if seen > 1.5:
            cv2.circle(canvas, center, 3, YELLOW, -1, cv2.LINE_AA)
        elif seen > 0.5:
            cv2.circle(canvas, center, 3, RED, 1, cv2.LINE_AA)
    return canvas
