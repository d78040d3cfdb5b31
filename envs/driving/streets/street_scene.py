"""What networks of roads look like in every world: geometry, scenery, light, and the vehicles and people on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.driving.assets import OWN_PAINT, PAINTS, SHIRTS, saloon
from camshaft.envs.driving.light import Conditions, draw_light, point_headlights
from camshaft.envs.driving.streets.actors import (
    STRIDES,
    bodies_of,
    light_variants,
    person_variants,
    show_lights,
    show_people,
    show_vehicles,
    vehicle_variants,
)
from camshaft.envs.driving.streets.appearance import all_street_surfaces, draw_look, plain_look
from camshaft.envs.driving.streets.fixtures import catalogue
from camshaft.envs.driving.streets.layout import Layout
from camshaft.envs.driving.streets.strips import ChunkedMesh
from camshaft.envs.driving.textures import NUM_VARIANTS
from camshaft.envs.driving.traffic.traffic import Traffic
from camshaft.envs.randomization import Split, split_variants
from camshaft.envs.rendering import HIDDEN, Scene, SceneState


class StreetMap(Protocol):
    """What a scene needs to know of a map."""

    @property
    def mesh(self) -> ChunkedMesh:
        """The ground, in surfaces that are to be replaced."""

    @property
    def layout(self) -> Layout:
        """What stands on it."""


ROOM = 1.3  # by which there is more room than the largest map so far needs


class StreetScene:
    """A scene of one map a world; nothing is built before it is looked at.

    Args:
        num_worlds: N.
        style: of the maps, one of `fixtures.STYLES`.
        conditions: when, and in which weather; in the dark, the car drives with headlights, past lit windows.
        traffic: whose vehicles and people are shown; None for none.

    Attributes:
        state: what stands where; a new one when a map needs more room.
    """

    state: SceneState

    def __init__(
        self,
        num_worlds: int,
        style: str,
        conditions: Conditions = Conditions(),
        traffic: Traffic | None = None,
    ) -> None:
        self._num_worlds, self._style, self._conditions = num_worlds, style, conditions
        self._traffic = traffic
        self._room: NDArray[np.int64] = np.zeros(5, np.int64)
        self._dressed = np.full(num_worlds, -1, np.int64)
        vehicles, people = (0, 0) if traffic is None else _sizes(traffic)
        self._vehicle_places = np.zeros((num_worlds, vehicles, 4))
        self._vehicle_variants = np.zeros((num_worlds, vehicles), np.int64)
        self._person_places = np.zeros((num_worlds, people, 4))
        self._person_variants = np.zeros((num_worlds, people), np.int64)
        self._light_counts = np.zeros(num_worlds, np.int64)

    def dress(self, maps: Sequence[StreetMap | None], seeds: NDArray[np.int64], split: Split) -> None:
        """Show every world in the look of its episode.

        Args:
            maps: of the worlds.
            seeds: (N,) of their episodes; −1 before the first.
            split: which variations may be drawn; None draws the map only.
        """
        waiting = np.flatnonzero((self._dressed != seeds) & (seeds >= 0))
        needs = [_need(shown) for world in waiting.tolist() if (shown := maps[world]) is not None]
        need = np.array([self._room.tolist(), *needs], np.int64).max(axis=0)
        if (need > self._room).any():
            self._build(need, split)
            waiting = np.flatnonzero(seeds >= 0)
        for world in waiting.tolist():
            shown = maps[world]
            assert shown is not None
            self._dress_world(int(world), shown, np.random.default_rng([int(seeds[world]), 2]), split)
            self._dressed[world] = seeds[world]

    def _build(self, need: NDArray[np.int64], split: Split) -> None:
        """Make a scene with room for maps of such a size, and some more."""
        self._room = (ROOM * need).astype(np.int64) + 1
        vertices, faces, chunks, fixtures, lights = (int(size) for size in self._room)
        lit = self._conditions.dark
        scene = Scene()
        scene.add_arena(vertices, faces, chunks, surfaces=all_street_surfaces(self._style))
        self._car = scene.add("car", [saloon().levels])
        self._fixtures = scene.add(
            "fixture", [fixture.levels(lit) for fixture in catalogue(self._style)], fixtures
        )
        if need[4]:
            self._lights = scene.add("traffic_light", light_variants(), lights)
        self._light_places = np.zeros((self._num_worlds, lights, 4))
        self._light_variants = np.full((self._num_worlds, lights), -1, np.int64)
        self._light_groups = np.zeros((self._num_worlds, lights), np.int64)
        self._on_foot = np.zeros((self._num_worlds, lights), bool)
        if self._vehicle_places.shape[1]:
            assert self._traffic is not None
            variants, self._kinds = vehicle_variants(self._traffic.kinds)
            self._vehicles = scene.add("vehicle", variants, self._vehicle_places.shape[1])
        if self._person_places.shape[1]:
            frames, keypoints = person_variants()
            self._people = scene.add("person", frames, self._person_places.shape[1], keypoints)
        self._add_own(scene)
        self._bodies, self._parity = bodies_of(split), -1 if split is None else int(split == "test")
        self.state = SceneState(scene, self._num_worlds)
        self.state.colors[:, self._car.slots] = OWN_PAINT

    def _add_own(self, scene: Scene) -> None:
        """Add what a task's scene has beside all that."""

    def _dress_world(self, world: int, shown: StreetMap, rng: np.random.Generator, split: Split) -> None:
        variants = split_variants(NUM_VARIANTS, split)
        drawn = draw_look(self._style, rng, variants)
        look = plain_look(self._style) if split is None else drawn
        mesh, layout = shown.mesh, shown.layout
        self.state.set_arena(
            world,
            replace(mesh.mesh, surfaces=look.surfaces),
            mesh.vertex_splits,
            mesh.face_splits,
            mesh.coarser,
            mesh.pixels,
        )
        draw_light(self.state, world, rng, split, self._conditions)
        self.state.place(
            world,
            self._fixtures,
            layout.places[:, :3],
            layout.places[:, 3],
            layout.scales,
            layout.fixtures,
            layout.tints,
        )
        count = len(layout.lights)
        self._light_counts[world] = count
        self._light_places[world, :count] = layout.lights
        self._light_groups[world, :count] = layout.groups
        self._on_foot[world, :count] = layout.on_foot
        if self._vehicle_places.shape[1]:
            self.state.colors[world, self._vehicles.slots] = _drawn(PAINTS, rng, self._vehicles.count, split)
        if self._person_places.shape[1]:
            self.state.colors[world, self._people.slots] = _drawn(SHIRTS, rng, self._people.count, split)

    def move(self, traffic: Traffic) -> None:
        """Show vehicles, people and lights as they are now."""
        if self._vehicle_places.shape[1]:
            show_vehicles(
                traffic.vehicles,
                traffic.times,
                self._kinds,
                self._parity,
                self._vehicle_places,
                self._vehicle_variants,
            )
            self.state.set_upright(self._vehicles, self._vehicle_places, self._vehicle_variants)
        if self._person_places.shape[1]:
            show_people(
                traffic.people,
                self._bodies,
                STRIDES,
                traffic.paths.crossing,
                self._person_places,
                self._person_variants,
            )
            self.state.set_upright(self._people, self._person_places, self._person_variants)
        if self._light_counts.any():
            show_lights(
                traffic.signals,
                traffic.lanes.signals,
                traffic.times,
                self._light_groups,
                self._on_foot,
                self._light_counts,
                self._light_variants,
            )
            self.state.set_upright(self._lights, self._light_places, self._light_variants)

    def move_headlights(self, worlds: NDArray[np.int64], poses: NDArray[np.float64]) -> None:
        """Let the headlights shine from cars at (n, 4, 4) world from car, unless it is day."""
        if self._conditions.dark:
            point_headlights(self.state, worlds, poses)

    def show_car(self, worlds: NDArray[np.int64], poses: NDArray[np.float64]) -> None:
        """Show the cars for pictures from outside; poses (n, 1, 4, 4) world from car, origin on the ground."""
        self.state.set_pose(self._car, poses, worlds)

    def hide_car(self, worlds: NDArray[np.int64]) -> None:
        """Hide the cars: a camera inside does not see its own car."""
        self.state.meshes[worlds, self._car.slots] = HIDDEN


def _sizes(traffic: Traffic) -> tuple[int, int]:
    """Other vehicles and people of a world."""
    return traffic.vehicles.present.shape[1] - 1, traffic.people.present.shape[1]


def _need(shown: StreetMap) -> tuple[int, ...]:
    """What a map needs room for: vertices, faces, chunks, fixtures, lights."""
    return *shown.mesh.size, len(shown.layout.fixtures), len(shown.layout.lights)


def _drawn(
    colors: Sequence[tuple[float, float, float]], rng: np.random.Generator, count: int, split: Split
) -> NDArray[np.float64]:
    """(count, 3) of the colors of a split."""
    chosen = np.array(colors) if split is None else np.array(colors)[int(split == "test") :: 2]
    return np.asarray(chosen[rng.integers(len(chosen), size=count)])
