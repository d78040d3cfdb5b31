"""Textures of fences, boards and banners: planks, tires, advertisements, a crowd, the start of a race track."""

from __future__ import annotations

from functools import cache

import numpy as np

from camshaft.envs.driving.textures.canvas import Canvas, Color, rectangle
from camshaft.envs.driving.textures.painting import NUM_VARIANTS, Image, variants
from camshaft.envs.rendering import Texture

TIRE_METERS = 0.66  # width of one stack of tires
WHITE, BLACK = (0.94, 0.94, 0.93), (0.05, 0.05, 0.055)
BRANDS = ("VENTO", "APEX", "LUMEN", "ORBIT", "KESTREL", "NOVA", "PISTON", "DELTA")
SPONSORS: tuple[tuple[Color, Color], ...] = (
    ((0.80, 0.10, 0.12), WHITE),
    ((0.08, 0.22, 0.55), (0.98, 0.82, 0.15)),
    (WHITE, (0.10, 0.30, 0.62)),
    ((0.08, 0.42, 0.25), WHITE),
    ((0.98, 0.78, 0.10), BLACK),
    ((0.10, 0.10, 0.12), (0.95, 0.45, 0.10)),
    (WHITE, (0.78, 0.10, 0.14)),
    ((0.42, 0.16, 0.50), WHITE),
)


@variants
def planks(rng: np.random.Generator, variant: int) -> Image:
    """Upright planks of a fence, raw, painted or weathered; 16 along u."""
    bases = [[0.50, 0.38, 0.26], [0.58, 0.56, 0.53], [0.36, 0.25, 0.18], [0.80, 0.79, 0.75]]
    boards = np.repeat(rng.uniform(0.88, 1.08, 16), 8)[None, :] * np.ones((64, 1))
    boards[:, ::8] *= 0.5
    grain = 1.0 + 0.05 * rng.standard_normal((1, 128)) + 0.03 * rng.standard_normal((64, 128))
    return np.array(bases[variant % 4]) * rng.uniform(0.9, 1.1) * (boards * grain)[..., None]


@variants
def tire_stack(rng: np.random.Generator, variant: int) -> Image:
    """Stacks of three tires from the side, some painted; two stacks along u, square."""
    size = 64
    v, u = (np.indices((size, size)) + 0.5) / size
    across = np.abs(u * 2.0 % 1.0 - 0.5) * 2.0
    tall = v * 3.0 % 1.0
    round_side = np.sqrt(np.clip(1.0 - across**2, 0.0, 1.0)) * np.sqrt(
        np.clip(1.0 - (2.0 * tall - 1.0) ** 4, 0.0, 1.0)
    )
    shade = 0.25 + 0.75 * round_side * (1.0 + 0.12 * np.sign(np.sin(60.0 * u)) * (np.abs(tall - 0.5) < 0.3))
    tire = np.tile([0.17, 0.17, 0.175], (size, size, 1))
    painted = {0: ((0.80, 0.10, 0.10), WHITE), 1: (WHITE, (0.12, 0.25, 0.60))}.get(variant % 3)
    if painted is not None:
        tire = np.where((np.floor(v * 3.0) == 1.0)[..., None], np.where((u < 0.5)[..., None], *painted), tire)
    return tire * shade[..., None] * (1.0 + 0.03 * rng.standard_normal((size, size, 1)))


@cache
def advertisement(variant: int) -> Texture:
    """A sponsor's board, aspect ratio 4."""
    ground, ink = SPONSORS[variant % NUM_VARIANTS]
    canvas = Canvas((256, 64), (4.0, 1.0), ground)
    brand = BRANDS[variant % NUM_VARIANTS]
    canvas.text(brand, (2.25, 0.5), 0.52, ink, 0.2)
    if variant % 2:
        canvas.circle((0.5, 0.5), 0.32, ink)
        canvas.circle((0.5, 0.5), 0.16, ground)
    else:
        canvas.polygon([(0.2, 0.2), (0.62, 0.2), (0.8, 0.8), (0.38, 0.8)], ink)
    return canvas.texture()


