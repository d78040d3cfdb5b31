"""Barriers along roads, gardens and race tracks, in segments along x that join into rows; and traffic cones.

Fronts face +y; the origin is the middle of a segment. Segments overlap slightly, so that rows along gentle bends
have no gaps.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving import textures
from camshaft.envs.driving.assets.shapes import Polygon, box, lathe, polygon_mesh, welded
from camshaft.envs.driving.textures.boards import TIRE_METERS, planks, tire_stack
from camshaft.envs.rendering import Mesh, Surface

PIECE = 4.0  # meters, length of every segment
OVERLAP = 0.03  # meters by which a segment extends at both ends

GALVANIZED = Surface((0.62, 0.64, 0.66), label="fence", specular=0.05, shininess=16, tinted=False)
POST = Surface((0.45, 0.46, 0.48), label="fence", tinted=False)
TIMBER = Surface((0.45, 0.34, 0.24), label="fence", tinted=False)
WIRE = Surface((0.34, 0.38, 0.36), label="fence", double_sided=True, tinted=False)
ORANGE, WHITE, RUBBER = (
    Surface(color, label="object", tinted=False)
    for color in ((0.93, 0.33, 0.08), (0.94, 0.94, 0.93), (0.12, 0.12, 0.12))
)


@cache
def guard_rail() -> list[Mesh]:
    """A corrugated steel rail on posts, 0.75 m high: levels of 34, 16 and 8 triangles."""
    wave = [(0.02, 0.44), (0.10, 0.49), (0.10, 0.54), (0.03, 0.595), (0.10, 0.65), (0.10, 0.70), (0.02, 0.75)]
    posts = [
        polygon
        for x in (-1.0, 1.0)
        for polygon in box((x - 0.06, -0.08, -0.2), (x + 0.06, 0.02, 0.7), POST, "xXyYZ")
    ]
    far_posts = [polygon for x in (-1.0, 1.0) for polygon in _crossed(x, 0.5)]
    rear = [(0.0, 0.75), (0.0, 0.44)]
    near = [*_strips(wave, GALVANIZED), *_strips(rear, GALVANIZED), *posts]
    middle = [
        *_strips([wave[0], wave[1], wave[5], wave[6]], GALVANIZED),
        *_strips(rear, GALVANIZED),
        *posts[:0],
        *far_posts,
    ]
    far = [*_strips([(0.05, 0.44), (0.05, 0.75)], GALVANIZED), *_strips(rear, GALVANIZED), *far_posts[::2]]
    return [_smooth(near), polygon_mesh(middle), polygon_mesh(far)]


@cache
def concrete_barrier(variant: int = 0) -> list[Mesh]:
    """A concrete barrier with sloping sides, 0.85 m high, as in the median of a motorway."""
    cast = Surface((1.0, 1.0, 1.0), textures.concrete(variant), "fence", tinted=False)
    profile = [
        (0.30, 0.0),
        (0.30, 0.08),
        (0.13, 0.32),
        (0.09, 0.85),
        (-0.09, 0.85),
        (-0.13, 0.32),
        (-0.30, 0.08),
        (-0.30, 0.0),
    ]
    simple = [(0.30, 0.0), (0.09, 0.85), (-0.09, 0.85), (-0.30, 0.0)]
    return [
        welded(polygon_mesh([*_strips(shape, cast, 2.0), *_ends(shape, cast)])) for shape in (profile, simple)
    ]


@cache
def hedge(variant: int = 0) -> list[Mesh]:
    """A clipped hedge, 1.3 m high: levels of 22 and 10 triangles."""
    leaves = Surface((0.85, 0.9, 0.8), textures.leaves(variant), "vegetation")
    near = [(0.42, -0.1), (0.46, 0.7), (0.34, 1.24), (0.0, 1.32), (-0.34, 1.24), (-0.46, 0.7), (-0.42, -0.1)]
    far = [(0.44, -0.1), (0.38, 1.28), (-0.38, 1.28), (-0.44, -0.1)]
    return [
        welded(polygon_mesh([*_strips(shape, leaves, 1.2), *_ends(shape, leaves)])) for shape in (near, far)
    ]


@cache
def wooden_fence(variant: int = 0) -> list[Mesh]:
    """A fence of upright boards, 1.5 m high, with rails on its back."""
    boards = Surface((1.0, 1.0, 1.0), planks(variant), "fence")
    half = 0.5 * PIECE
    panel = box((-half, -0.02, 0.05), (half, 0.02, 1.5), boards, "yYZ")
    panel = [
        (corners, surface, np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0]]))
        for corners, surface, _ in panel
    ]
    posts = [
        polygon
        for x in (-2.0, 0.0)
        for polygon in box((x - 0.05, -0.1, -0.2), (x + 0.05, 0.05, 1.6), TIMBER, "xXyYZ")
    ]
    rails = [
        polygon
        for z in (0.35, 1.15)
        for polygon in box((-half, -0.07, z), (half, -0.02, z + 0.1), TIMBER, "yZz")
    ]
    return [welded(polygon_mesh([*panel, *posts, *rails])), polygon_mesh(panel[:2])]


@cache
def wire_fence() -> list[Mesh]:
    """A race track fence, 3 m high: posts and taut wires."""
    wires = [_wire(z, 0.012) for z in (0.3, 0.75, 1.2, 1.65, 2.1, 2.55, 2.95)]
    posts = box((-2.05, -0.05, -0.2), (-1.95, 0.05, 3.0), POST, "xXyYZ")
    return [
        polygon_mesh([*wires, *posts]),
        polygon_mesh([_wire(0.75, 0.02), _wire(1.65, 0.02), _wire(2.9, 0.02), *_crossed(-2.0, 3.0)]),
    ]


@cache
def tire_wall(variant: int = 0) -> list[Mesh]:
    """Stacks of tires, 1.1 m high and one tire deep: levels of 34 and 6 triangles."""
    stacks = round(PIECE / TIRE_METERS)
    side = Surface((1.0, 1.0, 1.0), tire_stack(variant), "fence", tinted=False)
    top = Surface((0.14, 0.14, 0.145), label="fence", tinted=False)
    hole = Surface((0.04, 0.04, 0.04), label="fence", tinted=False)
    half, deep, high = 0.5 * PIECE, 0.5 * TIRE_METERS, 1.1
    repeats = np.array([[0.0, 0.0], [0.5 * stacks, 0.0], [0.5 * stacks, 1.0], [0.0, 1.0]])
    flat = box((-half, -deep, 0.0), (half, deep, high), side, "yY")
    walls = [(corners, surface, repeats) for corners, surface, _ in flat]
    lid = box((-half, -deep, 0.0), (half, deep, high), top, "xXZ")
    holes: list[Polygon] = []
    for stack in range(stacks):
        x = -half + (stack + 0.5) * PIECE / stacks
        angles = 2.0 * np.pi * np.arange(6) / 6
        ring = np.column_stack([x + 0.17 * np.cos(angles), 0.17 * np.sin(angles), np.full(6, high + 0.01)])
        holes.append((ring, hole, None))
    return [welded(polygon_mesh([*walls, *lid, *holes])), welded(polygon_mesh([*walls, *lid[-1:]]))]


@cache
def traffic_cone() -> list[Mesh]:
    """An orange cone, 0.75 m high, with white bands and a rubber base."""
    bands = [
        lathe([[0.02, 0.75], [0.055, 0.58]], 8, ORANGE),
        lathe([[0.055, 0.58], [0.085, 0.44]], 8, WHITE),
        lathe([[0.085, 0.44], [0.11, 0.32]], 8, ORANGE),
        lathe([[0.11, 0.32], [0.125, 0.24]], 8, WHITE),
        lathe([[0.125, 0.24], [0.17, 0.03]], 8, ORANGE),
    ]
    foot = polygon_mesh(box((-0.23, -0.23, 0.0), (0.23, 0.23, 0.04), RUBBER, "xXyYZ"))
    far = [
        lathe([[0.0, 0.75], [0.075, 0.48]], 4, ORANGE),
        lathe([[0.075, 0.48], [0.1, 0.34]], 4, WHITE),
        lathe([[0.1, 0.34], [0.19, 0.0]], 4, ORANGE),
    ]
    return [welded(Mesh.merge([*bands, foot])), welded(Mesh.merge(far))]


def _strips(profile: ArrayLike, surface: Surface, meters: float = 1.0) -> list[Polygon]:
    """Extrusion along x of a (y, z) profile, from the front over the top; textures repeat every `meters`."""
    half = 0.5 * PIECE + OVERLAP
    points = np.asarray(profile, np.float64)
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]) / meters
    strips: list[Polygon] = []
    for (low, high), (near, far) in zip(pairwise(points), pairwise(lengths), strict=True):
        corners = np.array([[half, *low], [-half, *low], [-half, *high], [half, *high]])
        strips.append(
            (
                corners,
                surface,
                np.array([[0.0, near], [2.0 * half / meters, near], [2.0 * half / meters, far], [0.0, far]]),
            )
        )
    return strips


def _ends(profile: ArrayLike, surface: Surface) -> list[Polygon]:
    """The two end caps of a segment."""
    points, half = np.asarray(profile, np.float64), 0.5 * PIECE + OVERLAP
    polygons: list[Polygon] = []
    for x in (half, -half):
        corners = np.column_stack([np.full(len(points), x), points])
        uvs = points
        polygons.append((corners, surface, uvs) if x > 0.0 else (corners[::-1], surface, uvs[::-1]))
    return polygons


def _smooth(polygons: list[Polygon]) -> Mesh:
    return welded(polygon_mesh(polygons, np.deg2rad(70.0)))


def _crossed(x: float, height: float) -> list[Polygon]:
    """A post as two thin crossed plates."""
    plates = [
        np.array(
            [
                [x - 0.06, -0.03, 0.0],
                [x + 0.06, -0.03, 0.0],
                [x + 0.06, -0.03, height],
                [x - 0.06, -0.03, height],
            ]
        ),
        np.array([[x, -0.08, 0.0], [x, 0.02, 0.0], [x, 0.02, height], [x, -0.08, height]]),
    ]
    return [(plate, WIRE, None) for plate in plates]


def _wire(z: float, half: float) -> Polygon:
    end = 0.5 * PIECE
    corners: FloatArray = np.array(
        [[-end, 0.0, z - half], [end, 0.0, z - half], [end, 0.0, z + half], [-end, 0.0, z + half]]
    )
    return corners, WIRE, None
