"""Drawer: open a drawer that is closed, close one that is open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from camshaft.envs.arrays import BoolArray, FloatArray
from camshaft.envs.manipulation.bodies import Body, Part, Slider
from camshaft.envs.manipulation.simulation import Start, TableConfig
from camshaft.envs.manipulation.staged import StagedSimulation, nearness

WIDTH, DEPTH, HEIGHT = 0.2, 0.18, 0.11  # meters, of the cabinet; it opens toward the front of the table
TRAVEL = 0.14  # meters
HANDLE = (0.145, 0.055)  # meters, of the handle's bar ahead of and above the cabinet's middle on the table
WOOD, DARK = (0.75, 0.6, 0.42), (0.25, 0.25, 0.27)


@dataclass(frozen=True)
class DrawerConfig:
    """What a user may change about the task.

    Attributes:
        table: the table.
        open, closed: meters from which, and up to which, the drawer counts as open and closed.
        spread: meters, sides of the rectangle that the cabinet is drawn from.
        friction: N, that holds the drawer.
    """

    table: TableConfig = TableConfig(home=(0.02, 0.0, 0.3))
    open: float = 0.1
    closed: float = 0.015
    spread: tuple[float, float] = (0.06, 0.2)
    friction: float = 2.0


class Drawer(StagedSimulation):
    """Open a drawer that is closed, close one that is open.

    Description:
        A cabinet with one drawer stands on a table before an arm with a parallel gripper, its front away from the arm.
        Half of the episodes begin with the drawer closed, and it should be opened; half with it open. Control runs at
        20 Hz, the physics at 200 Hz.

    Observation:
        By `obs_mode`: images; "state" (11,) float32: position and velocity of the gripper, its opening, x and y of
        the handle (m), how far the drawer is open (m), and 1 where it should be open, 0 where closed.

    Action:
        As in PickAndPlace.

    Reward:
        "dense": `reward/reach` up to 0.3, the nearer the gripper is to the handle; `reward/pull` up to 0.5, the nearer
        the drawer is to where it should be; `reward/success` 1. "sparse": the last alone.

    Success:
        The drawer is open by 10 cm, or closed to 1.5 cm.

    Termination:
        None but the time limit of 80 steps.

    Randomization:
        As in Reach, and the drawer's color.

    Source:
        Meta-World's drawer-open and drawer-close (Yu et al. 2020).
    """

    stage_weights: ClassVar[Mapping[str, float]] = {"reach": 0.3, "pull": 0.5}

    def __init__(self, num_worlds: int = 1, *, config: DrawerConfig = DrawerConfig(), **options: Any) -> None:
        self.config = config
        self._opens = np.zeros(num_worlds, bool)
        super().__init__(num_worlds, (_cabinet(config.friction),), config.table, **options)

    def _place(self, start: Start, rng: np.random.Generator) -> None:
        along, across = self.config.spread
        start.put(0, (-0.14 + rng.uniform(-0.5, 0.5) * along, rng.uniform(-0.5, 0.5) * across, 0.0))
        start.sliders[0] = 0.0 if rng.random() < 0.5 else rng.uniform(0.11, TRAVEL - 0.005)

    def _begin(self, world: int, seed: int, goal: FloatArray | None = None) -> None:
        super()._begin(world, seed, goal)
        self._opens[world] = self.sliders[world, 0] < 0.05

    def _handle(self) -> FloatArray:
        """(N, 3) meters, the middle of the bar."""
        return self.places(0) + np.column_stack(
            [HANDLE[0] + self.sliders[:, 0], np.zeros(self.num_worlds), np.full(self.num_worlds, HANDLE[1])]
        )

    def stages(self) -> dict[str, FloatArray]:
        """(N,) reach and pull."""
        away = np.linalg.norm(self.hands - self._handle(), axis=1)
        travel = self.sliders[:, 0]
        return {
            "reach": nearness(away, 0.2),
            "pull": np.where(self._opens, travel / self.config.open, 1.0 - travel / TRAVEL),
        }

    def succeeded(self) -> BoolArray:
        """(N,) whether the drawer is where it should be."""
        travel = self.sliders[:, 0]
        return np.where(self._opens, travel > self.config.open, travel < self.config.closed)

    def _state_names(self) -> tuple[str, ...]:
        return (*self.arm_names(), "handle_x", "handle_y", "travel", "opens")

    def _state(self) -> FloatArray:
        return np.column_stack([self.arm_state(), self._handle()[:, :2], self.sliders, self._opens])

    def _expert(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """To open, a finger goes behind the bar and pulls; to close, closed fingers push against the front."""
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
