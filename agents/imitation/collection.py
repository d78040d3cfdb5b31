"""The loop that records an expert's episodes, many worlds side by side, each frame with a displaced companion.

The expert drives with smooth noise on its actions, so that it has to recover and shows how; the label is what it
would do without the noise (DART: Laskey et al., 2017, "DART: Noise Injection for Robust Imitation Learning"). Each
recorded frame has a companion seen from a displaced pose, labeled with the action that leads back: the off-center
cameras of PilotNet (Bojarski et al., 2016).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from camshaft.agents.lerobot.observation_columns import (
    DISPLACED,
    FRONT,
    frame_columns,
    observation_features,
    observation_rows,
)
from camshaft.agents.lerobot.reader import DatasetWriter, Feature, encode_png
from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering.camera_set import UNNAMED
from camshaft.envs.simulation import Measurements, Simulation

ACTION = "action"
DISPLACED_ACTION = "displaced.action"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class CollectionConfig:
    """How the expert is disturbed and what is recorded.

    Attributes:
        record_hz: frames recorded a second; fewer than control steps, since neighboring frames are near copies.
        noise_std: standard deviation of the noise on each action, in the action's unit (its range is -1 to 1).
        noise_seconds: time in which the noise forgets its past (Ornstein-Uhlenbeck process).
        max_lateral: meters; a displaced view stands up to this far to either side.
        max_heading_degrees: a displaced view is turned by up to this much to either side.
    """

    record_hz: float = 10.0
    noise_std: float = 0.03
    noise_seconds: float = 1.0
    max_lateral: float = 1.2
    max_heading_degrees: float = 6.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            positive = field.name in ("record_hz", "noise_seconds")
            if not math.isfinite(value) or value < 0 or (positive and value == 0):
                raise InvalidOption(f"{field.name} must be a number of at least 0, got {value!r}")


@dataclass(frozen=True)
class Recorded:
    """What makes episodes: the seed, which with an episode's number decides it, and what is taken down of them."""

    seed: int
    stride: int  # control steps a recorded frame
    displaced_views: bool
    config: CollectionConfig


class _Episode:
    """One episode while it is recorded, with random numbers of its own."""

    def __init__(self, index: int, recorded: Recorded, action_size: int, control_frequency: float) -> None:
        self.index = index
        self.steps = 0
        self.columns: dict[str, list[Any]] = {}
        self._config = recorded.config
        noise, views = np.random.SeedSequence((recorded.seed, index)).spawn(2)
        self._noise_rng, self._view_rng = np.random.default_rng(noise), np.random.default_rng(views)
        self._kept = math.exp(-1.0 / (control_frequency * self._config.noise_seconds))
        self._noise = self._config.noise_std * self._noise_rng.standard_normal(action_size)

    def next_noise(self) -> NDArray[np.float64]:
        """The noise now, (A,): an Ornstein-Uhlenbeck process, its discretization exact."""
        noise = self._noise
        fresh = self._config.noise_std * self._noise_rng.standard_normal(noise.shape)
        self._noise = self._kept * noise + math.sqrt(1.0 - self._kept**2) * fresh
        return noise

    def next_displacement(self) -> tuple[float, float]:
        """Meters to the left and radians to the left of the next displaced view."""
        lateral, heading = self._view_rng.uniform(-1.0, 1.0, 2)
        return lateral * self._config.max_lateral, heading * math.radians(self._config.max_heading_degrees)

    def put(self, **values: Any) -> None:
        """Append one row to the named columns."""
        for name, value in values.items():
            self.columns.setdefault(name, []).append(value)


