"""Roadside scenery: trees, bushes, houses, posts, poles and bend markers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving import assets, textures
from camshaft.envs.driving.country_road.mesh import RoadGeometry
from camshaft.envs.driving.country_road.road import Road, RoadConfig
from camshaft.envs.driving.country_road.terrain import DITCH, NUM_ROWS
from camshaft.envs.kernels import kernel
from camshaft.envs.rendering import Scene, SceneState

TREES, BUSHES, HOUSES, MARKERS, POLES = 280, 80, 10, 36, 24
POST_SPACINGS = (36.0, 50.0)  # meters between delineators
POST_LATERAL = 0.6  # meters beyond the shoulder
MARKER_LATERAL = 2.2  # meters beyond the shoulder, on the outside of the bend
MARKER_SPACING = 16.0
MARKED_CURVATURE = 1.0 / 110.0  # bends tighter than this have markers
POLE_SPACING = 45.0
CLEARANCE = {
    "tree": 3.5,
    "bush": 1.5,
    "house": 11.0,
    "pole": 3.0,
}  # meters, minimum distance from the shoulder
NEIGHBORHOOD = 4.0  # meters between the road points used for clearance checks
HOUSE_RADIUS = 13.0  # meters that other objects keep from the middle of a house


@dataclass(frozen=True)
class _Spots:
    """Positions on the land: side (n,) 0 left or 1 right; fractional column (n,) and row (n,) of the terrain."""

    side: NDArray[np.int64]
    column: FloatArray
    row: FloatArray


class RoadsideScenery:
    """Roadside objects of a scene, placed along its roads.

    Args:
        scene: scene to add the objects "tree", "bush", "house", "post", "pole", "marker" to.
        config: configuration of the roads; determines the largest number of posts in a world.
        lit_windows: whether some windows of the houses are lit.
        cut_out: whether near trees and bushes have cut-out leaves and branches, which render more slowly.
    """

    def __init__(
        self,
        scene: Scene,
        config: RoadConfig = RoadConfig(),
        lit_windows: bool = False,
        cut_out: bool = False,
    ) -> None:
        variants = range(textures.NUM_VARIANTS)
        posts = 2 * (int(config.length / POST_SPACINGS[0]) + 1)
        trees = [
            make(variant, cut_out) for variant in variants for make in (assets.conifer, assets.broadleaf)
        ]
        markers = [assets.bend_marker(variant, left) for variant in variants for left in (False, True)]
        self.trees = scene.add("tree", trees, TREES)
        self.bushes = scene.add("bush", [assets.bush(variant, cut_out) for variant in variants], BUSHES)
        self.houses = scene.add("house", [assets.house(variant, lit_windows) for variant in variants], HOUSES)
        self.posts = scene.add("post", [assets.delineator()], posts)
        self.poles = scene.add("pole", [assets.utility_pole()], POLES)
        self.markers = scene.add("marker", markers, MARKERS)

    def populate(
        self,
        state: SceneState,
        world: int,
        geometry: RoadGeometry,
        rng: np.random.Generator,
        variants: Sequence[int] = range(textures.NUM_VARIANTS),
    ) -> None:
        """Place one world's scenery, replacing the previous one.

        Args:
            state: scene state to update.
            world: its index.
            geometry: geometry of its road and land.
            rng: source of the samples.
            variants: model variants to sample from.
        """
        chosen = np.asarray(variants)
        houses = self._place_houses(state, world, geometry, rng, chosen)
        self._place_plants(state, world, geometry, rng, chosen, houses)
        self._place_posts(state, world, geometry.road, rng)
        self._place_markers(state, world, geometry.road, int(rng.choice(chosen)))
        self._place_poles(state, world, geometry, rng, houses)

    def _place_houses(
        self,
        state: SceneState,
        world: int,
        geometry: RoadGeometry,
        rng: np.random.Generator,
        chosen: NDArray[np.int64],
    ) -> FloatArray:
        """Place some farms and a hamlet; returns the (n, 3) positions."""
        count = int(rng.integers(4, HOUSES + 1))
        last = geometry.terrain.points.shape[1] - 2
        hamlet = rng.uniform(0.1, 0.8) * last
        lone = rng.uniform(3.0, last, count)
        column = np.where(rng.random(count) < 0.5, hamlet + rng.uniform(-2, 6, count), lone)
        spots = _Spots(rng.integers(0, 2, count), np.clip(column, 0, last), rng.uniform(1.15, 1.9, count))
        positions = _on_land(geometry, spots)
        kept = _is_clear(geometry.road, positions, CLEARANCE["house"]) & _apart(positions, 2.0 * HOUSE_RADIUS)
        positions = positions[kept] + [0.0, 0.0, 0.3]
        heading = geometry.road.headings_at(_distance(geometry, spots.column[kept]))
        yaw = (
            heading
            + 0.5 * np.pi * rng.integers(0, 4, len(positions))
            + rng.uniform(-0.15, 0.15, len(positions))
        )
        colors = _tints(rng, len(positions), 0.06)
        state.place(world, self.houses, positions, yaw, 1.0, rng.choice(chosen, len(positions)), colors)
        return positions

    def _place_plants(
        self,
        state: SceneState,
        world: int,
        geometry: RoadGeometry,
        rng: np.random.Generator,
        chosen: NDArray[np.int64],
        houses: FloatArray,
    ) -> None:
        """Place rows of trees, woods and hedges; each world favors a few kinds of tree."""
        for objects, spots, sizes in (
            (self.trees, _tree_spots(rng, geometry, TREES), (0.7, 1.4)),
            (self.bushes, _bush_spots(rng, geometry, BUSHES), (0.6, 1.6)),
        ):
            positions = _on_land(geometry, spots) - [0.0, 0.0, 0.15]
            kept = _is_clear(geometry.road, positions, CLEARANCE[objects.name])
            kept &= _clear_of(positions, houses, HOUSE_RADIUS)
            positions = positions[kept]
            count = len(positions)
            variant = rng.choice(rng.choice(chosen, 2), count)
            if objects is self.trees:
                variant = 2 * variant + (rng.random(count) < _broadleaf_share(rng, spots.column[kept]))
            yaw, scale = rng.uniform(0.0, 2.0 * np.pi, count), rng.uniform(*sizes, count)
            state.place(world, objects, positions, yaw, scale, variant, _tints(rng, count, 0.16))

    def _place_posts(self, state: SceneState, world: int, road: Road, rng: np.random.Generator) -> None:
        distance = np.arange(0.0, road.length, rng.uniform(*POST_SPACINGS))
        distance = np.concatenate([distance, distance])
        sign = np.repeat([1.0, -1.0], len(distance) // 2)
        positions = _on_verge(road, distance, sign, POST_LATERAL)
        state.place(world, self.posts, positions, road.headings_at(distance))

    def _place_markers(self, state: SceneState, world: int, road: Road, variant: int) -> None:
        distance = np.arange(0.0, road.length, MARKER_SPACING)
        curvature = np.interp(distance, road.spacing * np.arange(len(road.points)), road.curvature)
        tight = np.flatnonzero(np.abs(curvature) > MARKED_CURVATURE)
        tight = tight[np.argsort(-np.abs(curvature[tight]), kind="stable")[:MARKERS]]
        distance, leftwards = distance[tight], curvature[tight] > 0.0
        positions = _on_verge(road, distance, np.where(leftwards, -1.0, 1.0), MARKER_LATERAL)
        state.place(world, self.markers, positions, road.headings_at(distance), 1.0, 2 * variant + leftwards)

    def _place_poles(
        self,
        state: SceneState,
        world: int,
        geometry: RoadGeometry,
        rng: np.random.Generator,
        houses: FloatArray,
    ) -> None:
        """Place a power line along part of the road, on one side."""
        start = rng.uniform(0.0, max(geometry.road.length - POLE_SPACING * POLES, 1.0))
        distance = start + POLE_SPACING * np.arange(int(rng.integers(0, POLES + 1)))
        distance = distance[distance < geometry.road.length]
        column = (distance - geometry.distances[0]) / (geometry.distances[1] - geometry.distances[0])
        side = np.full(len(distance), rng.integers(0, 2))
        positions = _on_land(geometry, _Spots(side, column, np.full(len(distance), 0.7)))
        kept = _is_clear(geometry.road, positions, CLEARANCE["pole"])
        kept &= _clear_of(positions, houses, HOUSE_RADIUS - 3.0)
        state.place(world, self.poles, positions[kept], geometry.road.headings_at(distance[kept]))


def _tree_spots(rng: np.random.Generator, geometry: RoadGeometry, count: int) -> _Spots:
    """Spots of trees: rows along the road, and woods of varying size; their density varies by world."""
    last = geometry.terrain.points.shape[1] - 1.01
    count = int(count * rng.uniform(0.55, 1.0))
    in_rows = int(0.4 * count)
    rows = int(rng.integers(2, 5))
    row = np.arange(in_rows) * rows // in_rows
    step = rng.uniform(0.4, 0.9, rows)[row]
    index = np.arange(in_rows) - np.searchsorted(row, row)
    row_columns = rng.uniform(0.0, 0.8 * last, rows)[row] + step * index + rng.normal(0.0, 0.05, in_rows)
    row_sides, row_rows = rng.integers(0, 2, rows)[row], rng.uniform(0.3, 0.9, rows)[row]
    row_rows = row_rows + rng.normal(0.0, 0.04, in_rows)
    in_woods = count - in_rows
    woods = int(rng.integers(8, 18))
    wood = rng.choice(woods, in_woods, p=rng.dirichlet(np.full(woods, 1.5)))
    spread = rng.uniform(0.3, 1.6, woods)[wood]
    wood_columns = rng.uniform(0.0, last, woods)[wood] + spread * rng.normal(0.0, 1.0, in_woods)
    wood_rows = rng.uniform(0.6, 2.8, woods)[wood] + 0.25 * spread * rng.normal(0.0, 1.0, in_woods)
    return _Spots(
        np.concatenate([row_sides, rng.integers(0, 2, woods)[wood]]),
        np.clip(np.concatenate([row_columns, wood_columns]), 0.0, last),
        np.clip(np.concatenate([row_rows, wood_rows]), 0.2, NUM_ROWS - 2.5),
    )


def _bush_spots(rng: np.random.Generator, geometry: RoadGeometry, count: int) -> _Spots:
    """Spots of bushes: single ones, and hedges along the edge of the fields."""
    last = geometry.terrain.points.shape[1] - 1.01
    hedge = np.sort(rng.integers(0, 6, count))
    column = rng.uniform(0.0, last, 6)[hedge] + rng.uniform(0.0, 2.2, count)
    row = rng.uniform(0.15, 1.0, 6)[hedge] + rng.normal(0.0, 0.05, count)
    lone = rng.random(count) < 0.35
    return _Spots(
        rng.integers(0, 2, 6)[hedge],
        np.clip(np.where(lone, rng.uniform(0.0, last, count), column), 0.0, last),
        np.clip(np.where(lone, rng.uniform(0.1, 1.6, count), row), 0.1, 2.0),
    )


def _broadleaf_share(rng: np.random.Generator, column: FloatArray) -> FloatArray:
    """Probability that a tree is broad-leaved, varying along the road."""
    number, phase, bias = rng.uniform(0.05, 0.2), rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.2, 0.8)
    return bias + 0.6 * np.sin(number * column + phase)


def _on_land(geometry: RoadGeometry, spots: _Spots) -> FloatArray:
    return geometry.terrain.at(spots.side, spots.column, spots.row)


def _distance(geometry: RoadGeometry, column: FloatArray) -> FloatArray:
    return geometry.distances[0] + column * (geometry.distances[1] - geometry.distances[0])


def _on_verge(road: Road, distance: FloatArray, sign: ArrayLike, beyond: float) -> FloatArray:
    """(n, 3) meters: positions `beyond` the shoulder, on the side given by `sign`, left positive."""
    positions = road.positions_at(distance, np.asarray(sign) * (road.half_width + beyond))
    positions[:, 2] -= DITCH * beyond / 4.0
    return positions


def _is_clear(road: Road, positions: FloatArray, clearance: float) -> NDArray[np.bool_]:
    """(n,) whether positions are at least `clearance` meters from the nearest shoulder."""
    step = max(1, int(NEIGHBORHOOD / road.spacing))
    clear = np.empty(len(positions), bool)
    _find_clear(road.points, step, positions, road.half_width + clearance, clear)
    return clear


@kernel
def _find_clear(line, step, positions, gap, clear):  # type: ignore[no-untyped-def]
    """Write whether positions are at least `gap` meters from every `step`-th point of a line."""
    for row in range(len(positions)):
        least = np.inf
        for number in range(0, len(line), step):
            x, y = positions[row, 0] - line[number, 0], positions[row, 1] - line[number, 1]
            least = min(least, x * x + y * y)
        clear[row] = least - 0.25 * NEIGHBORHOOD**2 > gap * gap


def _apart(positions: FloatArray, gap: float) -> NDArray[np.bool_]:
    """(n,) whether positions are at least `gap` meters from all earlier ones."""
    distances = np.linalg.norm(positions[:, None, :2] - positions[:, :2], axis=2)
    return ~np.tril(distances < gap, -1).any(axis=1)


def _clear_of(positions: FloatArray, others: FloatArray, gap: float) -> NDArray[np.bool_]:
    distances = np.linalg.norm(positions[:, None, :2] - others[:, :2], axis=2)
    return ~(distances < gap).any(axis=1)


def _tints(rng: np.random.Generator, count: int, spread: float) -> FloatArray:
    """(count, 3) color factors around 1: brighter or darker, slightly warmer or colder."""
    brightness = rng.uniform(1.0 - 1.4 * spread, 1.0 + spread, (count, 1))
    return np.clip(brightness + rng.uniform(-0.5 * spread, 0.5 * spread, (count, 3)), 0.0, 1.2)
