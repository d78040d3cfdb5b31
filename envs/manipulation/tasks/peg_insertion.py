"""Peg insertion: put a square peg into a square hole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from camshaft.envs.arrays import BoolArray, FloatArray
from camshaft.envs.manipulation import experts
from camshaft.envs.manipulation.bodies import Body, Part
from camshaft.envs.manipulation.experts import CLOSE, OPEN, Pick
from camshaft.envs.manipulation.simulation import Start, TableConfig
from camshaft.envs.manipulation.staged import StagedSimulation, nearness

BLOCK, BLOCK_HEIGHT = 0.1, 0.06  # meters
GRASP_HEIGHT = 0.025  # meters above the peg's middle


@dataclass(frozen=True)
class PegInsertionConfig:
    """What a user may change about the task.

    Attributes:
        table: the table.
        side, length: meters, of the peg.
        clearance: meters by which the hole is wider than the peg.
        mass, friction: kg, Coulomb coefficient of the peg.
        depth: meters that the peg has to be in the hole.
        spread: meters, side of the squares that peg and block are drawn from.
    """

    table: TableConfig = TableConfig(home=(0.04, 0.0, 0.25))
    side: float = 0.03
    length: float = 0.1
    clearance: float = 0.006
    mass: float = 0.2
    friction: float = 1.0
    depth: float = 0.04
    spread: float = 0.12


class PegInsertion(StagedSimulation):
    """Put a square peg into a square hole.

    Description:
        A peg stands on a table before an arm with a parallel gripper; beside it a block with a hole that is 6 mm wider.
        Control runs at 20 Hz, the physics at 200 Hz.

    Observation:
        By `obs_mode`: images; "state" (21,) float32: position and velocity of the gripper, its opening, position,
        roll, pitch, yaw, velocity and angular velocity of the peg, in m, rad, m/s, rad/s; x and y of the hole (m).

    Action:
        As in PickAndPlace.

    Reward:
        "dense": `reward/reach` up to 0.2, the nearer the gripper is to the peg; `reward/align` up to 0.3, the nearer
        the peg is to the hole's axis; `reward/insert` up to 0.3, the deeper it is in; `reward/success` 1. "sparse": the
        last alone.

    Success:
        The peg is 4 cm deep in the hole.

    Termination:
        None but the time limit of 100 steps.

    Randomization:
        As in Push, but for the size.

    Source:
        Meta-World's peg-insert-side (Yu et al. 2020), from above.
    """

    stage_weights: ClassVar[Mapping[str, float]] = {"reach": 0.2, "align": 0.3, "insert": 0.3}

    def __init__(
        self, num_worlds: int = 1, *, config: PegInsertionConfig = PegInsertionConfig(), **options: Any
    ) -> None:
        self.config = config
        peg = Body(
            "peg",
            ((Part("box", (config.side, config.side, config.length)),),),
            config.mass,
            config.friction,
            color=(0.85, 0.6, 0.15),
        )
        block = Body("block", (_block(config.side + config.clearance),), color=(0.3, 0.42, 0.55))
        super().__init__(num_worlds, (peg, block), config.table, **options)

    def _place(self, start: Start, rng: np.random.Generator) -> None:
        start.scales[0] = 1.0  # it has to fit
        half = 0.5 * self.config.spread
        side = 1.0 if rng.random() < 0.5 else -1.0
        peg, block = rng.uniform(-half, half, (2, 2))
        start.put(0, (peg[0], peg[1] + side * 0.11, 0.5 * self.config.length), rng.uniform(-0.05, 0.05))
        start.put(1, (block[0], block[1] - side * 0.11, 0.0))

    def _depth(self) -> FloatArray:
        """(N,) meters that the peg is in the hole, 0 beside it."""
        peg = self.places(0)
        over = np.abs((peg - self.places(1))[:, :2]).max(axis=1) < 0.5 * self.config.side
        return np.where(over, np.maximum(BLOCK_HEIGHT - (peg[:, 2] - 0.5 * self.config.length), 0.0), 0.0)

    def stages(self) -> dict[str, FloatArray]:
        """(N,) reach, align and insert."""
        peg, hole = self.places(0), self.places(1)
        return {
            "reach": nearness(np.linalg.norm(self.hands - peg, axis=1), 0.2),
            "align": nearness(np.linalg.norm((peg - hole)[:, :2], axis=1), 0.1),
            "insert": self._depth() / self.config.depth,
        }

    def succeeded(self) -> BoolArray:
        """(N,) whether the peg is in."""
        return np.asarray(self._depth() > self.config.depth)

    def _state_names(self) -> tuple[str, ...]:
        return (*self.arm_names(), *self.body_names(0), *self.body_names(1, ("x", "y")))

    def _state(self) -> FloatArray:
        return np.concatenate([self.arm_state(), self.body_state(0), self.places(1)[:, :2]], axis=1)

    def _expert(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        peg, hole, hands = self.places(0), self.places(1), self.hands
        grasp = peg + np.array([0.0, 0.0, GRASP_HEIGHT])
        targets, grip, held = experts.fetch(hands, self.openings, grasp, Pick(), self.config.side)
        above = BLOCK_HEIGHT + 0.5 * self.config.length + 0.02
        seat = np.column_stack([hole[:, :2], np.full(self.num_worlds, above)])
        aside = np.linalg.norm((peg - hole)[:, :2], axis=1)
        place = experts.carry(peg, seat, above)
        ready = aside < 0.0025
        entered = self._depth() > 0.004
        place[ready | entered, 2] = peg[ready | entered, 2] - 0.02
        place[ready | entered, :2] = hole[ready | entered, :2]
        targets[held] = (place + hands - peg)[held]
        inside = self._depth() > self.config.depth
        targets[inside] = hands[inside] + (0.0, 0.0, 0.03)
        grip = np.where(inside, OPEN, np.where(grip > 0, OPEN, CLOSE))
        low = inside & (self.openings < 0.06)
        targets[low] = hands[low]
        return targets, np.where(held, 0.0, experts.square(self.headings(0))), grip


def _block(hole: float) -> tuple[Part, ...]:
    wall, middle = 0.5 * (BLOCK - hole), 0.25 * (BLOCK + hole)
    return (
        Part("box", (BLOCK, wall, BLOCK_HEIGHT), (0.0, middle, 0.5 * BLOCK_HEIGHT)),
        Part("box", (BLOCK, wall, BLOCK_HEIGHT), (0.0, -middle, 0.5 * BLOCK_HEIGHT)),
        Part("box", (wall, hole, BLOCK_HEIGHT), (middle, 0.0, 0.5 * BLOCK_HEIGHT)),
        Part("box", (wall, hole, BLOCK_HEIGHT), (-middle, 0.0, 0.5 * BLOCK_HEIGHT)),
    )
