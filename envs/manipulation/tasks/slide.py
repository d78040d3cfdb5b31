"""Slide: push a puck so that it slides to a goal out of reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.manipulation.arms.control import FEED_FORWARD
from camshaft.envs.manipulation.arms.hand import PAD
from camshaft.envs.manipulation.bodies import Body, Part
from camshaft.envs.manipulation.episode import EpisodeStart, TableConfig
from camshaft.envs.manipulation.goals import ObjectGoalSimulation
from camshaft.envs.manipulation.physics.world import GRAVITY, POSITION_GAIN, TABLE_FRICTION, TIME_STEP
from camshaft.envs.manipulation.scene.cameras import TASK_CAMERAS, fixed
from camshaft.envs.manipulation.scene.goal_markers import disc
from camshaft.envs.rendering import Camera

# meters from the grasp point to a corner of the closed fingers
FINGER_CORNER = np.array([0.5 * PAD[0], PAD[1]])
# 1/s: a step of s meters starts at the speed PEAK_SPEED · s
PEAK_SPEED = FEED_FORWARD * 20.0 + POSITION_GAIN / TIME_STEP
GAP = 0.008  # meters between fingers and puck before the nudge
READY = 0.004  # meters
HEIGHT, TRAVEL_HEIGHT = 0.018, 0.09  # meters
NUDGE = 1.05  # step of the nudge, over that of an arm that reaches its speed at once
SPARE_SPEED = 1.12  # speed of the puck, over the one that just reaches the goal


@dataclass(frozen=True)
class SlideConfig:
    """Options of the task.

    Attributes:
        table: the table, longer than usual; the fingers stay closed.
        tolerance: meters, distance from the puck's middle to the goal below which the task is achieved.
        radius, height, mass, friction: meters, meters, kg, Coulomb coefficient of the puck.
        spread: meters, side of the squares in which the puck and the goal are sampled.
        goal_distance: meters, x of the middle of the goal's square.
    """

    table: TableConfig = TableConfig(length=1.6, middle=0.0, fingers=False)
    tolerance: float = 0.05
    radius: float = 0.03
    height: float = 0.03
    mass: float = 1.0
    friction: float = 0.04
    spread: float = 0.3
    goal_distance: float = 0.4


class Slide(ObjectGoalSimulation):
    """Push a puck so that it slides to a goal out of reach.

    Description:
        A puck lies on a smooth table in front of an arm with closed fingers; a red disc marks the goal, which is mostly
        out of the arm's reach. Control runs at 20 Hz, the physics at 200 Hz.

    Observation:
        As in Push, for the puck.

    Action:
        As in Reach.

    Reward:
        "sparse": 0 on success, −1 otherwise. "dense": negative distance from the puck to the goal in meters.

    Success:
        The puck's middle is within 5 cm of the goal.

    Termination:
        On success. The time limit of 50 steps truncates.

    Randomization:
        As in Push.

    Source:
        panda-gym's PandaSlide (Gallouédec et al. 2021), with the same sizes, goals and rewards.
    """

    task_cameras: ClassVar[Mapping[str, Camera]] = {
        **TASK_CAMERAS,
        "front": fixed(0.86, 0.74, 46.5, 41.0),
        "overhead": fixed(0.66, 0.98, 63.0, 41.0),
    }

    def __init__(self, num_worlds: int = 1, *, config: SlideConfig = SlideConfig(), **options: Any) -> None:
        self.config = config
        self.tolerance = config.tolerance
        puck = Body(
            "puck",
            ((Part("cylinder", (config.radius, config.height)),),),
            config.mass,
            config.friction,
            color=(0.2, 0.35, 0.75),
        )
        super().__init__(
            num_worlds, (puck, disc(config.tolerance, 0.5 * config.height)), config.table, **options
        )

    def _sample_start(self, start: EpisodeStart, rng: np.random.Generator) -> None:
        config = self.config
        half, middle = 0.5 * config.spread, 0.5 * config.height
        x, y = rng.uniform(-half, half, 2)
        start.goal[:] = (config.goal_distance + x, y, middle)
        start.place(0, (*rng.uniform(-half, half, 2), middle * start.scales[0]))
        self._place_goal_marker(start)

    def _expert_targets(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Push the puck with a corner of the fingers, opposite to the goal, just fast enough to arrive."""
        pucks, hands = self.positions(0), self.hands
        way = self.goals[:, :2] - pucks[:, :2]
        left = np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
        direction = way / left
        corner = FINGER_CORNER * np.sign(np.where(direction == 0.0, 1.0, direction))
        radius = self.config.radius * self.scales[:, :1]
        braking = GRAVITY * TABLE_FRICTION * self._frictions[:, :1]
        needed = SPARE_SPEED * np.sqrt(2.0 * braking * left)
        speed = (self.velocities[:, 0, :2] * direction).sum(axis=1, keepdims=True)
        start = pucks[:, :2] - (radius + GAP) * direction - corner
        aside = np.linalg.norm(hands[:, :2] - start, axis=1)
        ready = (aside < READY) & (hands[:, 2] < 2.0 * HEIGHT)
        targets = np.column_stack([start, np.full(len(start), TRAVEL_HEIGHT)])
        targets[aside < READY, 2] = HEIGHT
        down = ready & (np.abs(hands[:, 2] - HEIGHT) < 0.01)
        nudge = start + direction * (GAP + NUDGE * needed / PEAK_SPEED)
        targets[down, :2] = nudge[down]
        away = ~ready & (aside > 2.0 * READY) & (hands[:, 2] < 0.8 * TRAVEL_HEIGHT)
        targets[away, :2] = hands[away, :2]
        rolling = (speed > 0.05)[:, 0]
        targets[rolling] = hands[rolling]
        return targets, self._yaw, -np.ones(self.num_worlds)
