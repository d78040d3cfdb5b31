"""A simulation without physics: a car that moves sideways by its actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import IntArray
from camshaft.envs.metrics import Metric
from camshaft.envs.simulation import Measurements, Simulation

DRIFT = 1 / 128  # meters a step at full steering: exact in binary
STEPS_TO_INTERVENTION = 129  # the first step at which 1 m is exceeded


class SidewaysCar(Simulation):
    """A car whose lateral error grows by DRIFT * action * gain each step; a road's seed draws its gain."""

    state_names = ("place",)
    control_modes = ("steering",)
    control_frequency = 10.0
    metrics = (
        Metric("lateral_error", "lateral_error", "mean_abs", "m"),
        Metric("lateral_error_p95", "lateral_error", "p95_abs", "m"),
        Metric("distance", "distance", "last", "m"),
        Metric("lateral_acceleration", "lateral_acceleration", "max_abs", "m/s²"),
    )
    road_length = np.inf

    def __init__(self, num_worlds: int = 1, *, max_episode_steps: int = 600, **options: Any) -> None:
        super().__init__(num_worlds, max_episode_steps=max_episode_steps, **options)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,))
        self.observation_space = gymnasium.spaces.Box(0, 255, (4, 6, 3), np.uint8)
        self.error = np.zeros(num_worlds)
        self.gain = np.ones(num_worlds)
        self.distance = np.zeros(num_worlds)
        self.observed = 0

    def _reset(self, worlds: IntArray, options: Mapping[str, Any]) -> None:
        self.error[worlds] = self.distance[worlds] = 0.0
        self.gain[worlds] = [self.generators[world].choice([0.5, 1.0]) for world in worlds]

    def _step(self, actions: NDArray[np.float32]) -> Measurements:
        self.error += DRIFT * self.gain * actions[:, 0]
        self.distance += 2.0
        arrived = self.distance >= self.road_length
        info = {
            "lateral_error": self.error.copy(),
            "distance": self.distance.copy(),
            "steering": 0.1 * actions[:, 0],
            "lateral_acceleration": np.full(self.num_worlds, 3.0),
        }
        return Measurements(np.zeros(self.num_worlds), arrived, arrived, info)

    def observe(self, worlds: IntArray | None = None) -> NDArray[np.uint8]:
        rows = self.num_worlds if worlds is None else len(worlds)
        self.observed += rows
        return np.full((rows, 4, 6, 3), 7, np.uint8)

    def expert_action(self) -> NDArray[np.float32]:
        return np.clip(-self.error, -1.0, 1.0).astype(np.float32)[:, None]

    def recover(self, worlds: Any) -> None:
        self.error[worlds] = 0.0

    def render_frames(self, worlds: Any) -> NDArray[np.uint8]:
        return np.zeros((len(worlds), 8, 12, 3), np.uint8)

    def reset_info(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        return {}

    def get_state(self) -> dict[str, Any]:
        return {}

    def set_state(self, state: Mapping[str, Any]) -> None:
        pass
