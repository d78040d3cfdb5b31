"""Base class of the driving scenes: the driven car and its headlights."""

from __future__ import annotations

from camshaft.envs.arrays import FloatArray, IntArray
from camshaft.envs.driving.light import Conditions, point_headlights
from camshaft.envs.rendering import HIDDEN, Objects, SceneState


class DrivingScene:
    """The scene of N worlds, with the driven car and its headlights in each.

    Args:
        conditions: time of day and weather; in the dark, the car drives with headlights, past lit windows.

    Attributes:
        state: poses and appearance of everything; subclasses create it together with the object "car".
    """

    state: SceneState
    _car: Objects

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions

    def move_headlights(self, worlds: IntArray, poses: FloatArray) -> None:
        """Move the headlights to cars at (n, 4, 4) world from car; no effect by day."""
        if self._conditions.dark:
            point_headlights(self.state, worlds, poses)

    def show_car(self, worlds: IntArray, poses: FloatArray) -> None:
        """Show the cars in images from outside; poses (n, 1, 4, 4) world from car, origin on the ground."""
        self.state.set_pose(self._car, poses, worlds)

    def hide_car(self, worlds: IntArray) -> None:
        """Hide the cars: a camera inside does not see its own car."""
        self.state.meshes[worlds, self._car.slots] = HIDDEN
