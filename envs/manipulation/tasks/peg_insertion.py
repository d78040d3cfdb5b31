"""Peg insertion: insert a square peg into a square hole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from camshaft.envs.arrays import BoolArray, FloatArray
from camshaft.envs.manipulation import experts
from camshaft.envs.manipulation.bodies import Body, Part
from camshaft.envs.manipulation.episode import EpisodeStart, TableConfig
from camshaft.envs.manipulation.experts import CLOSE, OPEN
from camshaft.envs.manipulation.staged import StagedSimulation, nearness

BLOCK, BLOCK_HEIGHT = 0.1, 0.06  # meters, side and height of the block
GRASP_HEIGHT = 0.025  # meters above the peg's middle


@dataclass(frozen=True)
class PegInsertionConfig:
    """Options of the task.

    Attributes:
        table: the table.
        side, length: meters, width and length of the peg.
        clearance: meters by which the hole is wider than the peg.
        mass, friction: kg, Coulomb coefficient of the peg.
        depth: meters by which the peg must be in the hole.
        spread: meters, side of the squares in which peg and block start.
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
    """Insert a square peg into a square hole.

    Description:
        A peg stands on a table in front of an arm with a parallel gripper, next to a block with a hole that is 6 mm
        wider than the peg. Control runs at 20 Hz, the physics at 200 Hz.

    Observation:
        By `obs_mode`: camera images; "state" (21,) float32: position and velocity of the gripper, its opening;
        position, roll, pitch, yaw, velocity and angular velocity of the peg; x and y of the hole; in m, rad, m/s,
        rad/s.

    Action:
        As in PickAndPlace.

    Reward:
        "dense": `reward/reach`, up to 0.2, closeness of the gripper to the peg; `reward/align`, up to 0.3, closeness of
        the peg to the hole's axis; `reward/insert`, up to 0.3, depth of the peg in the hole; `reward/success`, 1.
        "sparse": `reward/success` alone.

    Success:
        The peg is more than 4 cm deep in the hole.

    Termination:
        None. The time limit of 100 steps truncates.

    Randomization:
        As in Push, except for the size of the peg.

    Source:
        Meta-World's peg-insert-side (Yu et al. 2020), with a vertical hole.
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

    def _sample_start(self, start: EpisodeStart, rng: np.random.Generator) -> None:
        start.scales[0] = 1.0  # the peg must fit the hole
        half = 0.5 * self.config.spread
        side = 1.0 if rng.random() < 0.5 else -1.0
        peg, block = rng.uniform(-half, half, (2, 2))
        start.place(0, (peg[0], peg[1] + side * 0.11, 0.5 * self.config.length), rng.uniform(-0.05, 0.05))
        start.place(1, (block[0], block[1] - side * 0.11, 0.0))

    def _depth(self) -> FloatArray:
        """(N,) meters, depth of the peg in the hole; 0 beside it."""
        peg = self.positions(0)
        over = np.abs((peg - self.positions(1))[:, :2]).max(axis=1) < 0.5 * self.config.side
        return np.where(over, np.maximum(BLOCK_HEIGHT - (peg[:, 2] - 0.5 * self.config.length), 0.0), 0.0)

    def stages(self) -> dict[str, FloatArray]:
        """(N,) progress of reach, align and insert."""
        peg, hole = self.positions(0), self.positions(1)
        return {
            "reach": nearness(np.linalg.norm(self.hands - peg, axis=1), 0.2),
            "align": nearness(np.linalg.norm((peg - hole)[:, :2], axis=1), 0.1),
            "insert": self._depth() / self.config.depth,
        }

    def succeeded(self) -> BoolArray:
        """(N,) whether the peg is inserted."""
        return np.asarray(self._depth() > self.config.depth)

    def _task_state_names(self) -> tuple[str, ...]:
        return self.body_names(1, ("x", "y"))

    def _task_state(self) -> FloatArray:
        return self.positions(1)[:, :2]

    def _expert_targets(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        peg, hole, hands = self.positions(0), self.positions(1), self.hands
        grasp = peg + np.array([0.0, 0.0, GRASP_HEIGHT])
        targets, grip, held = experts.fetch(hands, self.openings, grasp, self.config.side)
        above = BLOCK_HEIGHT + 0.5 * self.config.length + 0.02
        seat = np.column_stack([hole[:, :2], np.full(self.num_worlds, above)])
        aside = np.linalg.norm((peg - hole)[:, :2], axis=1)
        next_peg = experts.carry(peg, seat, above)
        down = (aside < 0.0025) | (self._depth() > 0.004)
        next_peg[down, 2] = peg[down, 2] - 0.02
        next_peg[down, :2] = hole[down, :2]
        targets[held] = (next_peg + hands - peg)[held]
        inside = self._depth() > self.config.depth
        targets[inside] = hands[inside] + (0.0, 0.0, 0.03)
        grip = np.where(inside, OPEN, np.where(grip > 0, OPEN, CLOSE))
        low = inside & (self.openings < 0.06)
        targets[low] = hands[low]
        return targets, np.where(held, 0.0, experts.square(self.headings(0))), grip


def _block(hole: float) -> tuple[Part, ...]:
    """Four walls around a square hole of a width in meters."""
    wall, middle = 0.5 * (BLOCK - hole), 0.25 * (BLOCK + hole)
    return (
        Part("box", (BLOCK, wall, BLOCK_HEIGHT), (0.0, middle, 0.5 * BLOCK_HEIGHT)),
        Part("box", (BLOCK, wall, BLOCK_HEIGHT), (0.0, -middle, 0.5 * BLOCK_HEIGHT)),
        Part("box", (wall, hole, BLOCK_HEIGHT), (middle, 0.0, 0.5 * BLOCK_HEIGHT)),
        Part("box", (wall, hole, BLOCK_HEIGHT), (-middle, 0.0, 0.5 * BLOCK_HEIGHT)),
    )
