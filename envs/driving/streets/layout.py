"""Placement of roadside fixtures on one map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.dynamics.collisions import box_corners
from camshaft.envs.driving.streets.fixtures import catalog, variants_of
from camshaft.envs.driving.streets.free_space import FreeSpace
from camshaft.envs.driving.streets.street_mesh import GROUND_HEIGHT


@dataclass(frozen=True, eq=False)
class Layout:
    """Objects on a map: F fixtures and H traffic lights.

    Attributes:
        fixtures: (F,) indices into `fixtures.catalog` of the map's style.
        poses: (F, 4) x, y, z (meters) and heading (rad).
        scales: (F,) scales of the models.
        tints: (F, 3) factors of the colors.
        obstacles: (K, 5) x, y, heading, length and width of collision boxes.
        lights: (H, 4) x, y, z and heading of traffic lights.
        groups: (H,) signal group of each light.
        on_foot: (H,) whether a light is for pedestrians rather than vehicles.
    """

    fixtures: NDArray[np.int64]
    poses: FloatArray
    scales: FloatArray
    tints: FloatArray
    obstacles: FloatArray
    lights: FloatArray
    groups: NDArray[np.int64]
    on_foot: NDArray[np.bool_]


class LayoutBuilder:
    """Builder of a layout.

    Args:
        style: style of the map, one of `fixtures.STYLES`.
        space: free space of the map.
        parity: 0 for models of the training split, 1 for those of the test split.
        rng: source of all samples.
    """

    def __init__(self, style: str, space: FreeSpace, parity: int, rng: np.random.Generator) -> None:
        self.space, self.rng = space, rng
        self._parity = parity
        self._numbers = {
            (fixture.name, fixture.variant): number for number, fixture in enumerate(catalog(style))
        }
        self._catalog = catalog(style)
        self._rows: list[tuple[int, float, float, float, float, float]] = []
        self._tints: list[ArrayLike] = []
        self._obstacles: list[tuple[float, float, float, float, float]] = []
        self._lights: list[tuple[float, float, float, float, int, bool]] = []

    def choose(self, name: str, only: ArrayLike | None = None) -> int:
        """Sample a variant of the map's split, from those in `only` if given."""
        variants = variants_of(name) if only is None else np.asarray(only).tolist()
        mine = [variant for variant in variants if variant % 2 == self._parity]
        return mine[int(self.rng.integers(len(mine)))]

    def footprint(self, name: str, variant: int) -> tuple[float, float]:
        """Footprint of a fixture: meters along x and y."""
        return self._catalog[self._numbers[name, variant]].footprint

    def put(
        self,
        name: str,
        variant: int,
        point: ArrayLike,
        heading: float,
        height: float = GROUND_HEIGHT,
        scale: float = 1.0,
        tint: ArrayLike = (1.0, 1.0, 1.0),
        take: float | None = 0.0,
    ) -> None:
        """Place a fixture, even if the space is taken.

        Args:
            name: kind of fixture.
            variant: variant of the kind.
            point: (2,) meters.
            heading: rad, heading of its x axis.
            height: meters, height of its base.
            scale: scale of its model.
            tint: factor of its colors.
            take: margin in meters to mark as taken with it; None to take nothing.
        """
        number = self._numbers[name, variant]
        fixture = self._catalog[number]
        x, y = (float(value) for value in np.asarray(point))
        self._rows.append((number, x, y, height, heading, scale))
        self._tints.append(tint)
        length, width = fixture.solid
        if length > 0.0:
            self._obstacles.append((x, y, heading, scale * length, scale * width))
        if take is not None:
            self.space.take(self._outline(fixture.footprint, x, y, heading, scale, take))

    def put_if_free(
        self,
        name: str,
        variant: int,
        point: ArrayLike,
        heading: float,
        apart: float = 0.2,
        height: float = GROUND_HEIGHT,
        scale: float = 1.0,
        tint: ArrayLike = (1.0, 1.0, 1.0),
    ) -> bool:
        """Place a fixture if the space within a margin in meters is free; returns whether it was."""
        x, y = (float(value) for value in np.asarray(point))
        footprint = self.footprint(name, variant)
        if not self.space.is_free(self._outline(footprint, x, y, heading, scale, apart)):
            return False
        self.put(name, variant, (x, y), heading, height, scale, tint)
        return True

    def put_light(
        self, point: ArrayLike, height: float, heading: float, group: int, on_foot: bool = False
    ) -> None:
        """Place a traffic light."""
        x, y = (float(value) for value in np.asarray(point))
        self._lights.append((x, y, height, heading, group, on_foot))
        self._obstacles.append((x, y, heading, 0.25, 0.25))
        self.space.take(box_corners(x, y, heading, 1.0, 1.0))

    def tint(self, spread: float) -> FloatArray:
        """(3,) color factors around 1: brighter or darker, slightly warmer or colder."""
        brightness = self.rng.uniform(1.0 - 1.4 * spread, 1.0 + spread)
        return np.clip(brightness + self.rng.uniform(-0.5 * spread, 0.5 * spread, 3), 0.0, 1.2)

    @staticmethod
    def _outline(
        footprint: tuple[float, float], x: float, y: float, heading: float, scale: float, apart: float
    ) -> FloatArray:
        return box_corners(
            x, y, heading, scale * footprint[0] + 2.0 * apart, scale * footprint[1] + 2.0 * apart
        )

    def build(self) -> Layout:
        """Build the layout."""
        rows = np.array(self._rows, np.float64).reshape(-1, 6)
        lights = np.array(self._lights, np.float64).reshape(-1, 6)
        return Layout(
            rows[:, 0].astype(np.int64),
            rows[:, 1:5].copy(),
            rows[:, 5].copy(),
            np.array(self._tints, np.float64).reshape(-1, 3),
            np.array(self._obstacles, np.float64).reshape(-1, 5),
            lights[:, :4].copy(),
            lights[:, 4].astype(np.int64),
            lights[:, 5] > 0.5,
        )
