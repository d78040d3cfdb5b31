"""Drawer: open a closed drawer, or close an open one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from camshaft.envs.arrays import BoolArray, FloatArray
from camshaft.envs.manipulation.bodies import Body, Part, Slider
from camshaft.envs.manipulation.episode import EpisodeStart, TableConfig
from camshaft.envs.manipulation.staged import StagedSimulation, nearness

WIDTH, DEPTH, HEIGHT = 0.2, 0.18, 0.11  # meters, cabinet; it opens toward the front of the table
TRAVEL = 0.14  # meters
HANDLE = (0.145, 0.055)  # meters, x and z of the handle's bar when closed, in the cabinet's frame
WOOD, DARK = (0.75, 0.6, 0.42), (0.25, 0.25, 0.27)


@dataclass(frozen=True)
class DrawerConfig:
    """Options of the task.

    Attributes:
        table: the table.
        open: meters of travel beyond which the drawer counts as open.
        closed: meters of travel below which the drawer counts as closed.
        spread: meters, sides along x and y of the rectangle in which the cabinet starts.
        friction: N, friction of the drawer.
    """

    table: TableConfig = TableConfig(home=(0.02, 0.0, 0.3))
    open: float = 0.1
    closed: float = 0.015
    spread: tuple[float, float] = (0.06, 0.2)
    friction: float = 2.0


class Drawer(StagedSimulation):
    """Open a closed drawer, or close an open one.

    Description:
        A cabinet with one drawer stands on a table in front of an arm with a parallel gripper and faces away from the
        arm. In half of the episodes the drawer starts closed and must be opened; in the other half it starts open and
        must be closed. Control runs at 20 Hz, the physics at 200 Hz.

    Observation:
        By `obs_mode`: camera images; "state" (11,) float32: position (m) and velocity (m/s) of the gripper, its
        opening (m), x and y of the handle (m), travel of the drawer (m), and 1 if it must be opened, 0 if closed.

    Action:
        As in PickAndPlace.

    Reward:
        "dense": `reward/reach`, up to 0.3, closeness of the gripper to the handle; `reward/pull`, up to 0.5, progress
        of the drawer toward open or closed; `reward/success`, 1. "sparse": `reward/success` alone.

    Success:
        The drawer is open by more than 10 cm, or by less than 1.5 cm if it must be closed.

    Termination:
        None. The time limit of 80 steps truncates.

    Randomization:
        As in Reach, and the color of the drawer.

    Source:
        Meta-World's drawer-open and drawer-close (Yu et al. 2020).
    """

    stage_weights: ClassVar[Mapping[str, float]] = {"reach": 0.3, "pull": 0.5}

    def __init__(self, num_worlds: int = 1, *, config: DrawerConfig = DrawerConfig(), **options: Any) -> None:
        self.config = config
        self._opens = np.zeros(num_worlds, bool)
        super().__init__(num_worlds, (_cabinet(config.friction),), config.table, **options)

    def _sample_start(self, start: EpisodeStart, rng: np.random.Generator) -> None:
        along, across = self.config.spread
        start.place(0, (-0.14 + rng.uniform(-0.5, 0.5) * along, rng.uniform(-0.5, 0.5) * across, 0.0))
        start.sliders[0] = 0.0 if rng.random() < 0.5 else rng.uniform(0.11, TRAVEL - 0.005)

    def _begin(self, world: int, seed: int, goal: FloatArray | None = None) -> None:
        super()._begin(world, seed, goal)
        self._opens[world] = self.sliders[world, 0] < 0.05

    def _handle(self) -> FloatArray:
        """(N, 3) meters, middle of the handle's bar."""
        return self.positions(0) + np.column_stack(
            [HANDLE[0] + self.sliders[:, 0], np.zeros(self.num_worlds), np.full(self.num_worlds, HANDLE[1])]
        )

    def stages(self) -> dict[str, FloatArray]:
        """(N,) progress of reach and pull."""
        distance = np.linalg.norm(self.hands - self._handle(), axis=1)
        travel = self.sliders[:, 0]
        return {
            "reach": nearness(distance, 0.2),
            "pull": np.where(self._opens, travel / self.config.open, 1.0 - travel / TRAVEL),
        }

    def succeeded(self) -> BoolArray:
        """(N,) whether the drawer is open or closed, as it must be."""
        travel = self.sliders[:, 0]
        return np.where(self._opens, travel > self.config.open, travel < self.config.closed)

    def _task_state_names(self) -> tuple[str, ...]:
        return ("handle_x", "handle_y", "travel", "opens")

    def _task_state(self) -> FloatArray:
        return np.column_stack([self._handle()[:, :2], self.sliders, self._opens])

    def _expert_targets(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Pull the bar from behind with closed fingers to open the drawer; push against its front to close it."""
        handle, hands = self._handle(), self.hands
        targets = handle.copy()
        behind = np.where(self._opens, -0.02, 0.03)
        targets[:, 0] += behind
        aside = np.linalg.norm((hands - targets)[:, :2], axis=1)
        low = hands[:, 2] < HANDLE[1] + 0.012
        over = aside < 0.006
        targets[:, 2] = np.where(over, HANDLE[1] - 0.006, HANDLE[1] + 0.09)
        working = low & (np.abs((hands - handle)[:, 1]) < 0.03) & (np.abs((hands - handle)[:, 0]) < 0.05)
        step = np.where(self._opens, 0.035, -0.04)
        targets[working, 0] = (hands[:, 0] + step)[working]
        targets[working, 2] = HANDLE[1] - 0.006
        travel = self.sliders[:, 0]
        done = np.where(self._opens, travel > self.config.open + 0.015, travel < self.config.closed - 0.005)
        targets[done] = hands[done]
        targets[done, 2] = HANDLE[1] + 0.15
        return targets, self._yaw, -np.ones(self.num_worlds)


def _cabinet(friction: float) -> Body:
    wall = 0.012
    sides = [
        Part(
            "box",
            (DEPTH, wall, HEIGHT),
            (0.0, sign * 0.5 * (WIDTH - wall), 0.5 * HEIGHT),
            color=WOOD,
            tinted=False,
        )
        for sign in (-1.0, 1.0)
    ]
    top = Part("box", (DEPTH, WIDTH, wall), (0.0, 0.0, HEIGHT - 0.5 * wall), color=WOOD, tinted=False)
    back = Part(
        "box", (wall, WIDTH, HEIGHT), (-0.5 * (DEPTH - wall), 0.0, 0.5 * HEIGHT), color=WOOD, tinted=False
    )
    inner, front = WIDTH - 2.0 * wall - 0.006, 0.5 * DEPTH + 0.006
    drawer = (
        Part("box", (wall, WIDTH - 0.004, HEIGHT - 0.006), (front, 0.0, 0.5 * HEIGHT)),
        Part("box", (DEPTH - 0.03, inner, 0.006), (0.0, 0.0, 0.012), collides=False),
        Part("box", (DEPTH - 0.03, 0.006, 0.05), (0.0, 0.5 * inner, 0.035), collides=False),
        Part("box", (DEPTH - 0.03, 0.006, 0.05), (0.0, -0.5 * inner, 0.035), collides=False),
        Part("box", (0.01, 0.1, 0.01), (HANDLE[0], 0.0, HANDLE[1]), color=DARK, tinted=False),
        Part("box", (0.042, 0.01, 0.01), (HANDLE[0] - 0.023, 0.045, HANDLE[1]), color=DARK, tinted=False),
        Part("box", (0.042, 0.01, 0.01), (HANDLE[0] - 0.023, -0.045, HANDLE[1]), color=DARK, tinted=False),
    )
    slider = Slider(
        drawer, "prismatic", (0.0, 0.0, 0.0), (1.0, 0.0, 0.0), 0.0, TRAVEL, mass=0.4, friction=friction
    )
    return Body("drawer", ((*sides, top, back),), color=(0.3, 0.5, 0.65), slider=slider)
