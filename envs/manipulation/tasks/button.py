"""Button: press a button on the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from camshaft.envs.arrays import BoolArray, FloatArray
from camshaft.envs.manipulation.bodies import Body, Part, Slider
from camshaft.envs.manipulation.simulation import Start, TableConfig
from camshaft.envs.manipulation.staged import StagedSimulation, nearness

TOP = 0.045  # meters, of the released button
TRAVEL = 0.015  # meters


@dataclass(frozen=True)
class ButtonConfig:
    """What a user may change about the task.

    Attributes:
        table: the table; the fingers stay closed.
        depth: meters that the button has to be pressed.
        spring: N/m.
        spread: meters, side of the square that the button is drawn from.
    """

    table: TableConfig = TableConfig(fingers=False)
    depth: float = 0.01
    spring: float = 400.0
    spread: float = 0.3


class Button(StagedSimulation):
    """Press a button on the table.

    Description:
        A red button in a gray box stands on a table before an arm with closed fingers. A spring holds it up. Control
        runs at 20 Hz, the physics at 200 Hz.

    Observation:
        By `obs_mode`: images; "state" (10,) float32: position and velocity of the gripper, position of the button's
        box (m), and how far it is pressed (m).

    Action:
        As in Reach.

    Reward:
        "dense": `reward/reach` up to 0.3, the nearer the fingers are to the button's top; `reward/press` up to 0.5;
        `reward/success` 1. "sparse": the last alone.

    Success:
        The button is pressed by 1 cm of its 1.5.

    Termination:
        None but the time limit of 60 steps.

    Randomization:
        As in Reach, and the button's color.

    Source:
        Meta-World's button-press-topdown (Yu et al. 2020).
    """

    stage_weights: ClassVar[Mapping[str, float]] = {"reach": 0.3, "press": 0.5}

    def __init__(self, num_worlds: int = 1, *, config: ButtonConfig = ButtonConfig(), **options: Any) -> None:
        self.config = config
        gray = (0.35, 0.36, 0.38)
        box = (
            Part("box", (0.09, 0.02, 0.03), (0.0, 0.035, 0.015), color=gray, tinted=False),
            Part("box", (0.09, 0.02, 0.03), (0.0, -0.035, 0.015), color=gray, tinted=False),
            Part("box", (0.02, 0.05, 0.03), (0.035, 0.0, 0.015), color=gray, tinted=False),
            Part("box", (0.02, 0.05, 0.03), (-0.035, 0.0, 0.015), color=gray, tinted=False),
        )
        cap = Slider(
            (Part("cylinder", (0.022, 0.025)),),
            "prismatic",
            (0.0, 0.0, TOP - 0.0125),
            (0.0, 0.0, -1.0),
            0.0,
            TRAVEL,
            mass=0.05,
            friction=0.5,
            spring=config.spring,
        )
        super().__init__(
            num_worlds,
            (Body("button", (box,), color=(0.85, 0.15, 0.1), slider=cap),),
            config.table,
            **options,
        )

    def _place(self, start: Start, rng: np.random.Generator) -> None:
        half = 0.5 * self.config.spread
        start.put(0, (*rng.uniform(-half, half, 2), 0.0))

    def _top(self) -> FloatArray:
        top = self.places(0).copy()
        top[:, 2] = TOP - self.sliders[:, 0]
        return top

    def stages(self) -> dict[str, FloatArray]:
        """(N,) reach and press."""
        away = np.linalg.norm(self.hands - self._top(), axis=1)
        return {"reach": nearness(away, 0.2), "press": self.sliders[:, 0] / self.config.depth}

    def succeeded(self) -> BoolArray:
        """(N,) whether the button is down."""
        return np.asarray(self.sliders[:, 0] > self.config.depth)

    def _state_names(self) -> tuple[str, ...]:
        return (*self.arm_names(), "top_x", "top_y", "top_z", "pressed")

    def _state(self) -> FloatArray:
        return np.concatenate([self.arm_state(), self._top(), self.sliders], axis=1)

    def _expert(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        targets = self._top()
        over = np.linalg.norm((self.hands - targets)[:, :2], axis=1) < 0.01
        targets[:, 2] = np.where(over, TOP - 0.02, TOP + 0.06)
        return targets, self._yaw, -np.ones(self.num_worlds)
