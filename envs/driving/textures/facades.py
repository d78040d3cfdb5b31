"""Textures of town facades; each shows one bay of one story, unless stated otherwise."""

from __future__ import annotations

from functools import cache

import numpy as np

from camshaft.envs.driving.textures.canvas import Canvas, Color, rectangle
from camshaft.envs.driving.textures.painting import NUM_VARIANTS, Image, clouds, variants
from camshaft.envs.rendering import Texture

Window = tuple[
    tuple[float, float], tuple[float, float]
]  # left and right, lower and upper edge in the texture

SIZE = 128
APARTMENT_WINDOWS: tuple[Window, ...] = (((0.20, 0.80), (0.30, 0.78)), ((0.30, 0.70), (0.08, 0.80)))
TERRACE_WINDOW: Window = ((0.30, 0.70), (0.28, 0.84))
OFFICE_WINDOW: Window = ((0.02, 0.98), (0.30, 0.94))
SHOP_NAMES = ("BAKERY", "BOOKS", "FLOWERS", "PHARMACY", "CAFE", "OPTICIAN", "GROCER", "TOYS")
FASCIAS: tuple[Color, ...] = (
    (0.45, 0.14, 0.12),
    (0.12, 0.28, 0.22),
    (0.30, 0.20, 0.42),
    (0.08, 0.42, 0.28),
    (0.20, 0.14, 0.10),
    (0.10, 0.22, 0.45),
    (0.68, 0.42, 0.08),
    (0.15, 0.45, 0.60),
)


@variants
def apartment_facade(rng: np.random.Generator, variant: int) -> Image:
    """A plastered wall with a wide window, or with a French window and its railing."""
    walls = [[0.88, 0.83, 0.70], [0.78, 0.77, 0.76], [0.82, 0.60, 0.47], [0.72, 0.78, 0.70]]
    walls += [[0.90, 0.89, 0.87], [0.85, 0.72, 0.48], [0.66, 0.72, 0.78], [0.60, 0.48, 0.42]]
    wall = _plaster(rng, walls[variant])
    wall[:4] *= 0.86
    frame = np.array([0.93, 0.93, 0.92]) if variant % 3 else np.array([0.30, 0.29, 0.28])
    style = apartment_style(variant)
    _window(wall, APARTMENT_WINDOWS[style], frame, _glass(rng), panes=2)
    if style:
        _bars(wall, ((0.24, 0.76), (0.06, 0.34)), np.array([0.16, 0.16, 0.17]))
    return wall


def apartment_style(variant: int) -> int:
    """Index into APARTMENT_WINDOWS of a variant of `apartment_facade`."""
    return variant // 2 % 2


@variants
def terrace_facade(rng: np.random.Generator, variant: int) -> Image:
    """A brick or painted wall with a sash window under a lintel."""
    walls = [[0.56, 0.31, 0.24], [0.68, 0.55, 0.40], [0.86, 0.84, 0.80], [0.47, 0.27, 0.22]]
    walls += [[0.62, 0.72, 0.74], [0.60, 0.36, 0.28], [0.83, 0.70, 0.66], [0.50, 0.36, 0.28]]
    wall = _plaster(rng, walls[variant])
    if variant not in (2, 4, 6):
        _bricks(rng, wall)
    (left, right), (low, high) = TERRACE_WINDOW
    trim = np.array([0.88, 0.86, 0.82])
    _fill(wall, ((left - 0.06, right + 0.06), (high, high + 0.08)), trim)
    _fill(wall, ((left - 0.06, right + 0.06), (low - 0.05, low)), 0.92 * trim)
    _window(wall, TERRACE_WINDOW, np.array([0.94, 0.94, 0.93]), _glass(rng), panes=1, bars=1)
    return wall


@variants
def office_facade(rng: np.random.Generator, variant: int) -> Image:
    """A glass facade: a curtain wall, or bands of windows between concrete."""
    tints = [[0.20, 0.34, 0.46], [0.22, 0.36, 0.33], [0.30, 0.29, 0.28], [0.36, 0.30, 0.22]]
    glass = np.array(tints[variant % 4]) * rng.uniform(0.85, 1.15)
    band = np.array([0.66, 0.65, 0.63]) if variant // 2 % 2 else 0.62 * glass
    wall = np.tile(band, (SIZE, SIZE, 1)) * (1.0 + 0.02 * rng.standard_normal((SIZE, SIZE, 1)))
    _fill(wall, OFFICE_WINDOW, glass * np.linspace(0.85, 1.35, _rows(OFFICE_WINDOW))[:, None, None])
    metal = np.array([0.72, 0.73, 0.75]) if variant % 2 else np.array([0.22, 0.23, 0.25])
    for place in (0.0, 0.5):
        _fill(wall, ((place, place + 0.025), (0.0, 1.0)), metal)
    _fill(wall, ((0.0, 1.0), (0.285, 0.305)), metal)
    _fill(wall, ((0.0, 1.0), (0.93, 0.95)), metal)
    return wall


