"""Top-view images of maps, `render_mode="map"`: roads, obstacles and traffic from above, north up."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.dynamics.collisions import box_corners
from camshaft.envs.driving.road_network.elements import Network, lane_polygon, marking_lines

Color = tuple[int, int, int]
PIXELS = 640  # per side of the image
LARGEST_WHOLE = 700.0  # meters; of larger maps, only the surroundings of the car are shown
SURROUNDINGS = 260.0  # meters per side of these
MARGIN = 12.0  # meters around a map that is shown whole
SUBPIXELS = 4  # bits

LAND, PAVING, WALK, PAINT = (206, 217, 192), (92, 95, 100), (176, 172, 164), (238, 238, 232)
BUILDING, ROUTE, EGO, VEHICLE, PERSON = (
    (168, 142, 122),
    (66, 133, 244),
    (220, 40, 40),
    (250, 190, 60),
    (140, 40, 150),
)
GOAL = (40, 170, 80)
LIGHTS: tuple[Color, ...] = (
    (230, 50, 50),
    (235, 120, 40),
    (60, 200, 90),
    (250, 190, 40),
)  # as `traffic.signals`


@dataclass(frozen=True, eq=False)
class MapSketch:
    """The static part of a map image.

    Attributes:
        low, high: (2,) meters, opposite corners.
        areas: polygons (K, 2) and their colors, bottom to top.
        lines: polylines (K, 2), widths in meters and colors, on top of the areas.
        boxes: (B, 5) x, y, heading, length and width of static obstacles.
    """

    low: FloatArray
    high: FloatArray
    areas: list[tuple[FloatArray, Color]]
    lines: list[tuple[FloatArray, float, Color]]
    boxes: FloatArray


@dataclass
class MapOverlay:
    """The changing part of a map image.

    Attributes:
        route: (P, 2) line to follow, or None.
        boxes: x, y, heading, length, width and color of each vehicle or goal, bottom to top.
        dots: x, y and color of each person, light or marker.
    """

    route: FloatArray | None = None
    boxes: list[tuple[float, float, float, float, float, Color]] = field(default_factory=list)
    dots: list[tuple[float, float, Color]] = field(default_factory=list)


def sketch_network(network: Network, obstacles: FloatArray) -> MapSketch:
    """The static map image of a road network and the obstacles beside it."""
    low, high = network.bounds
    areas: list[tuple[FloatArray, Color]] = []
    lines: list[tuple[FloatArray, float, Color]] = [
        (path.curve.points, 2.2, WALK) for path in network.walkways if path.crossing < 0
    ]
    areas += [(junction.outline, PAVING) for junction in network.junctions]
    areas += [(lane_polygon(lane, 2), PAVING) for lane in network.lanes]
    for junction in network.junctions:
        if junction.island:
            angles = np.linspace(0.0, 2.0 * np.pi, 32)
            ring = junction.center + junction.island * np.stack([np.cos(angles), np.sin(angles)], axis=1)
            areas.append((ring, LAND))
    lines += [(line, 0.25, PAINT) for line in marking_lines(network)]
    lines += [(crossing.line, 2.0, PAINT) for crossing in network.crossings if crossing.marked]
    return MapSketch(low, high, areas, lines, obstacles)


def render_map(sketch: MapSketch, focus: FloatArray, overlay: MapOverlay) -> NDArray[np.uint8]:
    """(640, 640, 3) image of a map and its overlay; of a large map, the surroundings of the focus (2,)."""
    size = float((sketch.high - sketch.low).max()) + 2.0 * MARGIN
    middle = 0.5 * (sketch.low + sketch.high)
    if size > LARGEST_WHOLE:
        size, middle = SURROUNDINGS, np.asarray(focus)
    view = _View(middle, size)
    image = np.full((PIXELS, PIXELS, 3), LAND, np.uint8)
    for points, meters, color in sketch.lines:
        if color == WALK:
            view.line(image, points, meters, color)
    for outline, color in sketch.areas:
        view.fill(image, outline, color)
    for points, meters, color in sketch.lines:
        if color != WALK:
            view.line(image, points, meters, color)
    for x, y, heading, length, width in sketch.boxes:
        view.fill(image, box_corners(x, y, heading, max(length, 0.5), max(width, 0.5)), BUILDING)
    if overlay.route is not None:
        view.line(image, overlay.route, max(1.2, 2.5 / view.scale), ROUTE)
    for x, y, color in overlay.dots:
        view.dot(image, x, y, color)
    for x, y, heading, length, width, color in overlay.boxes:
        grown = max(1.0, 8.0 / (length * view.scale))  # keeps small cars visible
        view.fill(image, box_corners(x, y, heading, grown * length, grown * width), color)
    return image


@dataclass(frozen=True)
class _View:
    """Mapping of a square of land to pixels, north up."""

    middle: FloatArray
    size: float

    @property
    def scale(self) -> float:
        return PIXELS / self.size

    def pixels(self, points: FloatArray) -> NDArray[np.int32]:
        steps = (np.asarray(points)[..., :2] - self.middle) * self.scale
        placed = np.stack([0.5 * PIXELS + steps[..., 0], 0.5 * PIXELS - steps[..., 1]], axis=-1)
        return np.round(np.clip(placed, -4000.0, 4000.0) * (1 << SUBPIXELS)).astype(np.int32)

    def sees(self, points: FloatArray) -> bool:
        """Whether the bounding box of points overlaps the image."""
        low, high = points[..., :2].min(axis=0), points[..., :2].max(axis=0)
        reach = 0.5 * self.size + 2.0
        return bool((low < self.middle + reach).all() and (high > self.middle - reach).all())

    def fill(self, image: NDArray[np.uint8], outline: FloatArray, color: Color) -> None:
        if not self.sees(outline):
            return
        cv2.fillPoly(image, [self.pixels(outline)], color, cv2.LINE_AA, SUBPIXELS)

    def line(self, image: NDArray[np.uint8], points: FloatArray, meters: float, color: Color) -> None:
        if not self.sees(points):
            return
        thickness = max(1, round(meters * self.scale))
        cv2.polylines(image, [self.pixels(points)], False, color, thickness, cv2.LINE_AA, SUBPIXELS)

    def dot(self, image: NDArray[np.uint8], x: float, y: float, color: Color) -> None:
        radius = max(3, round(0.4 * self.scale))
        x_pixel, y_pixel = (self.pixels(np.array([x, y])) >> SUBPIXELS).tolist()
        cv2.circle(image, (x_pixel, y_pixel), radius, color, cv2.FILLED, cv2.LINE_AA)
