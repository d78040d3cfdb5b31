"""Sort: put each cube into the tray of its color."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from camshaft.envs.arrays import BoolArray, FloatArray
from camshaft.envs.manipulation import experts
from camshaft.envs.manipulation.bodies import Body, Color, Part, cube
from camshaft.envs.manipulation.domain_randomization import sample_color
from camshaft.envs.manipulation.episode import EpisodeStart, TableConfig
from camshaft.envs.manipulation.experts import OPEN
from camshaft.envs.manipulation.scene.cameras import TASK_CAMERAS, fixed
from camshaft.envs.manipulation.staged import StagedSimulation, nearness
from camshaft.envs.rendering import Camera

CUBES = 4
COLORS: tuple[Color, Color] = ((0.8, 0.2, 0.15), (0.2, 0.35, 0.8))
TRAYS = ("red tray", "blue tray")
TRAY, WALL, RIM = 0.15, 0.008, 0.03  # meters: inner side, thickness, height
TRAY_OFFSET = 0.22  # meters, y of the left tray
SEATS = np.array(
    [(-0.035, -0.035), (0.035, 0.035), (-0.035, 0.035), (0.035, -0.035)]
)  # meters, in a tray's frame


@dataclass(frozen=True)
class SortConfig:
    """Options of the task.

    Attributes:
        table: the table.
        size, mass, friction: meters, kg, Coulomb coefficient of the cubes.
        spread: meters, sides along x and y of the rectangle in which the cubes start.
        apart: meters, smallest distance between two cubes at the start.
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
        Four cubes, red or blue, lie on a table in front of an arm with a parallel gripper, between a red and a blue
        tray. The colors of the cubes and the sides of the trays are sampled for every episode. Control runs at 20 Hz,
        the physics at 200 Hz.

    Observation:
        By `obs_mode`: camera images; "state" (60,) float32: position and velocity of the gripper, its opening;
        position, roll, pitch, yaw, velocity and angular velocity of each cube, in m, rad, m/s, rad/s; then for each
        cube 1 if it is red, 0 if blue, and 1 if the red tray is on the left, 0 if on the right.

    Action:
        As in PickAndPlace.

    Reward:
        "dense": `reward/sorted`, up to 0.5, share of the cubes in their trays; `reward/carry`, up to 0.3, closeness of
        the cubes to their trays; `reward/success`, 1. "sparse": `reward/success` alone.

    Success:
        Every cube lies in the tray of its color, and the gripper holds none.

    Termination:
        None. The time limit of 200 steps truncates.

    Randomization:
        As in Push.

    Source:
        Sorting by color, a classic task of visual manipulation, as in Transporter Networks (Zeng et al. 2020).
    """

    stage_weights: ClassVar[Mapping[str, float]] = {"sorted": 0.5, "carry": 0.3}
    task_cameras: ClassVar[Mapping[str, Camera]] = {
        **TASK_CAMERAS,
        "front": fixed(0.72, 0.55, 36.0, 39.0),
        "overhead": fixed(0.56, 0.78, 53.0, 39.0),
    }

    def __init__(self, num_worlds: int = 1, *, config: SortConfig = SortConfig(), **options: Any) -> None:
        self.config = config
        self._red = np.zeros((num_worlds, CUBES), bool)
        self._red_left = np.zeros(num_worlds, bool)
        cubes = [
            cube(f"cube {n}", config.size, COLORS[0], config.mass, config.friction) for n in range(CUBES)
        ]
        trays = [Body(name, (tray_parts(),), color=color) for name, color in zip(TRAYS, COLORS, strict=True)]
        super().__init__(num_worlds, (*cubes, *trays), config.table, **options)

    def _sample_start(self, start: EpisodeStart, rng: np.random.Generator) -> None:
        positions = experts.scattered(rng, CUBES, self.config.spread, self.config.apart)
        red = rng.permutation(CUBES) < rng.integers(1, CUBES)
        for number, position in enumerate(positions):
            height = 0.5 * self.config.size * start.scales[number]
            start.place(number, (*position, height), rng.uniform(-0.1, 0.1))
            start.colors[number] = sample_color(COLORS[0 if red[number] else 1], rng, self.randomize)
        side = 1.0 if rng.random() < 0.5 else -1.0
        start.place(CUBES, (0.0, side * TRAY_OFFSET, 0.0))
        start.place(CUBES + 1, (0.0, -side * TRAY_OFFSET, 0.0))

    def _begin(self, world: int, seed: int, goal: FloatArray | None = None) -> None:
        super()._begin(world, seed, goal)
        colors = self._colors[world, :CUBES]
        self._red[world] = colors[:, 0] > colors[:, 2]
        self._red_left[world] = self.poses[world, CUBES, 1] > 0.0

    def _homes(self) -> FloatArray:
        """(N, CUBES, 3) meters, position of each cube's tray."""
        rows = np.arange(self.num_worlds)[:, None]
        return np.asarray(self.poses[rows, np.where(self._red, CUBES, CUBES + 1), :3])

    def _sorted(self) -> BoolArray:
        """(N, CUBES) whether each cube lies in its tray."""
        offset = self.poses[:, :CUBES, :3] - self._homes()
        return np.asarray((np.abs(offset[..., :2]) < 0.5 * TRAY).all(axis=2) & (offset[..., 2] < 2.0 * RIM))

    def stages(self) -> dict[str, FloatArray]:
        """(N,) progress of sorted and carry."""
        distance = np.linalg.norm(self.poses[:, :CUBES, :3] - self._homes(), axis=2)
        done = self._sorted()
        carry = np.where(done, 1.0, nearness(distance, 0.3))
        return {"sorted": done.mean(axis=1), "carry": carry.mean(axis=1)}

    def succeeded(self) -> BoolArray:
        """(N,) whether all cubes are sorted and released."""
        near = np.linalg.norm(self.poses[:, :CUBES, :3] - self.hands[:, None], axis=2).min(axis=1) < 0.04
        return np.asarray(self._sorted().all(axis=1) & ~(near & (self.openings < self.config.size + 0.01)))

    def _task_state_names(self) -> tuple[str, ...]:
        red = (name for number in range(CUBES) for name in self.body_names(number, ("is_red",)))
        return (*red, "red_tray_left")

    def _task_state(self) -> FloatArray:
        return np.column_stack([self._red, self._red_left]).astype(np.float64)

    def _expert_targets(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Fetch one cube after the other, carry it over a free spot of its tray and drop it."""
        done = self._sorted()
        turn = np.argmin(done, axis=1)
        rows = np.arange(self.num_worlds)
        cubes = self.poses[rows, turn, :3].copy()
        seats = self._homes()[rows, turn]
        seats[:, :2] += SEATS[turn]
        seats[:, 2] += RIM + 0.04
        width = self.config.size * self.scales[rows, turn]
        targets, grip, held = experts.fetch(self.hands, self.openings, cubes, width)
        targets[held] = experts.carry(self.hands, seats, 0.13)[held]
        arrived = held & (np.linalg.norm(self.hands - seats, axis=1) < 0.02)
        grip[arrived] = OPEN
        finished = done.all(axis=1)
        targets[finished], grip[finished] = (0.0, 0.0, 0.25), OPEN
        # a cube that has reached its tray in the gripper is released before the next one is fetched
        distance = np.linalg.norm(self.poses[:, :CUBES, :3] - self.hands[:, None], axis=2)
        releasing = ((distance < 0.05) & done).any(axis=1) & (self.openings < 0.065)
        lower = self.hands.copy()
        lower[:, 2] = np.maximum(lower[:, 2] - 0.02, RIM + 0.03)
        targets[releasing], grip[releasing] = lower[releasing], OPEN
        return targets, experts.square(self.headings(turn)), grip


def tray_parts(inner: float = TRAY, height: float = RIM) -> tuple[Part, ...]:
    """Floor and walls of a tray; inner side and height of the walls in meters."""
    side, middle = inner + 2.0 * WALL, 0.5 * (inner + WALL)
    return (
        Part("box", (side, side, 0.004), (0.0, 0.0, 0.002)),
        Part("box", (side, WALL, height), (0.0, middle, 0.5 * height)),
        Part("box", (side, WALL, height), (0.0, -middle, 0.5 * height)),
        Part("box", (WALL, inner, height), (middle, 0.0, 0.5 * height)),
        Part("box", (WALL, inner, height), (-middle, 0.0, 0.5 * height)),
    )
