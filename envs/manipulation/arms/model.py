"""An arm with its hand as a simulation needs it: its chain of joints, what is drawn of it, and its physics' file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.errors import check_choice
from camshaft.envs.manipulation.arms.descriptions import ARMS, HAND_FILE, WHITE, Arm
from camshaft.envs.manipulation.arms.links import physics_urdf
from camshaft.envs.manipulation.arms.urdf import (
    Shape,
    UrdfFile,
    frame_of,
    joint_limits,
    keep_urdf,
    origin_of,
)


@dataclass(frozen=True, eq=False)
class ArmModel:
    """An arm with its hand, read from its file.

    Attributes:
        arm: which.
        origins: (A, 4, 4) link below from each joint's frame at angle 0; every joint turns about its own z.
        lower, upper: (A,) rad.
        velocities: (A,) rad/s, the fastest.
        hand: (4, 4) last link from hand.
        shapes: of the base, of every link, the hand and both fingers: what is drawn.
        urdf: file for the physics.
    """

    arm: Arm
    origins: FloatArray
    lower: FloatArray
    upper: FloatArray
    velocities: FloatArray
    hand: FloatArray
    shapes: tuple[tuple[Shape, ...], ...]
    urdf: Path

    @property
    def num_joints(self) -> int:
        """A, without the fingers."""
        return len(self.origins)


@cache
def load_arm(name: str) -> ArmModel:
    """Read an arm; its meshes come from the cache of decimated ones.

    Raises:
        UnknownName: no such arm.
        CorruptFile: its URDF is missing, unreadable, or no chain of joints about z.
    """
    arm = ARMS[check_choice("arm", name, ARMS)]
    source = UrdfFile(arm.file)
    joints = source.chain(len(arm.neutral))
    hand = frame_of((0.0, 0.0, arm.hand_offset), (0.0, 0.0, arm.hand_yaw))
    links = [joints[0].find("parent").get("link"), *(joint.find("child").get("link") for joint in joints)]  # type: ignore[union-attr]
    limits = [joint_limits(joint) for joint in joints]
    lower, upper, velocities = (np.array(values) for values in zip(*limits, strict=True))
    franka = UrdfFile(HAND_FILE)
    shapes = [source.shapes(link, arm.color) for link in links]
    gripper = [franka.shapes(link, WHITE) for link in ("panda_hand", "panda_leftfinger", "panda_rightfinger")]
    origins = np.array([origin_of(joint) for joint in joints])
    masses = [source.mass(link) for link in links]
    text = physics_urdf(arm, origins, (lower, upper), masses, shapes, gripper[0], hand)
    return ArmModel(
        arm,
        origins,
        lower,
        upper,
        np.minimum(velocities, math.pi),
        hand,
        (*(tuple(shape) for shape in shapes), *(tuple(shape) for shape in gripper)),
        keep_urdf(arm.name, text),
    )
