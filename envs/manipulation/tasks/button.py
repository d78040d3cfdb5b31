"""Button: press a button on the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from camshaft.envs.arrays import BoolArray, FloatArray
from camshaft.envs.manipulation.bodies import Body, Part, Slider
from camshaft.envs.manipulation.episode import EpisodeStart, TableConfig
from camshaft.envs.manipulation.staged import StagedSimulation, nearness

TOP = 0.045  # meters, height of the released button
TRAVEL = 0.015  # meters


@dataclass(frozen=True)
class ButtonConfig:
    """Options of the task.

    Attributes:
        table: the table; the fingers stay closed.
        depth: meters by which the button must be pressed.
        spring: N/m, stiffness of the button's spring.
        spread: meters, side of the square in which the button starts.
    """

    table: TableConfig = TableConfig(fingers=False)
    depth: float = 0.01
    spring: float = 400.0
    spread: float = 0.3


class Button(StagedSimulation):
    """Press a button on the table.

    Description:
        A red button in a gray box stands on a table in front of an arm with closed fingers. A spring holds the button
        up. Control runs at 20 Hz, the physics at 200 Hz.

    Observation:
        By `obs_mode`: camera images; "state" (10,) float32: position (m) and velocity (m/s) of the gripper, position
        of the button's top (m), travel of the button (m).

    Action:
        As in Reach.

    Reward:
        "dense": `reward/reach`, up to 0.3, closeness of the gripper to the button's top; `reward/press`, up to 0.5,
        travel of the button; `reward/success`, 1. "sparse": `reward/success` alone.

    Success:
        The button is pressed by more than 1 cm of its 1.5 cm travel.

    Termination:
        None. The time limit of 60 steps truncates.

    Randomization:
        As in Reach, and the color of the button.

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

    def _sample_start(self, start: EpisodeStart, rng: np.random.Generator) -> None:
        half = 0.5 * self.config.spread
        start.place(0, (*rng.uniform(-half, half, 2), 0.0))

    def _top(self) -> FloatArray:
        """(N, 3) meters, middle of the button's top."""
        top = self.positions(0).copy()
        top[:, 2] = TOP - self.sliders[:, 0]
        return top

    def stages(self) -> dict[str, FloatArray]:
        """(N,) progress of reach and press."""
        distance = np.linalg.norm(self.hands - self._top(), axis=1)
        return {"reach": nearness(distance, 0.2), "press": self.sliders[:, 0] / self.config.depth}

    def succeeded(self) -> BoolArray:
        """(N,) whether the button is pressed."""
        return np.asarray(self.sliders[:, 0] > self.config.depth)

    def _task_state_names(self) -> tuple[str, ...]:
        return ("top_x", "top_y", "top_z", "pressed")

    def _task_state(self) -> FloatArray:
        return np.concatenate([self._top(), self.sliders], axis=1)

    def _expert_targets(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        targets = self._top()
        over = np.linalg.norm((self.hands - targets)[:, :2], axis=1) < 0.01
        targets[:, 2] = np.where(over, TOP - 0.02, TOP + 0.06)
        return targets, self._yaw, -np.ones(self.num_worlds)
