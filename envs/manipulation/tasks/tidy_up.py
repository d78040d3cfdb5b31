"""Tidy up: open a box and put two cubes into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from camshaft.envs.arrays import BoolArray, FloatArray
from camshaft.envs.manipulation import experts, intentions
from camshaft.envs.manipulation.bodies import Body, Color, Part, Slider, cube
from camshaft.envs.manipulation.experts import CLOSE, OPEN, Pick
from camshaft.envs.manipulation.simulation import Start, TableConfig
from camshaft.envs.manipulation.staged import StagedSimulation, nearness
from camshaft.envs.manipulation.tasks.sort import tray_parts

CUBES = 2
COLORS: tuple[Color, ...] = ((0.8, 0.2, 0.15), (0.2, 0.35, 0.8))
INNER, HEIGHT = 0.15, 0.07  # meters, of the box
TRAVEL = 0.155  # meters of the lid, away from the cubes
LID = HEIGHT + 0.006  # meters, of the middle of the lid's thickness
KNOB = (0.0, 0.055, LID + 0.022)  # meters, in the box's frame, while it is closed
SEATS = np.array([(-0.035, 0.0), (0.035, 0.0)])


@dataclass(frozen=True)
class TidyUpConfig:
    """What a user may change about the task.

    Attributes:
        table: the table.
        size, mass, friction: meters, kg, Coulomb coefficient of the cubes.
        lid_friction: N, that holds the lid.
    """

    table: TableConfig = TableConfig(width=1.0, home=(0.04, 0.0, 0.25))
    size: float = 0.04
    mass: float = 0.2
    friction: float = 1.0
    lid_friction: float = 2.0


class TidyUp(StagedSimulation):
    """Open a box and put two cubes into it.

    Description:
        A box with a sliding lid stands on a table, to the right of an arm with a parallel gripper; two cubes lie on the
        left. The lid has a knob and is closed. Control runs at 20 Hz, the physics at 200 Hz.

    Observation:
        By `obs_mode`: images; "state" (34,) float32: position and velocity of the gripper, its opening, of each cube
        position, roll, pitch, yaw, velocity and angular velocity, in m, rad, m/s, rad/s; x and y of the box, and how
        far its lid is open (m).

    Action:
        As in PickAndPlace.

    Reward:
        "dense": `reward/open` up to 0.2, the farther the lid is open; `reward/tidy` up to 0.5, the share of the cubes
        that are in the box; `reward/carry` up to 0.2, the nearer the others are to it; `reward/success` 1. "sparse":
        the last alone.

    Success:
        Both cubes lie in the box.

    Termination:
        None but the time limit of 200 steps.

    Randomization:
        As in Push.

    Source:
        SAC-X's clean-up (Riedmiller et al. 2018), with a lid that slides.
    """

    stage_weights: ClassVar[Mapping[str, float]] = {"open": 0.2, "tidy": 0.5, "carry": 0.2}

    def __init__(self, num_worlds: int = 1, *, config: TidyUpConfig = TidyUpConfig(), **options: Any) -> None:
        self.config = config
        cubes = [
            cube(name, config.size, color, config.mass, config.friction)
            for name, color in zip(("red", "blue"), COLORS, strict=True)
        ]
        super().__init__(num_worlds, (*cubes, _box(config.lid_friction)), config.table, **options)

    def _place(self, start: Start, rng: np.random.Generator) -> None:
        places = experts.scattered(rng, CUBES, 0.2, 0.09)
        for number, (x, y) in enumerate(places):
            height = 0.5 * self.config.size * start.scales[number]
            start.put(number, (x, 0.14 + 0.7 * y, height), rng.uniform(-0.1, 0.1))
        start.put(CUBES, (rng.uniform(-0.06, 0.06), -0.14 + rng.uniform(-0.02, 0.02), 0.0))

    def _inside(self) -> BoolArray:
        """(N, CUBES) whether each cube is in the box."""
        box = self.places(CUBES)
        half = np.array([0.5 * INNER, 0.5 * INNER, HEIGHT])
        low, high = box - half, box + half
        snapshot = intentions.Snapshot(
            self.hands, self.openings, self.poses[:, :CUBES, :3], self.velocities[:, :CUBES, :3]
        )
        return np.column_stack([intentions.inside(snapshot, n, low, high) > 0.5 for n in range(CUBES)])

    def intentions(self) -> dict[str, FloatArray]:
        """Those of every table, and for each cube whether it is inside the box, and how far the box is open."""
        inside = self._inside().astype(np.float64)
        own = {f"inside/{self.bodies[number].name}": inside[:, number] for number in range(CUBES)}
        return super().intentions() | own | {"open/box": self._opened()}

    def _opened(self) -> FloatArray:
        return np.clip(self.sliders[:, CUBES] / (0.95 * TRAVEL), 0.0, 1.0)

    def stages(self) -> dict[str, FloatArray]:
        """(N,) open, tidy and carry."""
        inside = self._inside()
        away = np.linalg.norm(self.poses[:, :CUBES, :3] - self.poses[:, CUBES:, :3], axis=2)
        return {
            "open": self._opened(),
            "tidy": inside.mean(axis=1),
            "carry": np.where(inside, 1.0, nearness(away, 0.3)).mean(axis=1),
        }

    def succeeded(self) -> BoolArray:
        """(N,) whether both cubes are in the box."""
        return np.asarray(self._inside().all(axis=1))

    def _state_names(self) -> tuple[str, ...]:
        cubes = [name for number in range(CUBES) for name in self.body_names(number)]
        return (*self.arm_names(), *cubes, *self.body_names(CUBES, ("x", "y", "travel")))

    def _state(self) -> FloatArray:
        cubes = [self.body_state(number) for number in range(CUBES)]
        return np.column_stack([self.arm_state(), *cubes, self.places(CUBES)[:, :2], self.sliders[:, CUBES]])

    def _expert(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Push the lid open by its knob, then put in one cube after the other."""
        inside = self._inside()
        turn = np.argmin(inside, axis=1)
        rows = np.arange(self.num_worlds)
        cubes = self.poses[rows, turn, :3].copy()
        seats = self.places(CUBES).copy()
        seats[:, :2] += SEATS[turn]
        seats[:, 2] = HEIGHT + 0.05
        width = self.config.size * self.scales[rows, turn]
        targets, grip, held = experts.fetch(self.hands, self.openings, cubes, Pick(), width)
        targets[held] = experts.carry(self.hands, seats, 0.17)[held]
        grip[held & (np.linalg.norm(self.hands - seats, axis=1) < 0.02)] = OPEN
        over_box = (np.abs((self.hands - seats)[:, :2]).max(axis=1) < 0.06) & (self.openings < 0.065) & ~held
        targets[over_box], grip[over_box] = self.hands[over_box], OPEN
        finished = inside.all(axis=1)
        targets[finished], grip[finished] = (0.0, 0.1, 0.25), OPEN
        shut = (self.sliders[:, CUBES] < 0.93 * TRAVEL) & ~held
        pushes = self._push_lid()
        targets[shut], grip[shut] = pushes[shut], CLOSE
        headings = np.array([self.headings(int(number))[row] for row, number in enumerate(turn)])
        return targets, np.where(shut, 0.0, experts.square(headings)), grip

    def _push_lid(self) -> FloatArray:
        knob = self.places(CUBES) + KNOB
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