class Collector:
    """Drives all worlds, a new episode in each as soon as the one before is over, and writes them in order."""

    def __init__(self, simulation: Simulation, writer: DatasetWriter, recorded: Recorded) -> None:
        self._simulation = simulation
        self._writer = writer
        self._recorded = recorded
        self._active: dict[int, _Episode] = {}
        self._finished: dict[int, _Episode] = {}

    def run(self, episodes: int, progress: Progress | None) -> None:
        """Record episodes until the dataset has as many as asked for."""
        waiting = list(range(self._writer.num_episodes, episodes))[::-1]
        while waiting or self._active:
            self._start(waiting)
            expert = self._simulation.expert_action()
            self._record(expert)
            executed = expert.astype(np.float64)
            for world, episode in self._active.items():
                executed[world] += episode.next_noise()
            self._take_in(self._simulation.step(np.clip(executed, -1.0, 1.0)))
            self._write(episodes, progress)

    def _start(self, waiting: list[int]) -> None:
        simulation = self._simulation
        idle = [world for world in range(simulation.num_worlds) if world not in self._active]
        started = [world for world, _ in zip(idle, waiting[::-1], strict=False)]
        for world in started:
            size, frequency = _action_size(simulation), simulation.control_frequency
            self._active[world] = _Episode(waiting.pop(), self._recorded, size, frequency)
        if started:
            seeds = [self._recorded.seed + self._active[world].index for world in started]
            simulation.reset(started, seeds)

    def _record(self, expert: NDArray[np.float32]) -> None:
        """Take down the frame of every episode whose turn it is."""
        due = [world for world, each in self._active.items() if each.steps % self._recorded.stride == 0]
        if not due:
            return
        columns = observation_rows(self._simulation, self._simulation.observe(np.array(due)))
        for row, world in enumerate(due):
            seen = {name: values[row] for name, values in columns.items()}
            self._active[world].put(**seen, **{ACTION: expert[world]})
        if self._recorded.displaced_views:
            self._record_displaced(due)

    def _record_displaced(self, due: list[int]) -> None:
        lateral, heading = np.zeros((2, self._simulation.num_worlds))
        for world in due:
            lateral[world], heading[world] = self._active[world].next_displacement()
        observation, actions = self._simulation.displaced_views(lateral, heading)
        rgb = observation["rgb"] if isinstance(observation, dict) else observation
        encoded = encode_png(rgb[due])
        for row, world in enumerate(due):
            values = {DISPLACED: encoded[row], DISPLACED_ACTION: actions[world]}
            displacement = {"displaced.lateral": lateral[world], "displaced.heading": heading[world]}
            self._active[world].put(**values, **displacement)

    def _take_in(self, measurements: Measurements) -> None:
        """Add what the step brought to each episode's last row; end the episodes that are over."""
        over = measurements.terminated | self._simulation.truncated
        for world, episode in list(self._active.items()):
            if episode.steps % self._recorded.stride == 0:
                episode.put(**{"next.reward": 0.0, "next.done": False, "next.success": False})
            episode.columns["next.reward"][-1] += float(measurements.reward[world])
            episode.columns["next.done"][-1] = bool(over[world])
            episode.columns["next.success"][-1] = bool(measurements.success[world])
            episode.steps += 1
            if over[world]:
                self._finished[episode.index] = self._active.pop(world)

    def _write(self, episodes: int, progress: Progress | None) -> None:
        while (index := self._writer.num_episodes) in self._finished:
            columns = self._finished.pop(index).columns
            self._writer.add_episode({name: _column(values) for name, values in columns.items()})
            if progress is not None:
                progress(index + 1, episodes)


def recorded_features(simulation: Simulation, displaced_views: bool) -> dict[str, Feature]:
    """The columns that episodes of this simulation have."""
    features = observation_features(simulation)
    if not frame_columns(features):
        raise InvalidOption(
            f"demonstrations need camera frames: obs_mode must have 'rgb', got {simulation.obs_mode!r}"
        )
    if displaced_views and list(simulation.cameras) != [UNNAMED]:
        raise InvalidOption(
            f"displaced views are of a task's one camera, not of {', '.join(simulation.cameras)}: leave them out"
        )
    action = Feature("float32", (_action_size(simulation),))
    features |= {
        ACTION: action,
        "next.reward": Feature("float32"),
        "next.done": Feature("bool"),
        "next.success": Feature("bool"),
    }
    if displaced_views:
        features |= {
            DISPLACED: features[FRONT],
            "displaced.lateral": Feature("float32"),
            "displaced.heading": Feature("float32"),
            DISPLACED_ACTION: action,
        }
    return features


def _column(values: list[Any]) -> Any:
    return values if isinstance(values[0], bytes) else np.array(values)


def _action_size(simulation: Simulation) -> int:
    """Numbers in an action.

    Raises:
        InvalidOption: actions are choices, not numbers.
    """
    if not isinstance(simulation.action_space, spaces.Box):
        raise InvalidOption(
            f"demonstrations need continuous actions; control_mode {simulation.control_mode!r} has choices"
        )
    return int(simulation.action_space.shape[0])
