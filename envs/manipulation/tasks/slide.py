"""Slide: hit a puck so that it comes to rest at a place out of reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.manipulation.arms.descriptions import PAD
from camshaft.envs.manipulation.bodies import Body, Part
from camshaft.envs.manipulation.goals import ObjectGoalSimulation
from camshaft.envs.manipulation.physics.pybullet.world import (
    FEED_FORWARD,
    GRAVITY,
    POSITION_GAIN,
    TABLE_FRICTION,
    TIME_STEP,
)
from camshaft.envs.manipulation.scene.goal_markers import disc
from camshaft.envs.manipulation.simulation import Start, TableConfig

FINGER_CORNER = np.array(
    [0.5 * PAD[0], PAD[1]]
)  # meters from the grasp point to a corner of the closed fingers
PEAK_SPEED = (
    FEED_FORWARD * 20.0 + POSITION_GAIN / TIME_STEP
)  # 1/s: a step of s meters begins at PEAK_SPEED · s
GAP = 0.008  # meters between fingers and puck before the nudge
READY = 0.004  # meters
HEIGHT, TRAVEL_HEIGHT = 0.018, 0.09  # meters
NUDGE = 1.05  # step of the nudge, against that of an arm that needs no time to come to its speed
SPARE_SPEED = 1.12  # of the speed that just arrives


@dataclass(frozen=True)
class SlideConfig:
    """What a user may change about the task.

    Attributes:
        table: the table, longer than usual; the fingers stay closed.
        tolerance: meters between the puck's middle and the goal that count as there.
        radius, height, mass, friction: meters, meters, kg, Coulomb coefficient of the puck.
        spread: meters, side of the squares that the puck and the goal are drawn from.
        goal_distance: meters, x of the middle of the goals' square.
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
    """Hit a puck so that it slides to a place out of reach.

    Description:
        A puck lies on a smooth table before an arm; a red disc marks where it should go, mostly farther than the arm
        can reach. Control runs at 20 Hz, the physics at 200 Hz.

    Observation:
        As in Push, of the puck.

    Action:
        As in Reach.

    Reward:
        "sparse": −1 for every step away from the goal, 0 at it. "dense": minus the puck's distance in meters.

    Success:
        The puck's middle is within 5 cm of the goal.

    Termination:
        On success. The time limit of 50 steps truncates.

    Randomization:
        As in Push.

    Source:
        panda-gym's PandaSlide (Gallouédec et al. 2021), whose sizes, goals and rewards it has.
    """

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
        super().__init__(num_worlds, (puck, disc(0.035, 0.5 * config.height)), config.table, **options)

    def _place(self, start: Start, rng: np.random.Generator) -> None:
        config = self.config
        half, middle = 0.5 * config.spread, 0.5 * config.height
        place = rng.uniform(-half, half, 2)
        start.goal[:] = (config.goal_distance + place[0], place[1], middle)
        start.put(0, (*rng.uniform(-half, half, 2), middle * start.scales[0]))
        self._show_goal(start)

    def _expert(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Touch the puck with a corner of the fingers, opposite to the goal, and nudge it just fast enough."""
        pucks, hands = self.places(0), self.hands
        way = self.goals[:, :2] - pucks[:, :2]
        left = np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
        direction = way / left
        corner = FINGER_CORNER * np.sign(np.where(direction == 0.0, 1.0, direction))
        radius = self.config.radius * self.scales[:, :1]
        braking = GRAVITY * TABLE_FRICTION * self._frictions[:, :1]
        wished = SPARE_SPEED * np.sqrt(2.0 * braking * left)
        speed = (self.velocities[:, 0, :2] * direction).sum(axis=1, keepdims=True)
        start = pucks[:, :2] - (radius + GAP) * direction - corner
        aside = np.linalg.norm(hands[:, :2] - start, axis=1)
        ready = (aside < READY) & (hands[:, 2] < 2.0 * HEIGHT)
        targets = np.column_stack([start, np.full(len(start), TRAVEL_HEIGHT)])
        targets[aside < READY, 2] = HEIGHT
        down = ready & (np.abs(hands[:, 2] - HEIGHT) < 0.01)
        nudge = start + direction * (GAP + NUDGE * wished / PEAK_SPEED)
        targets[down, :2] = nudge[down]
        away = ~ready & (aside > 2.0 * READY) & (hands[:, 2] < 0.8 * TRAVEL_HEIGHT)
        targets[away, :2] = hands[away, :2]
        rolling = (speed > 0.05)[:, 0]
        targets[rolling] = hands[rolling]
        return targets, self._yaw, -np.ones(self.num_worlds)
