"""Stack: put cubes on top of each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from camshaft.envs.arrays import BoolArray, FloatArray
from camshaft.envs.manipulation import experts
from camshaft.envs.manipulation.bodies import Color, cube
from camshaft.envs.manipulation.experts import CLOSE, OPEN, Pick
from camshaft.envs.manipulation.simulation import Start, TableConfig
from camshaft.envs.manipulation.staged import StagedSimulation, nearness

COLORS: tuple[Color, ...] = ((0.8, 0.2, 0.15), (0.15, 0.6, 0.25), (0.2, 0.35, 0.8))
NAMES = ("red", "green", "blue")


@dataclass(frozen=True)
class StackConfig:
    """What a user may change about the task.

    Attributes:
        table: the table.
        size, mass, friction: meters, kg, Coulomb coefficient of each cube.
        spread: meters, side of the square that the cubes are drawn from.
        apart: meters between the middles of two cubes at the start, at least.
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
        Two cubes lie on a table before an arm with a parallel gripper. Control runs at 20 Hz, the physics at 200 Hz.

    Observation:
        By `obs_mode`: images; "state" (31,) float32: position and velocity of the gripper, its opening, and of each
        cube position, roll, pitch, yaw, velocity and angular velocity, in m, rad, m/s, rad/s.

    Action:
        As in PickAndPlace.

    Reward:
        "dense": for each cube that has to move, up to a third each for reaching it, raising it and bringing it over
        the one below, together at most 1 (`reward/reach`, `reward/lift`, `reward/align`); `reward/success` 1.
        "sparse": the last alone.

    Success:
        Every cube rests on the one before it, and the fingers hold none.

    Termination:
        None but the time limit of 100 steps.

    Randomization:
        As in Push.

    Source:
        panda-gym's PandaStack (Gallouédec et al. 2021) and robosuite's Stack (Zhu et al. 2020), without goals: the
        lower cube may lie anywhere.
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

    def _place(self, start: Start, rng: np.random.Generator) -> None:
        places = experts.scattered(rng, self.count, self.config.spread, self.config.apart)
        for number, place in enumerate(places):
            height = 0.5 * self.config.size * start.scales[number]
            start.put(number, (*place, height), rng.uniform(-0.15, 0.15))

    def _seats(self) -> FloatArray:
        """(N, count, 3) where each cube belongs: on the one before it; the first where it is."""
        seats = self.poses[..., :3].copy()
        half = 0.5 * self.config.size * self.scales
        for number in range(1, self.count):
            seats[:, number] = self.places(number - 1)
            seats[:, number, 2] += half[:, number - 1] + half[:, number]
        return seats

    def _seated(self) -> BoolArray:
        """(N, count) whether each cube lies where it belongs, on others that do."""
        away = np.abs(self.poses[..., :3] - self._seats())
        seated = (away[..., 2] < 0.006) & (away[..., :2].max(axis=2) < 0.5 * self.config.size)
        return np.asarray(np.logical_and.accumulate(seated, axis=1))

    def _is_free(self, number: int) -> BoolArray:
        """(N,) whether a cube is out of the fingers."""
        far = np.linalg.norm(self.hands - self.places(number), axis=1) > 0.05
        return np.asarray(far | (self.openings > self.config.size * self.scales[:, number] + 0.01))

    def succeeded(self) -> BoolArray:
        """(N,) whether the stack stands by itself."""
        still = np.linalg.norm(self.velocities[:, self.count - 1, :3], axis=1) < 0.05
        return np.asarray(self._seated().all(axis=1) & self._is_free(self.count - 1) & still)

    def stages(self) -> dict[str, FloatArray]:
        """(N,) of the cube whose turn it is, and of those before."""
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

    def _state_names(self) -> tuple[str, ...]:
        return (*self.arm_names(), *(name for n in range(self.count) for name in self.body_names(n)))

    def _state(self) -> FloatArray:
        return np.concatenate([self.arm_state(), *(self.body_state(n) for n in range(self.count))], axis=1)

    def _expert(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The next cube that is not seated is fetched, carried over its seat, let down and let go."""
        seated = self._seated()
        turn = np.minimum(seated.sum(axis=1), self.count - 1)
        rows = np.arange(self.num_worlds)
        cubes, seats = self.poses[rows, turn, :3].copy(), self._seats()[rows, turn]
        seats[:, 2] += 0.001
        width = self.config.size * self.scales[rows, turn]
        targets, grip, held = experts.fetch(self.hands, self.openings, cubes, Pick(), width)
        over = experts.carry(cubes, seats, self.config.size * self.count + 0.05)
        targets[held] = (over + self.hands - cubes)[held]
        headings = np.array([self.headings(number)[row] for row, number in enumerate(turn)])
        # what has just been seated is still in the fingers: open, then up
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
        Three cubes lie on a table before an arm with a parallel gripper. Control runs at 20 Hz, the physics at 200 Hz.

    Observation:
        As in Stack, of three cubes: "state" (43,) float32.

    Action:
        As in PickAndPlace.

    Reward:
        As in Stack.

    Success:
        As in Stack.

    Termination:
        None but the time limit of 150 steps.

    Randomization:
        As in Push.

    Source:
        As Stack.
    """

    count: ClassVar[int] = 3
