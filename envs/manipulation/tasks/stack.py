"""Stack: put cubes on top of each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from camshaft.envs.arrays import BoolArray, FloatArray
from camshaft.envs.manipulation import experts
from camshaft.envs.manipulation.bodies import Color, cube
from camshaft.envs.manipulation.episode import EpisodeStart, TableConfig
from camshaft.envs.manipulation.experts import CLOSE, OPEN
from camshaft.envs.manipulation.staged import StagedSimulation, nearness

COLORS: tuple[Color, ...] = ((0.8, 0.2, 0.15), (0.15, 0.6, 0.25), (0.2, 0.35, 0.8))
NAMES = ("red", "green", "blue")


@dataclass(frozen=True)
class StackConfig:
    """Options of the task.

    Attributes:
        table: the table.
        size, mass, friction: meters, kg, Coulomb coefficient of each cube.
        spread: meters, side of the square in which the cubes start.
        apart: meters, smallest distance between two cubes at the start.
    """

    table: TableConfig = TableConfig()
    size: float = 0.04
    mass: float = 0.2
    friction: float = 1.0
    spread: float = 0.28
    apart: float = 0.1


class Stack(StagedSimulation):
    """Put a green cube on a red one.

    Description:
        Two cubes lie on a table in front of an arm with a parallel gripper. Control runs at 20 Hz, the physics at
        200 Hz.

    Observation:
        By `obs_mode`: camera images; "state" (31,) float32: position and velocity of the gripper, its opening;
        position, roll, pitch, yaw, velocity and angular velocity of each cube; in m, rad, m/s, rad/s.

    Action:
        As in PickAndPlace.

    Reward:
        "dense": `reward/reach`, `reward/lift` and `reward/align`, up to 0.33 each: progress in reaching each cube that
        must move, raising it and moving it over the one below; `reward/success`, 1. "sparse": `reward/success` alone.

    Success:
        Every cube rests on the one before it, and the gripper does not hold the last one.

    Termination:
        None. The time limit of 100 steps truncates.

    Randomization:
        As in Push.

    Source:
        panda-gym's PandaStack (Gallouédec et al. 2021) and robosuite's Stack (Zhu et al. 2020), without a goal
        position: the lower cube may lie anywhere.
    """

    count: ClassVar[int] = 2
    stage_weights: ClassVar[Mapping[str, float]] = {"reach": 0.33, "lift": 0.33, "align": 0.33}

    def __init__(self, num_worlds: int = 1, *, config: StackConfig = StackConfig(), **options: Any) -> None:
        self.config = config
        bodies = tuple(
            cube(NAMES[number], config.size, COLORS[number], config.mass, config.friction)
            for number in range(self.count)
        )
        super().__init__(num_worlds, bodies, config.table, **options)

    def _sample_start(self, start: EpisodeStart, rng: np.random.Generator) -> None:
        positions = experts.scattered(rng, self.count, self.config.spread, self.config.apart)
        for number, position in enumerate(positions):
            height = 0.5 * self.config.size * start.scales[number]
            start.place(number, (*position, height), rng.uniform(-0.15, 0.15))

    def _seats(self) -> FloatArray:
        """(N, count, 3) meters, target position of each cube: on the one before it; for the first, where it is."""
        seats = self.poses[..., :3].copy()
        half = 0.5 * self.config.size * self.scales
        for number in range(1, self.count):
            seats[:, number] = self.positions(number - 1)
            seats[:, number, 2] += half[:, number - 1] + half[:, number]
        return seats

    def _seated(self) -> BoolArray:
        """(N, count) whether each cube and all below it are at their target positions."""
        offset = np.abs(self.poses[..., :3] - self._seats())
        seated = (offset[..., 2] < 0.006) & (offset[..., :2].max(axis=2) < 0.5 * self.config.size)
        return np.asarray(np.logical_and.accumulate(seated, axis=1))

    def _is_released(self, number: int) -> BoolArray:
        """(N,) whether the gripper does not hold a cube."""
        far = np.linalg.norm(self.hands - self.positions(number), axis=1) > 0.05
        return np.asarray(far | (self.openings > self.config.size * self.scales[:, number] + 0.01))

    def succeeded(self) -> BoolArray:
        """(N,) whether the stack stands, released and at rest."""
        still = np.linalg.norm(self.velocities[:, self.count - 1, :3], axis=1) < 0.05
        return np.asarray(self._seated().all(axis=1) & self._is_released(self.count - 1) & still)

    def stages(self) -> dict[str, FloatArray]:
        """(N,) progress of reach, lift and align, over all cubes that must move."""
        seated = self._seated()
        done = (seated.sum(axis=1) - 1).clip(0, self.count - 1)
        turn = np.minimum(done + 1, self.count - 1)
        rows = np.arange(self.num_worlds)
        cubes, seats = self.poses[rows, turn, :3], self._seats()[rows, turn]
        now = {
            "reach": nearness(np.linalg.norm(self.hands - cubes, axis=1), 0.2),
            "lift": np.clip(cubes[:, 2] / np.maximum(seats[:, 2], 1e-3), 0.0, 1.0),
            "align": nearness(np.linalg.norm((cubes - seats)[:, :2], axis=1), 0.2),
        }
        share = done / (self.count - 1)
        return {name: share + (1.0 - share) * value / (self.count - 1) for name, value in now.items()}

    def _expert_targets(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Fetch the lowest cube that is not in place, carry it over its target, lower and release it."""
        seated = self._seated()
        turn = np.minimum(seated.sum(axis=1), self.count - 1)
        rows = np.arange(self.num_worlds)
        cubes, seats = self.poses[rows, turn, :3].copy(), self._seats()[rows, turn]
        seats[:, 2] += 0.001
        width = self.config.size * self.scales[rows, turn]
        targets, grip, held = experts.fetch(self.hands, self.openings, cubes, width)
        over = experts.carry(cubes, seats, self.config.size * self.count + 0.05)
        targets[held] = (over + self.hands - cubes)[held]
        headings = self.headings(turn)
        # a cube that has just been put in place is still in the gripper: open the fingers, then move up
        last = np.maximum(turn - 1, 0)
        for row in range(self.num_worlds):
            number = self.count - 1 if seated[row].all() else last[row]
            close = np.linalg.norm(self.hands[row] - self.poses[row, number, :3]) < 0.07
            if number > 0 and seated[row, number] and close:
                targets[row] = self.hands[row] + (0.0, 0.0, 0.05 * (self.openings[row] > 0.06))
                grip[row] = OPEN
                headings[row] = self.headings(number)[row]
        return targets, experts.square(headings), np.where(grip > 0, OPEN, CLOSE)


class Stack3(Stack):
    """Put a green cube on a red one, and a blue cube on the green one.

    Description:
        Three cubes lie on a table in front of an arm with a parallel gripper. Control runs at 20 Hz, the physics at
        200 Hz.

    Observation:
        As in Stack, for three cubes: "state" (43,) float32.

    Action:
        As in PickAndPlace.

    Reward:
        As in Stack.

    Success:
        As in Stack.

    Termination:
        None. The time limit of 150 steps truncates.

    Randomization:
        As in Push.

    Source:
        As in Stack.
    """

    count: ClassVar[int] = 3
