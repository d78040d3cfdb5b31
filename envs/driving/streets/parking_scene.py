"""Scene of parking lots with the driven car and its goal bay."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.light import Conditions
from camshaft.envs.driving.road_network.parking_lot import LotConfig
from camshaft.envs.driving.streets.lot_mesh import goal_carpet
from camshaft.envs.driving.streets.street_scene import StreetScene
from camshaft.envs.rendering import Scene


class ParkingScene(StreetScene):
    """Scene of parking lots with the driven car and a carpet in its goal bay.

    Args:
        num_worlds: N.
        lot: dimensions of the bays.
        conditions: time of day and weather.
    """

    def __init__(self, num_worlds: int, lot: LotConfig, conditions: Conditions = Conditions()) -> None:
        super().__init__(num_worlds, "car_park", conditions)
        self._lot = lot
        self._carpets = np.tile(np.eye(4), (num_worlds, 1, 1))

    def _add_own(self, scene: Scene) -> None:
        self._goal = scene.add("goal", [goal_carpet(self._lot.bay_width, self._lot.bay_length)])

    def show(self, cars: FloatArray, goals: FloatArray) -> None:
        """Show the cars (N, 4, 4), and carpets at goals (N, 5)."""
        self.state.set_pose(self._car, cars)
        self._carpets[:, 0, 0], self._carpets[:, 0, 1] = goals[:, 2], -goals[:, 3]
        self._carpets[:, 1, 0], self._carpets[:, 1, 1] = goals[:, 3], goals[:, 2]
        self._carpets[:, :2, 3] = goals[:, :2]
        self.state.set_pose(self._goal, self._carpets)

    def hide_car(self, worlds: NDArray[np.int64]) -> None:
        """Do nothing: the car stays visible in all images."""
