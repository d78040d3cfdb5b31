"""Parking lots together with their mesh, layout and obstacles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.maps.driving_map import CACHE_SIZE
from camshaft.envs.driving.road_network.parking_lot import LotConfig, ParkingLot, generate_lot
from camshaft.envs.driving.streets.layout import Layout
from camshaft.envs.driving.streets.lot_layout import lay_out_lot
from camshaft.envs.driving.streets.lot_mesh import build_lot_mesh
from camshaft.envs.driving.streets.strips import ChunkedMesh


@dataclass(frozen=True, eq=False)
class ParkingMap:
    """One parking lot; what is derived from it is computed on first use.

    Attributes:
        lot: bays, aisle and parked cars.
    """

    lot: ParkingLot

    @cached_property
    def mesh(self) -> ChunkedMesh:
        """Paving, lines, curbs and ground, in surfaces that the appearance replaces."""
        return build_lot_mesh(self.lot)

    @cached_property
    def layout(self) -> Layout:
        """Cars, lamps, hedges, trees and buildings."""
        return lay_out_lot(self.lot)

    @cached_property
    def obstacles(self) -> FloatArray:
        """(K, 5) x, y, heading, length, width of everything that a car in the lot can collide with."""
        standing = self.layout.obstacles
        along, across = self.lot.half_size
        near = (np.abs(standing[:, 0]) < along + 1.0) & (np.abs(standing[:, 1]) < across + 1.0)
        return np.concatenate([standing[near], self.lot.walls])


@lru_cache(CACHE_SIZE)
def parking_map(seed: int, config: LotConfig = LotConfig()) -> ParkingMap:
    """The parking lot of a seed."""
    return ParkingMap(generate_lot(seed, config))
