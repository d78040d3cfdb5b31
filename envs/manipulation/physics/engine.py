"""Choice of the physics engine."""

from __future__ import annotations

from collections.abc import Sequence

from camshaft.envs.manipulation.arms.model import ArmModel
from camshaft.envs.manipulation.bodies import Body, Part
from camshaft.envs.manipulation.physics.pybullet.world import PyBulletWorld
from camshaft.envs.manipulation.physics.world import BodyWorld


def make_world(number: int, arm: ArmModel, bodies: Sequence[Body], table: Sequence[Part]) -> BodyWorld:
    """A world of the engine that the suite runs on; the arguments are those of `BodyWorld`."""
    return PyBulletWorld(number, arm, bodies, table)