@variants
def corrugated(rng: np.random.Generator, variant: int) -> Image:
    """Corrugated sheet metal with upright ribs."""
    bases = [[0.62, 0.66, 0.70], [0.46, 0.54, 0.60], [0.74, 0.72, 0.66], [0.36, 0.45, 0.40]]
    bases += [[0.56, 0.34, 0.28], [0.70, 0.70, 0.70], [0.30, 0.38, 0.52], [0.60, 0.55, 0.46]]
    ribs = 1.0 + 0.10 * np.sin(2.0 * np.pi * 8.0 * (np.arange(64) + 0.5) / 64.0)
    streaks = 1.0 + 0.03 * np.repeat(rng.standard_normal((1, 64)), 64, axis=0)
    return (
        np.array(bases[variant]) * (ribs * streaks * (1.0 + 0.02 * rng.standard_normal((64, 64))))[..., None]
    )


@variants
def church_wall(rng: np.random.Generator, variant: int) -> Image:
    """A stone wall over its whole height, with one tall, pointed window."""
    bases = [[0.66, 0.62, 0.54], [0.58, 0.56, 0.54], [0.62, 0.50, 0.42], [0.80, 0.77, 0.70]]
    wall = _plaster(rng, bases[variant % 4])
    _bricks(rng, wall, 10, 5, 0.10)
    v, u = (np.indices((SIZE, SIZE)) + 0.5) / SIZE
    for half, color in ((0.19, np.array([0.78, 0.74, 0.66])), (0.14, np.array([0.16, 0.18, 0.26]))):
        arch = (
            np.maximum(np.hypot(u - 0.5 + half, (v - 0.62) * 0.8), np.hypot(u - 0.5 - half, (v - 0.62) * 0.8))
            < 2 * half
        )
        inside = (np.abs(u - 0.5) < half) & (v > 0.22 + (0.19 - half)) & ((v < 0.62) | arch)
        wall[inside] = color
    lead = (np.abs(u - 0.5) < 0.01) | ((v * 14.0) % 1.0 < 0.12)
    glass = (np.abs(u - 0.5) < 0.14) & (v > 0.28) & (v < 0.75) & lead
    wall[glass] *= 0.6
    return wall


@cache
def shopfront(variant: int) -> Texture:
    """The first floor of a shop, two bays wide: window with goods, door, and the name above; aspect ratio 2."""
    rng = np.random.default_rng([*b"shopfront", variant])
    color = FASCIAS[variant % NUM_VARIANTS]
    canvas = Canvas((256, 128), (2.0, 1.0), color)
    canvas.polygon(rectangle(0.12, 0.14, 1.36, 0.72), (0.17, 0.20, 0.23))
    for shelf in (0.14, 0.34):
        for left in np.arange(0.18, 1.28, 0.12):
            red, green, blue = rng.uniform(0.25, 0.85, 3).tolist()
            high = shelf + float(rng.uniform(0.05, 0.15))
            canvas.polygon(rectangle(left, shelf, left + 0.09, high), (red, green, blue))
        canvas.polygon(rectangle(0.12, shelf - 0.015, 1.36, shelf), (0.45, 0.38, 0.30))
    canvas.polygon(rectangle(0.73, 0.14, 0.75, 0.72), color)
    canvas.polygon(rectangle(1.50, 0.02, 1.84, 0.72), (0.85, 0.85, 0.83))
    canvas.polygon(rectangle(1.54, 0.22, 1.80, 0.68), (0.20, 0.24, 0.28))
    canvas.polygon(rectangle(0.0, 0.78, 2.0, 1.0), tuple(1.15 * part for part in color))  # type: ignore[arg-type]
    canvas.text(SHOP_NAMES[variant % NUM_VARIANTS], (1.0, 0.885), 0.13, (0.96, 0.93, 0.84), 0.19)
    return canvas.texture()


@cache
def garage_door(variant: int) -> Texture:
    """An up-and-over door with panels."""
    color = ((0.86, 0.86, 0.85), (0.42, 0.30, 0.20), (0.30, 0.36, 0.42), (0.55, 0.57, 0.58))[variant % 4]
    canvas = Canvas((64, 64), (1.0, 1.0), color)
    dark: Color = (0.75 * color[0], 0.75 * color[1], 0.75 * color[2])
    for bottom in (0.0, 0.25, 0.5, 0.75):
        canvas.polygon(rectangle(0.0, bottom, 1.0, bottom + 0.025), dark)
    canvas.polygon(rectangle(0.44, 0.30, 0.56, 0.34), (0.2, 0.2, 0.2))
    return canvas.texture()


