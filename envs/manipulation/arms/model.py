"""Model of an arm with its hand: kinematic chain, links for the physics, shapes for the renderer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.errors import check_choice
from camshaft.envs.manipulation.arms.descriptions import ARMS, WHITE, ArmDescription
from camshaft.envs.manipulation.arms.hand import HAND_FILE
from camshaft.envs.manipulation.arms.links import Link, arm_links, finger_link
from camshaft.envs.manipulation.arms.urdf import UrdfFile, VisualShape, joint_limits, origin_of
from camshaft.envs.manipulation.transforms import rigid_transform


@dataclass(frozen=True, eq=False)
class ArmModel:
    """An arm with its hand, read from URDF files.

    Attributes:
        description: the arm's entry in `ARMS`.
        origins: (A, 4, 4) parent link from joint frame at angle 0; every joint turns about its z axis.
        lower, upper: (A,) rad, joint limits.
        hand: (4, 4) last link from hand.
        links: (A + 2,) moving links, the hand being part of the last one, then left and right finger.
        shapes: (A + 4,) visual shapes of the base, every moving link, the hand, left and right finger.
    """

    description: ArmDescription
    origins: FloatArray
    lower: FloatArray
    upper: FloatArray
    hand: FloatArray
    links: tuple[Link, ...]
    shapes: tuple[tuple[VisualShape, ...], ...]

    @property
    def num_joints(self) -> int:
        """A, the number of joints without the fingers."""
        return len(self.origins)


@cache
def load_arm(name: str) -> ArmModel:
    """Load an arm; its meshes come from the cache of decimated ones.

    Raises:
        UnknownName: no such arm.
        CorruptFile: the URDF is missing, unreadable, or not a chain of joints about z.
    """
    description = ARMS[check_choice("arm", name, ARMS)]
    source = UrdfFile(description.file)
    joints = source.chain(len(description.neutral))
    hand = rigid_transform((0.0, 0.0, description.hand_offset), (0.0, 0.0, description.hand_yaw))
    names = [joints[0].find("parent").get("link"), *(joint.find("child").get("link") for joint in joints)]  # type: ignore[union-attr]
    lower, upper = (np.array(values) for values in zip(*map(joint_limits, joints), strict=True))
    franka = UrdfFile(HAND_FILE)
    shapes = [source.shapes(link, description.color) for link in names]
    gripper = [franka.shapes(link, WHITE) for link in ("panda_hand", "panda_leftfinger", "panda_rightfinger")]
    masses = [source.mass(link) for link in names[1:]]
    return ArmModel(
        description,
        np.array([origin_of(joint) for joint in joints]),
        lower,
        upper,
        hand,
        (*arm_links(masses, shapes[1:], gripper[0], hand), finger_link(1.0), finger_link(-1.0)),
        tuple(tuple(shape) for shape in (*shapes, *gripper)),
    )
