"""State of arms and bodies in all worlds, in the quantities that tasks and experts use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from camshaft.envs.arrays import FloatArray, IntArray
from camshaft.envs.manipulation import intentions
from camshaft.envs.manipulation.arms.kinematics import Kinematics
from camshaft.envs.manipulation.arms.model import ArmModel
from camshaft.envs.manipulation.bodies import Body
from camshaft.envs.manipulation.episode import TableConfig

BODY_STATE = (
    "x", "y", "z", "roll", "pitch", "yaw",
    *(f"{what}_{axis}" for what in ("velocity", "angular_velocity") for axis in "xyz"),
)  # fmt: skip
GRIPPER_AXES = tuple(f"hand_{axis}_axis_{component}" for axis in "xy" for component in "xyz")
ARM_STATE = (*(f"hand_{axis}" for axis in "xyz"), *(f"hand_velocity_{axis}" for axis in "xyz"), "opening")


class TableState:
    """Arms and bodies in N worlds.

    Attributes:
        arm, bodies, table: contents of a world.
        free_bodies: F indices of the bodies that move freely.
        kinematics: kinematics of the arm.
        joints: (N, A + 2) rad of the arm's joints, and meters of both fingers.
        joint_velocities: (N, A + 2) rad/s and m/s.
        poses: (N, B, 7) of the bodies: position in meters, quaternion x, y, z, w.
        velocities: (N, B, 6) of the bodies: m/s and rad/s.
        sliders: (N, B) meters or rad.
    """

    arm: ArmModel
    bodies: tuple[Body, ...]
    free_bodies: list[int]
    table: TableConfig
    kinematics: Kinematics
    joints: FloatArray
    joint_velocities: FloatArray
    poses: FloatArray
    velocities: FloatArray
    sliders: FloatArray

    @property
    def hands(self) -> FloatArray:
        """(N, 3) meters, grasp points: the points between the pads."""
        return np.asarray(self.kinematics.grasp[:, :3, 3])

    @property
    def hand_velocities(self) -> FloatArray:
        """(N, 3) m/s, of the grasp points."""
        rates = self.joint_velocities[:, : self.arm.num_joints]
        return np.einsum("nij,nj->ni", self.kinematics.jacobian[:, :3], rates)

    @property
    def openings(self) -> FloatArray:
        """(N,) meters between the pads."""
        return np.asarray(self.joints[:, self.arm.num_joints :].sum(axis=1))

    def positions(self, index: int) -> FloatArray:
        """(N, 3) meters, of a body."""
        return np.asarray(self.poses[:, index, :3])

    def headings(self, index: int | IntArray) -> FloatArray:
        """(N,) rad, yaw of a body, or of one body (N,) in each world."""
        x, y, z, w = self.poses[np.arange(len(self.poses)), index, 3:].T
        return np.asarray(np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z)))

    def body_state(self, index: int) -> FloatArray:
        """(N, 12) position, roll, pitch, yaw, velocity and angular velocity of a body, in panda-gym's order."""
        x, y, z, w = self.poses[:, index, 3:].T
        roll = np.arctan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y))
        pitch = np.arcsin(np.minimum(np.maximum(2.0 * (w * y - z * x), -1.0), 1.0))
        state = np.empty((len(self.poses), 12))
        state[:, :3] = self.poses[:, index, :3]
        state[:, 3], state[:, 4], state[:, 5] = roll, pitch, self.headings(index)
        state[:, 6:] = self.velocities[:, index]
        return state

    def body_names(self, index: int, columns: Sequence[str] = BODY_STATE) -> tuple[str, ...]:
        """Names of columns about a body, such as "cube_x"; by default those of `body_state`."""
        name = self.bodies[index].name.replace(" ", "_")
        return tuple(f"{name}_{column}" for column in columns)

    def arm_names(self) -> tuple[str, ...]:
        """Names of the columns of `arm_state`."""
        return ARM_STATE if self.table.fingers else ARM_STATE[:-1]

    def arm_state(self) -> FloatArray:
        """(N, 6 or 7) position and velocity of the grasp point and, if the fingers move, their opening."""
        parts = [self.hands, self.hand_velocities]
        if self.table.fingers:
            parts.append(self.openings[:, None])
        return np.concatenate(parts, axis=1)

    def proprioception_names(self) -> tuple[str, ...]:
        """Names of the columns of `proprioception`."""
        numbers = range(1, self.arm.num_joints + 1)
        joints = (*(f"joint_{n}" for n in numbers), *(f"joint_velocity_{n}" for n in numbers))
        return (*joints, *self.arm_names(), *GRIPPER_AXES)

    def proprioception(self) -> FloatArray:
        """(N, P) what an arm knows of itself, and nothing of the bodies.

        Angles (rad) and velocities (rad/s) of its joints; position and velocity of the grasp point (m, m/s) and, if the
        fingers move, their opening (m); the gripper's x and y axes in the world frame, a continuous representation of
        its rotation (Y. Zhou et al., arXiv:1812.07035).
        """
        count = self.arm.num_joints
        axes = self.kinematics.grasp[:, :3, :2].transpose(0, 2, 1).reshape(-1, 6)
        return np.concatenate(
            [self.joints[:, :count], self.joint_velocities[:, :count], self.arm_state(), axes], axis=1
        )

    def intentions(self) -> dict[str, FloatArray]:
        """Auxiliary intentions of SAC-X by name: (N,) rewards in 0..1, for the bodies that move freely."""
        snapshot = intentions.Snapshot(
            self.hands,
            self.openings,
            self.poses[:, self.free_bodies, :3],
            self.velocities[:, self.free_bodies, :3],
        )
        return intentions.rewards(snapshot, [self.bodies[index].name for index in self.free_bodies])
