"""Mesh of one country road: paved road with markings, verges, and surrounding land."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving import textures
from camshaft.envs.driving.country_road.road import Road, RoadConfig
from camshaft.envs.driving.country_road.terrain import NUM_ROWS, Terrain, build_terrain
from camshaft.envs.errors import check_choice
from camshaft.envs.rendering import Mesh, Surface

STATION = 4.0  # meters between cross-sections; a dash of the center line spans one, a gap two
NEAR_STATIONS = 6  # stations per chunk of road, and between columns of the land
FAR_COLUMNS = 4  # columns per chunk of distant land
BEHIND, AHEAD = 48.0, 240.0  # meters of straight road shown beyond the ends
VERGE = 4.0  # meters
EDGE_LINE, CENTER_LINE = 0.25, 0.24  # meters wide
NEAR_ROWS = 2  # rows of land in the chunks of the road; the others are distant land
CAP_DEPTH, CAP_RISE = 280.0, 35.0  # meters, distance of the hills that close the view beyond the ends
SHOULDERS = ("asphalt", "gravel", "grass")
LINE_COLORS = ("white", "yellow")
FIELD_KINDS = 3

# Indices of the surfaces, in the order of `_surfaces`.
_LANE, _EDGE, _SHOULDER, _VERGE, _LAND, _CENTER = 0, 1, 2, 3, 4, 4 + FIELD_KINDS + 2
_STRIPS = (_SHOULDER, _EDGE, _LANE, _CENTER, _LANE, _EDGE, _SHOULDER)  # from left to right


@dataclass(frozen=True)
class RoadAppearance:
    """Appearance of one road and its land.

    Attributes:
        asphalt: variant of the asphalt, below `textures.NUM_VARIANTS`.
        grass: variant of the verges and rough land.
        gravel: variant of gravel shoulders.
        forest: variant of distant woods.
        fields: three variants of farmland.
        shoulder: one of SHOULDERS.
        center_line: one of LINE_COLORS; edge lines are white.
        paint: variant of the lines; `paint % textures.WEAR_LEVELS` is their wear.
    """

    asphalt: int = 0
    grass: int = 0
    gravel: int = 0
    forest: int = 0
    fields: tuple[int, int, int] = (0, 2, 4)
    shoulder: str = "gravel"
    center_line: str = "white"
    paint: int = 0

    def __post_init__(self) -> None:
        check_choice("shoulder", self.shoulder, SHOULDERS)
        check_choice("center_line", self.center_line, LINE_COLORS)

    @classmethod
    def sample(cls, rng: np.random.Generator, variants: Sequence[int]) -> RoadAppearance:
        """Sample an appearance with textures from `variants`."""
        draws = [int(variant) for variant in rng.choice(variants, 8)]
        return cls(
            asphalt=draws[0],
            grass=draws[1],
            gravel=draws[2],
            forest=draws[3],
            fields=(draws[4], draws[5], draws[6]),
            shoulder=SHOULDERS[rng.integers(len(SHOULDERS))],
            center_line=LINE_COLORS[rng.integers(len(LINE_COLORS))],
            paint=draws[7],
        )


@dataclass(frozen=True, eq=False)
class RoadGeometry:
    """Geometry of one world's road and land.

    Attributes:
        road: center line.
        mesh: world frame.
        vertex_splits: (C + 1,) first vertex of each chunk.
        face_splits: (C + 1,) first face of each chunk.
        terrain: the land, for placing objects.
        distances: (K,) meters along the road, positions of the terrain's columns.
    """

    road: Road
    mesh: Mesh
    vertex_splits: NDArray[np.int64]
    face_splits: NDArray[np.int64]
    terrain: Terrain
    distances: FloatArray


def build_geometry(road: Road, appearance: RoadAppearance, rng: np.random.Generator) -> RoadGeometry:
    """Build the road and the land around it.

    Args:
        road: its center line.
        appearance: appearance of the surfaces.
        rng: source of the samples.
    """
    stations = _stations(road.length)
    columns = stations[::NEAR_STATIONS]
    terrain = build_terrain(road, columns, VERGE, FIELD_KINDS + 2, rng)
    parts = [_near_vertices(road, stations, terrain), _far_vertices(terrain), _cap_vertices(terrain, rng)]
    topology = _topology(len(columns) - 1)
    kinds = np.where(topology.cells >= 0, _LAND + terrain.cells.ravel()[topology.cells], topology.kinds)
    mesh = Mesh(
        np.concatenate([part.positions for part in parts]),
        topology.faces,
        np.concatenate([part.normals for part in parts]),
        np.concatenate([part.uvs for part in parts]),
        kinds,
        _surfaces(appearance),
    )
    return RoadGeometry(road, mesh, topology.vertex_splits, topology.face_splits, terrain, columns)


def arena_size(config: RoadConfig = RoadConfig()) -> tuple[int, int, int]:
    """Number of vertices, faces and chunks of the geometry of any road of this configuration."""
    length = config.spacing * int(config.length / config.spacing)
    topology = _topology((len(_stations(length)) - 1) // NEAR_STATIONS)
    return int(topology.vertex_splits[-1]), int(topology.face_splits[-1]), len(topology.face_splits) - 1


@cache
def all_surfaces() -> tuple[Surface, ...]:
    """All surfaces of any appearance, for `Scene.add_arena`."""
    variants = range(textures.NUM_VARIANTS)
    appearances = [
        RoadAppearance(number, number, number, number, (number, number, number), shoulder, color, number)
        for number in variants
        for shoulder in SHOULDERS
        for color in LINE_COLORS
    ]
    return tuple(dict.fromkeys(surface for appearance in appearances for surface in _surfaces(appearance)))


@cache
def _surface(kind: str, variant: int, label: str, *options: str) -> Surface:
    return Surface((1.0, 1.0, 1.0), getattr(textures, kind)(variant, *options), label)


def _surfaces(look: RoadAppearance) -> tuple[Surface, ...]:
    """Surfaces of lane, edge line, shoulder and verge, then the kinds of land, then the center line."""
    shoulder = {"asphalt": look.asphalt, "gravel": look.gravel, "grass": look.grass}[look.shoulder]
    grass = _surface("grass", look.grass, "terrain")
    return (
        _surface("asphalt", look.asphalt, "road"),
        _surface("paint", look.paint, "lane_marking", "white"),
        _surface(look.shoulder, shoulder, "terrain" if look.shoulder == "grass" else "shoulder"),
        grass,
        grass,
        *(_surface("field", variant, "terrain") for variant in look.fields),
        _surface("forest", look.forest, "terrain"),
        _surface("paint", look.paint, "lane_marking", look.center_line),
    )


def _stations(length: float) -> FloatArray:
    """Meters along the road of the cross-sections: a whole number of near and of far chunks."""
    chunk = STATION * NEAR_STATIONS * FAR_COLUMNS
    chunks = int(np.ceil((BEHIND + length + AHEAD) / chunk))
    return STATION * np.arange(chunks * NEAR_STATIONS * FAR_COLUMNS + 1, dtype=np.float64) - BEHIND


class _Vertices(NamedTuple):
    """(n, 3) positions, (n, 3) normals and (n, 2) texture coordinates, chunk by chunk."""

    positions: FloatArray
    normals: FloatArray
    uvs: FloatArray


def _strip_edges(road: Road) -> FloatArray:
    """(8,) meters to the left of the center line, from left to right."""
    right = np.array([0.5 * CENTER_LINE, road.lane_width, road.lane_width + EDGE_LINE, road.half_width])
    return np.concatenate([right[::-1], -right])


def _near_vertices(road: Road, stations: FloatArray, terrain: Terrain) -> _Vertices:
    """Vertices of each chunk: its (stations, strips) lattice, the verges' outer ends, the nearest rows of land."""
    edges = _strip_edges(road)
    paved = road.positions_at(stations[:, None], np.broadcast_to(edges, (len(stations), len(edges))))
    along = np.gradient(paved[:, 0], axis=0)
    level = np.linalg.norm(along[:, :2], axis=1)
    up = np.column_stack([-along[:, :2] * (along[:, 2] / level)[:, None], level])
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    chunks = (len(stations) - 1) // NEAR_STATIONS
    rows = NEAR_STATIONS * np.arange(chunks)[:, None] + np.arange(NEAR_STATIONS + 1)
    verge_edges = np.array([edges[0] + VERGE, edges[-1] - VERGE])
    lattice = _Vertices(
        paved[rows].reshape(chunks, -1, 3),
        np.repeat(up[rows], len(edges), axis=1),
        _road_uvs(stations[rows], edges),
    )
    ends = _road_uvs(stations[rows[:, [0, -1]]], verge_edges)
    verge = _Vertices(
        _by_chunk(terrain.points[:, :, :1], 1),
        _by_chunk(terrain.normals[:, :, :1], 1),
        ends.reshape(chunks, 2, 2, 2).swapaxes(1, 2).reshape(chunks, 4, 2),
    )
    near = slice(0, NEAR_ROWS + 1)
    land = _Vertices(
        _by_chunk(terrain.points[:, :, near], 1),
        _by_chunk(terrain.normals[:, :, near], 1),
        _by_chunk(terrain.points[:, :, near, :2] / textures.LAND_METERS, 1),
    )
    joined = [np.concatenate(arrays, axis=1) for arrays in zip(lattice, verge, land, strict=True)]
    return _Vertices(*(array.reshape(-1, array.shape[-1]) for array in joined))


