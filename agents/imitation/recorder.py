"""Recording of demonstrations: every row with the label of the expert, and with a displaced view beside it.

A displaced view is seen from a pose beside the true one and labeled with the action that leads back: the off-center
cameras of PilotNet (Bojarski et al., "End to End Learning for Self-Driving Cars", 2016).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from camshaft.agents.episodes import EpisodeBuilder, action_feature, column_feature
from camshaft.agents.lerobot.format import Feature
from camshaft.agents.lerobot.observations import (
    DISPLACED,
    FRONT,
    observation_features,
    observation_parts,
    observation_rows,
)
from camshaft.agents.lerobot.png import encode_png
from camshaft.agents.lerobot.schema import ACTION, DONE, EXPERT_ACTION, REWARD, SUCCESS, TRUNCATED
from camshaft.agents.rollout import IDLE, Decision, RolloutStep
from camshaft.envs.arrays import BoolArray, IntArray
from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering.camera_set import UNNAMED
from camshaft.envs.simulation import Simulation

DISPLACED_ACTION = "displaced.action"


@dataclass(frozen=True)
class DisplacedViews:
    """Views from beside the true pose.

    Attributes:
        seed: of where they stand.
        max_lateral: meters to either side.
        max_heading: radians to either side.
    """

    seed: int
    max_lateral: float
    max_heading: float


class DemonstrationRecorder:
    """Observer of a rollout that records every episode; they are written in order, each once it is whole.

    Args:
        simulation: that is rolled out.
        stride: control steps per row.
        displaced: record such views too; None for none.
        write: called with the columns of each whole episode, in order.
        first_episode: number of the first one.
    """

    needs_expert = True

    def __init__(
        self,
        simulation: Simulation,
        stride: int,
        displaced: DisplacedViews | None,
        write: Callable[[dict[str, Any]], None],
        first_episode: int,
    ) -> None:
        self._simulation, self._stride, self._write = simulation, stride, write
        self._displaced = displaced
        self._builders: dict[int, EpisodeBuilder] = {}
        self._views: dict[int, np.random.Generator] = {}
        self._whole: dict[int, dict[str, Any]] = {}
        self._next = first_episode

    def wants(self, episodes: IntArray, elapsed: IntArray) -> BoolArray:
        """Worlds whose row is due."""
        due: BoolArray = (episodes != IDLE) & (elapsed % self._stride == 0)
        return due

    def before(self, decision: Decision) -> None:
        """Record the observation, the action and its label where a row is due."""
        due = np.flatnonzero(self.wants(decision.episodes, decision.elapsed))
        if not due.size:
            return
        assert decision.observation is not None
        assert decision.expert_action is not None
        parts = observation_parts(self._simulation, decision.observation)
        columns = observation_rows({part: values[due] for part, values in parts.items()})
        columns |= {ACTION: decision.action[due], EXPERT_ACTION: decision.expert_action[due]}
        if self._displaced is not None:
            columns |= self._displaced_rows(due, decision.episodes)
        for row, world in enumerate(due):
            builder = self._builders.setdefault(int(decision.episodes[world]), EpisodeBuilder())
            builder.begin_row({name: values[row] for name, values in columns.items()})

    def after(self, step: RolloutStep) -> None:
        """Record what the step brought, and write the episodes that are whole."""
        episodes = step.decision.episodes
        for world in np.flatnonzero(step.decision.active):
            self._builders[int(episodes[world])].end_step(step, int(world))
        for episode in episodes[step.done].tolist():
            self._whole[episode] = self._builders.pop(episode).columns()
            self._views.pop(episode, None)
        while self._next in self._whole:
            self._write(self._whole.pop(self._next))
            self._next += 1

    def _displaced_rows(self, due: IntArray, episodes: IntArray) -> dict[str, Any]:
        assert self._displaced is not None
        lateral, heading = np.zeros((2, self._simulation.num_worlds))
        for world in due:
            episode = int(episodes[world])
            if episode not in self._views:
                _, stream = np.random.SeedSequence((self._displaced.seed, episode)).spawn(2)
                self._views[episode] = np.random.default_rng(stream)
            draws = self._views[episode].uniform(-1.0, 1.0, 2)
            lateral[world] = draws[0] * self._displaced.max_lateral
            heading[world] = draws[1] * self._displaced.max_heading
        observation, actions = self._simulation.displaced_views(lateral, heading)
        rgb = observation["rgb"] if isinstance(observation, dict) else observation
        return {
            DISPLACED: encode_png(rgb[due]),
            "displaced.lateral": lateral[due],
            "displaced.heading": heading[due],
            DISPLACED_ACTION: actions[due],
        }


def recorded_features(
    simulation: Simulation, displaced_views: bool, columns: dict[str, Any]
) -> dict[str, Feature]:
    """The features of an episode's columns."""
    action = action_feature(simulation)
    known = {
        **observation_features(simulation),
        ACTION: action,
        EXPERT_ACTION: action,
        REWARD: Feature("float32"),
        DONE: Feature("bool"),
        TRUNCATED: Feature("bool"),
        SUCCESS: Feature("bool"),
    }
    if displaced_views:
        known |= {
            DISPLACED: known[FRONT],
            "displaced.lateral": Feature("float32"),
            "displaced.heading": Feature("float32"),
            DISPLACED_ACTION: action,
        }
    others = {name: column_feature(values) for name, values in columns.items() if name not in known}
    return {**known, **others}


def check_displaced(simulation: Simulation) -> None:
    """Raise InvalidOption unless a simulation has one camera, whose displaced views can be recorded."""
    if "rgb" not in simulation.obs_parts or list(simulation.cameras) != [UNNAMED]:
        cameras = ", ".join(name or "the unnamed one" for name in simulation.cameras)
        raise InvalidOption(
            f"displaced views are color frames of a task's one camera; obs_mode {simulation.obs_mode!r} with cameras "
            f"{cameras}: leave them out"
        )
