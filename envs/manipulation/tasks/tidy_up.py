"""Tidy up: open a box and put two cubes into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from camshaft.envs.arrays import BoolArray, FloatArray
from camshaft.envs.manipulation import experts, intentions
from camshaft.envs.manipulation.bodies import Body, Color, Part, Slider, cube
from camshaft.envs.manipulation.episode import EpisodeStart, TableConfig
from camshaft.envs.manipulation.experts import CLOSE, OPEN
from camshaft.envs.manipulation.scene.cameras import TASK_CAMERAS, fixed
from camshaft.envs.manipulation.staged import StagedSimulation, nearness
from camshaft.envs.manipulation.tasks.sort import tray_parts
from camshaft.envs.rendering import Camera

CUBES = 2
COLORS: tuple[Color, ...] = ((0.8, 0.2, 0.15), (0.2, 0.35, 0.8))
INNER, HEIGHT = 0.15, 0.07  # meters, inner side and height of the box
TRAVEL = 0.155  # meters by which the lid opens, away from the cubes
LID = HEIGHT + 0.006  # meters, height of the lid's middle
KNOB = (0.0, 0.055, LID + 0.022)  # meters, position when closed, in the box's frame
SEATS = np.array([(-0.035, 0.0), (0.035, 0.0)])  # meters, in the box's frame


@dataclass(frozen=True)
class TidyUpConfig:
    """Options of the task.

    Attributes:
        table: the table.
        size, mass, friction: meters, kg, Coulomb coefficient of the cubes.
        lid_friction: N, friction of the lid.
    """

    table: TableConfig = TableConfig(width=1.0, home=(0.04, 0.0, 0.25))
    size: float = 0.04
    mass: float = 0.2
    friction: float = 1.0
    lid_friction: float = 2.0


class TidyUp(StagedSimulation):
    """Open a box and put two cubes into it.

    Description:
        A box stands on a table, to the right of an arm with a parallel gripper; two cubes lie on the left. The box has
        a sliding lid with a knob, which starts closed. Control runs at 20 Hz, the physics at 200 Hz.

    Observation:
        By `obs_mode`: camera images; "state" (34,) float32: position and velocity of the gripper, its opening;
        position, roll, pitch, yaw, velocity and angular velocity of each cube; x and y of the box, and travel of its
        lid; in m, rad, m/s, rad/s.

    Action:
        As in PickAndPlace.

    Reward:
        "dense": `reward/open`, up to 0.2, travel of the lid; `reward/tidy`, up to 0.5, share of the cubes in the box;
        `reward/carry`, up to 0.2, closeness of the cubes to the box; `reward/success`, 1. "sparse": `reward/success`
        alone.

    Success:
        Both cubes lie in the box.

    Termination:
        None. The time limit of 200 steps truncates.

    Randomization:
        As in Push.

    Source:
        The clean-up task of SAC-X (Riedmiller et al. 2018), with a sliding lid.
    """

    stage_weights: ClassVar[Mapping[str, float]] = {"open": 0.2, "tidy": 0.5, "carry": 0.2}
    task_cameras: ClassVar[Mapping[str, Camera]] = {
        **TASK_CAMERAS,
        "front": fixed(0.72, 0.55, 35.5, 37.0),
        "overhead": fixed(0.56, 0.78, 53.0, 37.0),
    }

    def __init__(self, num_worlds: int = 1, *, config: TidyUpConfig = TidyUpConfig(), **options: Any) -> None:
        self.config = config
        cubes = [
            cube(name, config.size, color, config.mass, config.friction)
            for name, color in zip(("red", "blue"), COLORS, strict=True)
        ]
        super().__init__(num_worlds, (*cubes, _box(config.lid_friction)), config.table, **options)

    def _sample_start(self, start: EpisodeStart, rng: np.random.Generator) -> None:
        positions = experts.scattered(rng, CUBES, 0.2, 0.09)
        for number, (x, y) in enumerate(positions):
            height = 0.5 * self.config.size * start.scales[number]
            start.place(number, (x, 0.14 + 0.7 * y, height), rng.uniform(-0.1, 0.1))
        start.place(CUBES, (rng.uniform(-0.06, 0.06), -0.14 + rng.uniform(-0.02, 0.02), 0.0))

    def _inside(self) -> BoolArray:
        """(N, CUBES) whether each cube is in the box."""
        box = self.positions(CUBES)
        half = np.array([0.5 * INNER, 0.5 * INNER, HEIGHT])
        low, high = box - half, box + half
        snapshot = intentions.Snapshot(
            self.hands, self.openings, self.poses[:, :CUBES, :3], self.velocities[:, :CUBES, :3]
        )
        return np.column_stack([intentions.inside(snapshot, n, low, high) > 0.5 for n in range(CUBES)])

    def intentions(self) -> dict[str, FloatArray]:
        """Auxiliary intentions by name, and two of this task: each cube inside the box, and the box open."""
        inside = self._inside().astype(np.float64)
        own = {f"inside/{self.bodies[number].name}": inside[:, number] for number in range(CUBES)}
        return super().intentions() | own | {"open/box": self._opened()}

    def _opened(self) -> FloatArray:
        """(N,) travel of the lid, as a share of an open one."""
        return np.clip(self.sliders[:, CUBES] / (0.95 * TRAVEL), 0.0, 1.0)

    def stages(self) -> dict[str, FloatArray]:
        """(N,) progress of open, tidy and carry."""
        inside = self._inside()
        distance = np.linalg.norm(self.poses[:, :CUBES, :3] - self.poses[:, CUBES:, :3], axis=2)
        return {
            "open": self._opened(),
            "tidy": inside.mean(axis=1),
            "carry": np.where(inside, 1.0, nearness(distance, 0.3)).mean(axis=1),
        }

    def succeeded(self) -> BoolArray:
        """(N,) whether both cubes are in the box."""
        return np.asarray(self._inside().all(axis=1))

    def _task_state_names(self) -> tuple[str, ...]:
        return self.body_names(CUBES, ("x", "y", "travel"))

    def _task_state(self) -> FloatArray:
        return np.column_stack([self.positions(CUBES)[:, :2], self.sliders[:, CUBES]])

    def _expert_targets(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Push the lid open by its knob, then put one cube after the other into the box."""
        inside = self._inside()
        turn = np.argmin(inside, axis=1)
        rows = np.arange(self.num_worlds)
        cubes = self.poses[rows, turn, :3].copy()
        seats = self.positions(CUBES).copy()
        seats[:, :2] += SEATS[turn]
        seats[:, 2] = HEIGHT + 0.05
        width = self.config.size * self.scales[rows, turn]
        targets, grip, held = experts.fetch(self.hands, self.openings, cubes, width)
        targets[held] = experts.carry(self.hands, seats, 0.17)[held]
        grip[held & (np.linalg.norm(self.hands - seats, axis=1) < 0.02)] = OPEN
        over_box = (np.abs((self.hands - seats)[:, :2]).max(axis=1) < 0.06) & (self.openings < 0.065) & ~held
        targets[over_box], grip[over_box] = self.hands[over_box], OPEN
        finished = inside.all(axis=1)
        targets[finished], grip[finished] = (0.0, 0.1, 0.25), OPEN
        shut = (self.sliders[:, CUBES] < 0.93 * TRAVEL) & ~held
        pushes = self._push_lid()
        targets[shut], grip[shut] = pushes[shut], CLOSE
        return targets, np.where(shut, 0.0, experts.square(self.headings(turn))), grip

    def _push_lid(self) -> FloatArray:
        """(N, 3) targets that push the lid open: behind the knob, down, and along."""
        knob = self.positions(CUBES) + KNOB
        knob[:, 1] -= self.sliders[:, CUBES]
        hands = self.hands
        start = knob + np.array([0.0, 0.04, 0.0])
        targets = start.copy()
        aside = np.linalg.norm((hands - start)[:, :2], axis=1)
        low = hands[:, 2] < knob[:, 2] + 0.02
        targets[:, 2] = np.where(aside < 0.01, knob[:, 2], knob[:, 2] + 0.08)
        behind = (hands - knob)[:, 1]
        working = low & (np.abs((hands - knob)[:, 0]) < 0.02) & (behind > 0.01) & (behind < 0.06)
        targets[working] = np.column_stack([knob[:, 0], hands[:, 1] - 0.03, knob[:, 2]])[working]
        return targets


def _box(friction: float) -> Body:
    lid = (
        Part("box", (INNER + 0.02, INNER + 0.02, 0.008), (0.0, 0.0, LID)),
        Part("box", (0.04, 0.016, 0.04), KNOB, color=(0.2, 0.2, 0.22), tinted=False),
    )
    slider = Slider(
        lid, "prismatic", (0.0, 0.0, 0.0), (0.0, -1.0, 0.0), 0.0, TRAVEL, mass=0.15, friction=friction
    )
    walls = tuple(
        Part(part.kind, part.size, part.position, color=(0.62, 0.46, 0.3), tinted=False)
        for part in tray_parts(INNER, HEIGHT)
    )
    return Body("box", (walls,), color=(0.75, 0.6, 0.42), slider=slider)
