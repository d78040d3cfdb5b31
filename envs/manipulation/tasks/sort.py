"""Sort: put each cube into the tray of its color."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from camshaft.envs.arrays import BoolArray, FloatArray
from camshaft.envs.manipulation import experts
from camshaft.envs.manipulation.bodies import Body, Color, Part, cube
from camshaft.envs.manipulation.experts import OPEN, Pick
from camshaft.envs.manipulation.scene.table_scene import shifted
from camshaft.envs.manipulation.simulation import Start, TableConfig
from camshaft.envs.manipulation.staged import StagedSimulation, nearness

CUBES = 4
COLORS: tuple[Color, Color] = ((0.8, 0.2, 0.15), (0.2, 0.35, 0.8))
TRAY, WALL, RIM = 0.15, 0.008, 0.03  # meters: inner side, thickness, height
TRAY_PLACE = 0.22  # meters to the left and to the right
SEATS = np.array([(-0.035, -0.035), (0.035, 0.035), (-0.035, 0.035), (0.035, -0.035)])  # meters, in a tray


@dataclass(frozen=True)
class SortConfig:
    """What a user may change about the task.

    Attributes:
        table: the table.
        size, mass, friction: meters, kg, Coulomb coefficient of the cubes.
        spread: meters, sides along x and y of the rectangle that the cubes are drawn from.
        apart: meters between the middles of two cubes at the start, at least.
    """

    table: TableConfig = TableConfig(width=0.9)
    size: float = 0.04
    mass: float = 0.2
    friction: float = 1.0
    spread: tuple[float, float] = (0.3, 0.15)
    apart: float = 0.085


class Sort(StagedSimulation):
    """Put each cube into the tray of its color.

    Description:
        Four cubes, red or blue, lie on a table before an arm with a parallel gripper, between a red and a blue tray.
        Which cube has which color, and which tray is left, differs from episode to episode: one has to look. Control
        runs at 20 Hz, the physics at 200 Hz.

    Observation:
        By `obs_mode`: images; "state" (60,) float32: position and velocity of the gripper, its opening, of each cube
        position, roll, pitch, yaw, velocity and angular velocity, in m, rad, m/s, rad/s; then for each cube 1 if it is
        red and 0 if blue, and 1 if the red tray is left and 0 if right.

    Action:
        As in PickAndPlace.

    Reward:
        "dense": `reward/sorted` up to 0.5, the share of the cubes in their trays; `reward/carry` up to 0.3, the nearer
        the others are to theirs; `reward/success` 1. "sparse": the last alone.

    Success:
        Every cube lies in the tray of its color, and the fingers hold none.

    Termination:
        None but the time limit of 200 steps.

    Randomization:
        As in Push.

    Source:
        Sorting by color, a classic of visual manipulation; as in Transporter Networks (Zeng et al. 2020).
    """

    stage_weights: ClassVar[Mapping[str, float]] = {"sorted": 0.5, "carry": 0.3}

    def __init__(self, num_worlds: int = 1, *, config: SortConfig = SortConfig(), **options: Any) -> None:
        self.config = config
        self._red = np.zeros((num_worlds, CUBES), bool)
        self._red_left = np.zeros(num_worlds, bool)
        cubes = [
            cube(f"cube {n}", config.size, COLORS[0], config.mass, config.friction) for n in range(CUBES)
        ]
        trays = [Body(name, (tray_parts(),), color=color) for name, color in zip(TRAYS, COLORS, strict=True)]
        super().__init__(num_worlds, (*cubes, *trays), config.table, **options)

    def _place(self, start: Start, rng: np.random.Generator) -> None:
        places = experts.scattered(rng, CUBES, self.config.spread, self.config.apart)
        red = rng.permutation(CUBES) < rng.integers(1, CUBES)
        for number, place in enumerate(places):
            start.put(number, (*place, 0.5 * self.config.size * start.scales[number]), rng.uniform(-0.1, 0.1))
            start.colors[number] = shifted(COLORS[0 if red[number] else 1], rng, self.randomize)
        side = 1.0 if rng.random() < 0.5 else -1.0
        start.put(CUBES, (0.0, side * TRAY_PLACE, 0.0))
        start.put(CUBES + 1, (0.0, -side * TRAY_PLACE, 0.0))

    def _begin(self, world: int, seed: int, goal: FloatArray | None = None) -> None:
        super()._begin(world, seed, goal)
        colors = self._colors[world, :CUBES]
        self._red[world] = colors[:, 0] > colors[:, 2]
        self._red_left[world] = self.poses[world, CUBES, 1] > 0.0

    def _homes(self) -> FloatArray:
        """(N, CUBES, 3) meters, the trays in which the cubes belong."""
        rows = np.arange(self.num_worlds)[:, None]
        return np.asarray(self.poses[rows, np.where(self._red, CUBES, CUBES + 1), :3])

    def _sorted(self) -> BoolArray:
        """(N, CUBES) whether each cube lies in its tray."""
        away = self.poses[:, :CUBES, :3] - self._homes()
        return np.asarray((np.abs(away[..., :2]) < 0.5 * TRAY).all(axis=2) & (away[..., 2] < 2.0 * RIM))

    def stages(self) -> dict[str, FloatArray]:
        """(N,) sorted and carry."""
        away = np.linalg.norm(self.poses[:, :CUBES, :3] - self._homes(), axis=2)
        done = self._sorted()
        return {"sorted": done.mean(axis=1), "carry": np.where(done, 1.0, nearness(away, 0.3)).mean(axis=1)}

    def succeeded(self) -> BoolArray:
        """(N,) whether all cubes are sorted and let go."""
        near = np.linalg.norm(self.poses[:, :CUBES, :3] - self.hands[:, None], axis=2).min(axis=1) < 0.04
        return np.asarray(self._sorted().all(axis=1) & ~(near & (self.openings < self.config.size + 0.01)))

    def _state_names(self) -> tuple[str, ...]:
        cubes = [name for number in range(CUBES) for name in self.body_names(number)]
        red = [name for number in range(CUBES) for name in self.body_names(number, ("is_red",))]
        return (*self.arm_names(), *cubes, *red, "red_tray_left")

    def _state(self) -> FloatArray:
        cubes = [self.body_state(number) for number in range(CUBES)]
        return np.column_stack([self.arm_state(), *cubes, self._red, self._red_left])

    def _expert(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """One cube after the other: fetched, carried over a free seat of its tray, and dropped."""
        done = self._sorted()
        turn = np.argmin(done, axis=1)
        rows = np.arange(self.num_worlds)
        cubes = self.poses[rows, turn, :3].copy()
        seats = self._homes()[rows, turn]
        seats[:, :2] += SEATS[turn]
        seats[:, 2] += RIM + 0.04
        width = self.config.size * self.scales[rows, turn]
        targets, grip, held = experts.fetch(self.hands, self.openings, cubes, Pick(), width)
        targets[held] = experts.carry(self.hands, seats, 0.13)[held]
        arrived = held & (np.linalg.norm(self.hands - seats, axis=1) < 0.02)
        grip[arrived] = OPEN
        finished = done.all(axis=1)
        targets[finished], grip[finished] = (0.0, 0.0, 0.25), OPEN
        # what has just come into its tray in the fingers is let go before the next one is thought of
        near = np.linalg.norm(self.poses[:, :CUBES, :3] - self.hands[:, None], axis=2)
        letting = ((near < 0.05) & done).any(axis=1) & (self.openings < 0.065)
        lower = self.hands.copy()
        lower[:, 2] = np.maximum(lower[:, 2] - 0.02, RIM + 0.03)
        targets[letting], grip[letting] = lower[letting], OPEN
        headings = np.array([self.headings(int(number))[row] for row, number in enumerate(turn)])
        return targets, experts.square(headings), grip


TRAYS = ("red tray", "blue tray")


def tray_parts(inner: float = TRAY, height: float = RIM) -> tuple[Part, ...]:
    """A flat box without a lid, its floor on the table."""
    side, middle = inner + 2.0 * WALL, 0.5 * (inner + WALL)
    return (
        Part("box", (side, side, 0.004), (0.0, 0.0, 0.002)),
        Part("box", (side, WALL, height), (0.0, middle, 0.5 * height)),
        Part("box", (side, WALL, height), (0.0, -middle, 0.5 * height)),
        Part("box", (WALL, inner, height), (middle, 0.0, 0.5 * height)),
        Part("box", (WALL, inner, height), (-middle, 0.0, 0.5 * height)),
    )