def _far_vertices(terrain: Terrain) -> _Vertices:
    """Vertices of each chunk of distant land: the distant rows on the left, then those on the right."""
    far = slice(NEAR_ROWS, NUM_ROWS)
    points = _by_chunk(terrain.points[:, :, far], FAR_COLUMNS).reshape(-1, 3)
    normals = _by_chunk(terrain.normals[:, :, far], FAR_COLUMNS).reshape(-1, 3)
    return _Vertices(points, normals, points[:, :2] / textures.LAND_METERS)


def _cap_vertices(terrain: Terrain, rng: np.random.Generator) -> _Vertices:
    """Vertices of the end caps: the first or last column, and hills farther out."""
    parts = []
    for column, outwards in ((0, -CAP_DEPTH), (-1, CAP_DEPTH)):
        brink = np.concatenate([terrain.points[0, column, ::-1], terrain.points[1, column]])
        rise = CAP_RISE * rng.uniform(0.4, 1.4, len(brink))
        hills = brink + np.column_stack([np.full(len(brink), outwards), np.zeros(len(brink)), rise])
        parts.append([brink, hills] if outwards > 0.0 else [hills, brink])
    points = np.concatenate([line for part in parts for line in part])
    normals = np.broadcast_to([0.0, 0.0, 1.0], points.shape)
    return _Vertices(points, normals, points[:, :2] / textures.LAND_METERS)


