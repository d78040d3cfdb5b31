"""Scene of road networks and parking lots: ground, fixtures, light, vehicles, pedestrians and traffic lights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.driving.assets import OWN_PAINT, PAINTS, SHIRTS, sedan
from camshaft.envs.driving.light import Conditions, sample_light
from camshaft.envs.driving.scene import DrivingScene
from camshaft.envs.driving.streets.appearance import (
    all_street_surfaces,
    nominal_appearance,
    sample_appearance,
)
from camshaft.envs.driving.streets.fixtures import catalog
from camshaft.envs.driving.streets.layout import Layout
from camshaft.envs.driving.streets.strips import ChunkedMesh
from camshaft.envs.driving.streets.traffic_meshes import (
    STRIDES,
    bodies_of,
    light_variants,
    person_variants,
    show_lights,
    show_people,
    show_vehicles,
    vehicle_variants,
)
from camshaft.envs.driving.textures import NUM_VARIANTS
from camshaft.envs.driving.traffic.traffic import Traffic
from camshaft.envs.randomization import Split, split_variants
from camshaft.envs.rendering import Scene, SceneState


class StreetMap(Protocol):
    """A map that a scene can show."""

    @property
    def mesh(self) -> ChunkedMesh:
        """The ground, in surfaces that the appearance replaces."""

    @property
    def layout(self) -> Layout:
        """Objects on it."""


ROOM = 1.3  # capacity allocated, relative to the largest map so far


class StreetScene(DrivingScene):
    """The scene of N worlds with one map each, built when it is first rendered.

    Args:
        num_worlds: N.
        style: style of the maps, one of `fixtures.STYLES`.
        conditions: time of day and weather.
        traffic: source of the vehicles and pedestrians shown; None for none.

    Attributes:
        state: poses and appearance of everything; replaced when a map exceeds its capacity.
    """

    def __init__(
        self,
        num_worlds: int,
        style: str,
        conditions: Conditions = Conditions(),
        traffic: Traffic | None = None,
    ) -> None:
        super().__init__(conditions)
        self._num_worlds, self._style, self._traffic = num_worlds, style, traffic
        self._capacity: NDArray[np.int64] = np.zeros(5, np.int64)
        self._shown_seeds = np.full(num_worlds, -1, np.int64)  # of the episodes that the state shows
        vehicles, people = (0, 0) if traffic is None else _sizes(traffic)
        self._vehicle_places = np.zeros((num_worlds, vehicles, 4))
        self._vehicle_variants = np.zeros((num_worlds, vehicles), np.int64)
        self._person_places = np.zeros((num_worlds, people, 4))
        self._person_variants = np.zeros((num_worlds, people), np.int64)
        self._light_counts = np.zeros(num_worlds, np.int64)

    def apply_appearance(
        self, maps: Sequence[StreetMap | None], seeds: NDArray[np.int64], split: Split
    ) -> None:
        """Give every world the map and the appearance of its episode.

        Args:
            maps: maps of the worlds.
            seeds: (N,) seeds of their episodes; −1 before the first.
            split: split to sample variations from; None varies the map only.
        """
        outdated = np.flatnonzero((self._shown_seeds != seeds) & (seeds >= 0))
        sizes = [_size_of(new) for world in outdated.tolist() if (new := maps[world]) is not None]
        needed = np.array([self._capacity.tolist(), *sizes], np.int64).max(axis=0)
        if (needed > self._capacity).any():
            self._build(needed, split)
            outdated = np.flatnonzero(seeds >= 0)
        for world in outdated.tolist():
            new = maps[world]
            assert new is not None
            self._apply_to_world(int(world), new, np.random.default_rng([int(seeds[world]), 2]), split)
            self._shown_seeds[world] = seeds[world]

    def _build(self, needed: NDArray[np.int64], split: Split) -> None:
        """Create a scene with capacity for maps of this size, and some reserve."""
        self._capacity = (ROOM * needed).astype(np.int64) + 1
        vertices, faces, chunks, fixtures, lights = (int(size) for size in self._capacity)
        lit = self._conditions.dark
        scene = Scene()
        scene.add_arena(vertices, faces, chunks, surfaces=all_street_surfaces(self._style))
        self._car = scene.add("car", [sedan().levels])
        self._fixtures = scene.add(
            "fixture", [fixture.levels(lit) for fixture in catalog(self._style)], fixtures
        )
        if needed[4]:
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
        """Add further objects of a subclass to the scene."""

    def _apply_to_world(self, world: int, new: StreetMap, rng: np.random.Generator, split: Split) -> None:
        variants = split_variants(NUM_VARIANTS, split)
        sampled = sample_appearance(self._style, rng, variants)
        appearance = nominal_appearance(self._style) if split is None else sampled
        mesh, layout = new.mesh, new.layout
        self.state.set_arena(
            world,
            replace(mesh.mesh, surfaces=appearance.surfaces),
            mesh.vertex_splits,
            mesh.face_splits,
            mesh.coarser,
            mesh.pixels,
        )
        sample_light(self.state, world, rng, split, self._conditions)
        self.state.place(
            world,
            self._fixtures,
            layout.poses[:, :3],
            layout.poses[:, 3],
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
            self.state.colors[world, self._vehicles.slots] = _sample_colors(
                PAINTS, rng, self._vehicles.count, split
            )
        if self._person_places.shape[1]:
            self.state.colors[world, self._people.slots] = _sample_colors(
                SHIRTS, rng, self._people.count, split
            )

    def move(self, traffic: Traffic) -> None:
        """Update vehicles, pedestrians and traffic lights to their current state."""
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


def _sizes(traffic: Traffic) -> tuple[int, int]:
    """Number of other vehicles and of pedestrians in a world."""
    return traffic.vehicles.present.shape[1] - 1, traffic.people.present.shape[1]


def _size_of(new: StreetMap) -> tuple[int, ...]:
    """Number of vertices, faces, chunks, fixtures and lights of a map."""
    return *new.mesh.size, len(new.layout.fixtures), len(new.layout.lights)


def _sample_colors(
    colors: Sequence[tuple[float, float, float]], rng: np.random.Generator, count: int, split: Split
) -> NDArray[np.float64]:
    """(count, 3) colors sampled from those of a split."""
    chosen = np.array(colors) if split is None else np.array(colors)[int(split == "test") :: 2]
    return np.asarray(chosen[rng.integers(len(chosen), size=count)])