@cache
def poster(variant: int) -> Texture:
    """A poster of the same sponsor, about square."""
    ground, ink = SPONSORS[variant % NUM_VARIANTS]
    canvas = Canvas((64, 64), (1.0, 1.3), ground)
    canvas.text(BRANDS[variant % NUM_VARIANTS], (0.5, 1.08), 0.19, ink, 0.2, 0.75)
    canvas.circle((0.5, 0.52), 0.33, ink)
    if variant % 2:
        canvas.polygon([(0.34, 0.42), (0.66, 0.42), (0.5, 0.72)], ground)
    else:
        canvas.polygon(rectangle(0.38, 0.34, 0.62, 0.70), ground)
    canvas.polygon(rectangle(0.1, 0.06, 0.9, 0.12), ink)
    return canvas.texture()


@cache
def start_banner(variant: int) -> Texture:
    """The banner over the start of a race track, aspect ratio 8, checkered at its ends."""
    ground, ink = SPONSORS[variant % NUM_VARIANTS]
    canvas = Canvas((512, 64), (8.0, 1.0), ground)
    canvas.text("START - FINISH", (4.0, 0.5), 0.50, ink, 0.18)
    for left in (0.0, 7.0):
        canvas.polygon(rectangle(left, 0.0, left + 1.0, 1.0), WHITE)
        for row in range(4):
            for column in range(4):
                if (row + column) % 2:
                    x, y = left + 0.25 * column, 0.25 * row
                    canvas.polygon(rectangle(x, y, x + 0.25, y + 0.25), BLACK)
    return canvas.texture()


@cache
def distance_board(meters: int) -> Texture:
    """A board with the distance to a bend of a race track."""
    canvas = Canvas((64, 64), (1.0, 1.0), WHITE)
    canvas.text(str(meters), (0.5, 0.5), 0.52, BLACK, 0.19, 0.8 if meters >= 100 else 1.0)
    return canvas.texture()


@variants
def crowd(rng: np.random.Generator, variant: int) -> Image:
    """Rows of people on a grandstand, from a distance; eight rows along v."""
    image = np.tile([0.42, 0.42, 0.44], (64, 128, 1)) * np.repeat(np.tile([0.7, 1.0], 16), 2)[:, None, None]
    shirts = rng.choice(
        [
            [0.8, 0.2, 0.2],
            [0.2, 0.3, 0.7],
            [0.9, 0.9, 0.9],
            [0.9, 0.75, 0.2],
            [0.2, 0.5, 0.3],
            [0.2, 0.2, 0.22],
        ],
        (8, 26),
    )
    for row in range(8):
        for seat in np.flatnonzero(rng.random(26) < 0.8):
            left, bottom = 5 * int(seat), 8 * row + 1
            image[bottom : bottom + 4, left : left + 4] = shirts[row, seat]
            image[bottom + 4 : bottom + 6, left + 1 : left + 3] = [0.72, 0.52, 0.42]
    return image * (1.0 + 0.05 * rng.standard_normal((64, 128, 1)))


@cache
def ticket_front() -> Texture:
    """The front of a parking ticket machine: a P, a display, buttons and a slot; aspect ratio 1/2."""
    canvas = Canvas((32, 64), (1.0, 2.0), (0.55, 0.57, 0.60))
    canvas.polygon(rectangle(0.2, 1.36, 0.8, 1.92), (0.05, 0.25, 0.6))
    canvas.text("P", (0.5, 1.64), 0.42, WHITE, 0.2)
    canvas.polygon(rectangle(0.2, 1.0, 0.8, 1.26), (0.35, 0.55, 0.42))
    for x in (0.3, 0.5, 0.7):
        canvas.circle((x, 0.82), 0.06, (0.15, 0.15, 0.16))
    canvas.polygon(rectangle(0.25, 0.30, 0.75, 0.52), (0.1, 0.1, 0.1))
    return canvas.texture()