def _road_uvs(stations: FloatArray, edges: FloatArray) -> FloatArray:
    """(C, S * E, 2) texture coordinates of lattices of (C, S) stations and (E,) lateral edges."""
    uvs = np.empty((*stations.shape, len(edges), 2))
    uvs[..., 0] = edges
    uvs[..., 1] = stations[..., None]
    return uvs.reshape(len(stations), -1, 2) / textures.ROAD_METERS


def _by_chunk(columns: FloatArray, step: int) -> FloatArray:
    """Cut (2, K, R, d) columns into overlapping chunks of `step` cells: (C, 2 * (step + 1) * R, d)."""
    first = np.arange(0, columns.shape[1] - 1, step)
    cut = columns[:, first[:, None] + np.arange(step + 1)]
    return cut.swapaxes(0, 1).reshape(len(first), -1, columns.shape[-1])


class _Topology(NamedTuple):
    """Mesh topology, independent of the course of the road.

    `kinds` (F,) is the surface of each face; `cells` (F,) the flat terrain cell whose land it shows instead,
    or -1.
    """

    faces: NDArray[np.int32]
    kinds: NDArray[np.int64]
    cells: NDArray[np.int64]
    vertex_splits: NDArray[np.int64]
    face_splits: NDArray[np.int64]


@cache
def _topology(columns: int) -> _Topology:
    """Faces of a world with a given number of land cells along the road."""
    near, far, cap = _near_template(), _far_template(), _cap_template()
    plan = [(near, columns, 1), (far, columns // FAR_COLUMNS, FAR_COLUMNS), (cap, 2, 0)]
    bands = NUM_ROWS - 1
    vertex_counts = np.concatenate([np.full(count, template.vertices) for template, count, _ in plan])
    face_counts = np.concatenate([np.full(count, len(template.faces)) for template, count, _ in plan])
    vertex_splits = np.concatenate([[0], np.cumsum(vertex_counts)])
    faces, kinds, cells = [], [], []
    chunk = 0
    for template, count, step in plan:
        first = vertex_splits[chunk : chunk + count]
        faces.append((template.faces + first[:, None, None]).reshape(-1, 3))
        kinds.append(np.tile(template.kinds, count))
        column = template.column + step * np.arange(count)[:, None]
        flat = (template.side * columns + column) * bands + template.band
        cells.append(np.where(template.band >= 0, flat, -1).ravel())
        chunk += count
    return _Topology(
        np.concatenate(faces).astype(np.int32),
        np.concatenate(kinds),
        np.concatenate(cells),
        vertex_splits,
        np.concatenate([[0], np.cumsum(face_counts)]),
    )


class _Template(NamedTuple):
    """Faces of one chunk; `side`, `column`, `band` are the terrain cell of a face, with band -1 for none."""

    vertices: int
    faces: NDArray[np.int64]
    kinds: NDArray[np.int64]
    side: NDArray[np.int64]
    column: NDArray[np.int64]
    band: NDArray[np.int64]


def _near_template() -> _Template:
    strips = len(_STRIPS)
    lattice = _lattice(NEAR_STATIONS, strips)
    kinds = np.tile(_STRIPS, (NEAR_STATIONS, 1))
    dashes = np.arange(NEAR_STATIONS) % 3 == 0
    kinds[~dashes, _STRIPS.index(_CENTER)] = _LANE
    paved = (NEAR_STATIONS + 1) * (strips + 1)
    inner = (strips + 1) * np.arange(NEAR_STATIONS + 1)
    verges = [_fan(inner, paved, paved + 1), _fan(inner + strips, paved + 2, paved + 3)[:, ::-1]]
    faces = [lattice, *verges]
    kind = [np.repeat(kinds.ravel(), 2), np.full(2 * len(verges[0]), _VERGE)]
    bare = np.full(len(lattice) + 2 * len(verges[0]), -1)
    land = _land(paved + 4, 1, 0, NEAR_ROWS)
    return _Template(
        paved + 4 + land.vertices,
        np.concatenate([*faces, land.faces]),
        np.concatenate([*kind, land.kinds]),
        *(np.concatenate([bare, array]) for array in land[3:]),
    )


def _far_template() -> _Template:
    return _land(0, FAR_COLUMNS, NEAR_ROWS, NUM_ROWS - 1)


def _cap_template() -> _Template:
    faces = _lattice(1, 2 * NUM_ROWS - 1)
    bare = np.full(len(faces), -1)
    return _Template(4 * NUM_ROWS, faces, np.full(len(faces), _LAND), bare, bare, bare)


def _land(offset: int, columns: int, first_row: int, last_row: int) -> _Template:
    """Faces of the terrain cells on both sides, with vertices numbered from `offset`."""
    bands = last_row - first_row
    count = (columns + 1) * (bands + 1)
    right = _lattice(columns, bands)
    left = right[:, ::-1]
    column, band = np.divmod(np.repeat(np.arange(columns * bands), 2), bands)
    return _Template(
        2 * count,
        offset + np.concatenate([left, right + count]),
        np.full(2 * len(right), _LAND),
        np.repeat([0, 1], len(right)),
        np.tile(column, 2),
        np.tile(band + first_row, 2),
    )


def _lattice(rows: int, columns: int) -> NDArray[np.int64]:
    """(2 * rows * columns, 3) faces of a lattice, cell by cell; rows run forward, columns to the right."""
    row, column = np.divmod(np.arange(rows * columns), columns)
    first = row * (columns + 1) + column
    ahead = first + columns + 1
    return np.stack([first, first + 1, ahead + 1, first, ahead + 1, ahead], axis=1).reshape(-1, 3)


def _fan(inner: NDArray[np.int64], back: int, front: int) -> NDArray[np.int64]:
    """Faces between a chain of vertices and two outer ones to its left, without cracks."""
    middle = len(inner) // 2
    halves = [
        np.column_stack([np.full(len(chain) - 1, outer), chain[:-1], chain[1:]])
        for outer, chain in ((back, inner[: middle + 1]), (front, inner[middle:]))
    ]
    return np.concatenate([*halves, [[back, inner[middle], front]]])
