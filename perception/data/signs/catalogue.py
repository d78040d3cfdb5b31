"""Classes of the sign benchmark, and the faces of the signs in many styles.

The classes and their order are those of the German Traffic Sign Recognition Benchmark (Stallkamp et al., 2012); the
faces are our own, after the Vienna Convention on Road Signs and Signals.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.perception.data.signs import pictograms
from camshaft.perception.data.signs.plate import Color, Plate, sample_style

STYLES = 24  # per class
TEST_STYLES = range(16, STYLES)  # not seen in training
GREEN, GRAY = (0.05, 0.55, 0.25), (0.42, 0.42, 0.43)

Paint = Callable[[Plate], None]
Pictogram = Callable[[Plate, Color], None]


@cache
def sign_face(kind: str, style: int) -> NDArray[np.uint8]:
    """Face of a sign.

    Args:
        kind: one of CLASSES.
        style: 0..STYLES - 1.

    Returns:
        (PIXELS, PIXELS, 4) RGBA image; alpha is the outline of the plate.

    Raises:
        UnknownName: there is no such class.
        InvalidOption: there is no such style.
    """
    check_choice("kind of sign", kind, CLASSES)
    if not 0 <= style < STYLES:
        raise InvalidOption(f"signs have styles 0..{STYLES - 1}, got {style!r}")
    plate = Plate(sample_style(np.random.default_rng([CLASSES.index(kind), style])))
    _FACES[kind](plate)
    return plate.image()


def _limit(plate: Plate, limit: int) -> None:
    _red_ring(plate)
    if limit < 100:
        plate.text(str(limit), 0.86, plate.style.black, 0.92)
    else:
        plate.text(str(limit), 0.78, plate.style.black, 0.62, 0.8)


def _red_ring(plate: Plate) -> None:
    style = plate.style
    plate.cut_disc()
    plate.disc((0.0, 0.0), 1.0 - style.rim, style.red)
    plate.disc((0.0, 0.0), 1.0 - style.rim - style.border, style.white)
    plate.apply_style_transform()


def _forbidden(plate: Plate, vehicle: Paint) -> None:
    _red_ring(plate)
    vehicle(plate)


def _no_overtaking(plate: Plate, left: Paint) -> None:
    _red_ring(plate)
    left(plate)
    pictograms.car(plate, (0.36, -0.02), 0.33, plate.style.black)


def _gray_disc(plate: Plate) -> None:
    plate.cut_disc()
    plate.ring((0.0, 0.0), 0.93, 0.05, plate.style.black)
    plate.apply_style_transform()


def _end_of_limit(plate: Plate) -> None:
    _gray_disc(plate)
    plate.text("80", 0.84, GRAY, 0.92)
    pictograms.stripes(plate, plate.style.black)


def _end_of_all(plate: Plate) -> None:
    _gray_disc(plate)
    pictograms.stripes(plate, plate.style.black)


def _end_of_no_overtaking(plate: Plate, left: Paint) -> None:
    _gray_disc(plate)
    left(plate)
    pictograms.car(plate, (0.37, -0.02), 0.33, GRAY)
    pictograms.stripes(plate, plate.style.black)


def _warning(plate: Plate, pictogram: Pictogram) -> None:
    _triangle(plate, 1.0)
    plate.apply_style_transform()
    pictogram(plate, plate.style.black)


def _triangle(plate: Plate, up: float) -> None:
    """White triangle with a red border; `up` is 1 if it points up, -1 if it points down."""
    style = plate.style
    corners = np.array([(-1.0, -0.80), (1.0, -0.80), (0.0, 0.94)])
    center = corners.mean(axis=0)
    orientation = np.array([1.0, up])
    outline = np.concatenate([_rounded_corner(corners, number, 0.10) for number in range(3)])
    plate.cut(outline * orientation)
    for size, color in ((1.0 - 0.6 * style.rim, style.red), (0.94 - 1.30 * style.border, style.white)):
        plate.polygon((center + size * (outline - center)) * orientation, color)


def _rounded_corner(corners: NDArray[np.float64], number: int, radius: float) -> NDArray[np.float64]:
    """A corner of a polygon as a quadratic curve."""
    before, corner, after = (corners[(number + step) % len(corners)] for step in (-1, 0, 1))
    start = corner + radius * (before - corner) / np.linalg.norm(before - corner)
    stop = corner + radius * (after - corner) / np.linalg.norm(after - corner)
    shares = np.linspace(0.0, 1.0, 5)[:, None]
    curve: NDArray[np.float64] = (
        (1 - shares) ** 2 * start + 2 * shares * (1 - shares) * corner + shares**2 * stop
    )
    return curve


def _priority_road(plate: Plate) -> None:
    style = plate.style
    diamond = np.array([(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)])
    plate.cut(diamond)
    plate.polygon((0.66 + style.border * 0.2) * diamond, style.black)
    plate.polygon((0.60 + style.border * 0.2) * diamond, style.yellow)


def _stop(plate: Plate) -> None:
    style = plate.style
    angles = np.radians(22.5 + 45.0 * np.arange(8))
    octagon = np.column_stack([np.cos(angles), np.sin(angles)]) / np.cos(np.pi / 8)
    plate.cut(octagon)
    plate.polygon((0.97 - 0.4 * style.rim) * octagon, style.red)
    plate.apply_style_transform()
    plate.text("STOP", 0.62, style.white, 0.82)


def _no_entry(plate: Plate) -> None:
    style = plate.style
    plate.cut_disc()
    plate.disc((0.0, 0.0), 1.0 - style.rim, style.red)
    plate.apply_style_transform()
    plate.polygon([(-0.72, -0.17), (0.72, -0.17), (0.72, 0.17), (-0.72, 0.17)], style.white)


def _mandatory(plate: Plate, pictogram: Pictogram) -> None:
    style = plate.style
    plate.cut_disc()
    plate.disc((0.0, 0.0), 1.0 - style.rim, style.blue)
    plate.apply_style_transform()
    pictogram(plate, style.white)


def _arrow(start: tuple[float, float], stop: tuple[float, float]) -> Pictogram:
    return lambda plate, color: plate.arrow([start, stop], 0.20, color, 2.6)


def _lorry(center: tuple[float, float], size: float, color: str) -> Paint:
    """Pictogram of a lorry; `color` is a field of `Style`."""
    return lambda plate: pictograms.lorry(plate, center, size, getattr(plate.style, color))


def _car(center: tuple[float, float], size: float, color: str) -> Paint:
    """Pictogram of a car; `color` is a field of `Style`."""
    return lambda plate: pictograms.car(plate, center, size, getattr(plate.style, color))


_FACES: dict[str, Paint] = {
    "speed_limit_20": partial(_limit, limit=20),
    "speed_limit_30": partial(_limit, limit=30),
    "speed_limit_50": partial(_limit, limit=50),
    "speed_limit_60": partial(_limit, limit=60),
    "speed_limit_70": partial(_limit, limit=70),
    "speed_limit_80": partial(_limit, limit=80),
    "end_of_speed_limit_80": _end_of_limit,
    "speed_limit_100": partial(_limit, limit=100),
    "speed_limit_120": partial(_limit, limit=120),
    "no_overtaking": partial(_no_overtaking, left=_car((-0.36, -0.02), 0.33, "red")),
    "no_overtaking_by_lorries": partial(_no_overtaking, left=_lorry((-0.30, 0.05), 0.40, "red")),
    "right_of_way": partial(_warning, pictogram=pictograms.junction),
    "priority_road": _priority_road,
    "yield": partial(_triangle, up=-1.0),
    "stop": _stop,
    "no_vehicles": _red_ring,
    "no_lorries": partial(_forbidden, vehicle=_lorry((0.0, 0.0), 0.55, "black")),
    "no_entry": _no_entry,
    "caution": partial(_warning, pictogram=pictograms.exclamation_mark),
    "curve_left": partial(_warning, pictogram=partial(pictograms.curve, side=-1.0)),
    "curve_right": partial(_warning, pictogram=partial(pictograms.curve, side=1.0)),
    "double_curve": partial(_warning, pictogram=pictograms.double_curve),
    "bumpy_road": partial(_warning, pictogram=pictograms.bumps),
    "slippery_road": partial(_warning, pictogram=pictograms.skidding_car),
    "road_narrows_right": partial(_warning, pictogram=pictograms.narrowing),
    "road_works": partial(_warning, pictogram=pictograms.worker),
    "traffic_lights": partial(_warning, pictogram=lambda plate, _: pictograms.lights(plate, GREEN)),
    "pedestrians": partial(
        _warning, pictogram=lambda plate, ink: pictograms.walker(plate, (0.0, -0.14), 0.46, ink)
    ),
    "children": partial(_warning, pictogram=pictograms.children),
    "bicycles": partial(_warning, pictogram=pictograms.bicycle),
    "snow": partial(
        _warning, pictogram=lambda plate, ink: pictograms.snow_flake(plate, (0.0, -0.22), 0.36, ink)
    ),
    "wild_animals": partial(_warning, pictogram=pictograms.deer),
    "end_of_all_limits": _end_of_all,
    "turn_right": partial(_mandatory, pictogram=partial(pictograms.turn_ahead, side=1.0)),
    "turn_left": partial(_mandatory, pictogram=partial(pictograms.turn_ahead, side=-1.0)),
    "ahead_only": partial(_mandatory, pictogram=_arrow((0.0, -0.62), (0.0, 0.72))),
    "ahead_or_right": partial(_mandatory, pictogram=partial(pictograms.ahead_or_side, side=1.0)),
    "ahead_or_left": partial(_mandatory, pictogram=partial(pictograms.ahead_or_side, side=-1.0)),
    "keep_right": partial(_mandatory, pictogram=_arrow((-0.42, 0.42), (0.52, -0.52))),
    "keep_left": partial(_mandatory, pictogram=_arrow((0.42, 0.42), (-0.52, -0.52))),
    "roundabout": partial(_mandatory, pictogram=pictograms.roundabout),
    "end_of_no_overtaking": partial(_end_of_no_overtaking, left=_car((-0.36, -0.02), 0.34, "black")),
    "end_of_no_overtaking_by_lorries": partial(
        _end_of_no_overtaking, left=_lorry((-0.32, 0.05), 0.42, "black")
    ),
}
CLASSES = tuple(_FACES)