@cache
def house_door(variant: int) -> Texture:
    """A front door with a glass pane; aspect ratio 1/2."""
    colors: tuple[Color, ...] = (
        (0.35, 0.12, 0.10),
        (0.12, 0.25, 0.20),
        (0.14, 0.18, 0.34),
        (0.36, 0.24, 0.15),
    )
    canvas = Canvas((32, 64), (1.0, 2.0), (0.90, 0.89, 0.86))
    color = colors[variant % 4]
    canvas.polygon(rectangle(0.1, 0.0, 0.9, 1.9), color)
    canvas.polygon(rectangle(0.26, 1.15, 0.74, 1.72), (0.25, 0.30, 0.34))
    for left in (0.22, 0.54):
        canvas.polygon(
            rectangle(left, 0.2, left + 0.24, 0.9), (0.8 * color[0], 0.8 * color[1], 0.8 * color[2])
        )
    canvas.circle((0.8, 0.98), 0.05, (0.8, 0.7, 0.3))
    return canvas.texture()


@cache
def clock_face() -> Texture:
    """The face of a tower clock."""
    canvas = Canvas((64, 64), (1.0, 1.0), (0.10, 0.11, 0.14))
    canvas.circle((0.5, 0.5), 0.44, (0.92, 0.90, 0.82))
    for hour in range(12):
        angle = 2.0 * np.pi * hour / 12.0
        ray = np.array([np.sin(angle), np.cos(angle)])
        canvas.lines([[0.5 + 0.34 * ray, 0.5 + 0.40 * ray]], 0.035, (0.1, 0.1, 0.1))
    canvas.lines([[(0.5, 0.5), (0.5, 0.82)], [(0.5, 0.5), (0.68, 0.40)]], 0.05, (0.1, 0.1, 0.1))
    return canvas.texture()


@cache
def awning(variant: int) -> Texture:
    """Striped cloth; eight stripes along u."""
    color = np.array(FASCIAS[variant % NUM_VARIANTS]) * 1.25
    image = np.where(
        (np.arange(64) // 8 % 2 == 0)[None, :, None], np.clip(color, 0.0, 1.0), [0.93, 0.92, 0.88]
    )
    return Texture(np.round(np.repeat(image, 8, axis=0) * 255.0).astype(np.uint8))


def _plaster(rng: np.random.Generator, color: list[float]) -> Image:
    dirt = 0.03 * clouds(rng, SIZE, 1.0, 2) + 0.02 * rng.standard_normal((SIZE, SIZE))
    return np.array(color) * (1.0 + dirt)[..., None]


def _bricks(
    rng: np.random.Generator, wall: Image, rows: int = 32, columns: int = 10, spread: float = 0.12
) -> None:
    """Draw courses of bricks or stones on a wall."""
    v, u = (np.indices((SIZE, SIZE)) + 0.5) / SIZE
    row = np.floor(v * rows).astype(np.int64)
    along = u * columns + 0.5 * (row % 2)
    brick = np.floor(along).astype(np.int64) % columns
    wall *= rng.uniform(1.0 - spread, 1.0 + spread, (rows, columns))[row, brick][..., None]
    joint = (v * rows % 1.0 < 0.6 / (SIZE / rows)) | (along % 1.0 < 1.0 / (SIZE / columns))
    wall[joint] = 0.75 * wall[joint] + 0.16


def _glass(rng: np.random.Generator) -> Image:
    return np.array([0.20, 0.25, 0.31]) * rng.uniform(0.85, 1.2)


def _window(wall: Image, window: Window, frame: Image, glass: Image, panes: int, bars: int = 0) -> None:
    """Draw a framed window: glass that is brighter above, mullions between panes, and bars across."""
    (left, right), (low, high) = window
    edge = 0.035
    _fill(wall, ((left - edge, right + edge), (low - edge, high + edge)), frame)
    _fill(wall, window, glass * np.linspace(0.8, 1.5, _rows(window))[:, None, None])
    for pane in range(1, panes):
        place = left + (right - left) * pane / panes
        _fill(wall, ((place - 0.015, place + 0.015), (low, high)), frame)
    for bar in range(1, bars + 1):
        place = low + (high - low) * bar / (bars + 1)
        _fill(wall, ((left, right), (place - 0.015, place + 0.015)), frame)


def _bars(wall: Image, area: Window, color: Image) -> None:
    """Draw a railing."""
    (left, right), (low, high) = area
    for place in np.arange(left, right + 1e-6, (right - left) / 10.0):
        _fill(wall, ((float(place), float(place) + 0.012), (low, high)), color)
    _fill(wall, ((left, right + 0.012), (high - 0.02, high)), color)


def _fill(wall: Image, area: Window, color: Image) -> None:
    (left, right), (low, high) = area
    wall[round(low * SIZE) : round(high * SIZE), round(left * SIZE) : round(right * SIZE)] = color


def _rows(window: Window) -> int:
    return round(window[1][1] * SIZE) - round(window[1][0] * SIZE)
