"""Control modes of the arm: from actions to servo targets, and from a scripted expert's targets to actions.

Step sizes are panda-gym's: 5 cm, or 0.05 rad of a joint, for an action of 1 (Gallouédec et al. 2021).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.manipulation.arms.hand import FINGER_TRAVEL
from camshaft.envs.manipulation.arms.kinematics import Kinematics, pointing_down
from camshaft.envs.manipulation.transforms import rotation_vector, rotations_about
from camshaft.envs.rendering.rotations import rotation_z

CONTROL_MODES = ("ee_position", "ee_pose", "joint_delta", "joint_velocity")
POSITION_STEP = 0.05  # meters
ANGLE_STEP = 0.25  # rad, of the gripper
JOINT_STEP = 0.05  # rad
JOINT_SPEED = 1.5  # rad/s
OPENING_STEP = 0.2  # meters between the fingers: an action of ±1 opens or closes them fully
LOWEST = 0.0  # meters, height of the grasp point; the fingertips are 7 mm lower
FEED_FORWARD = 0.7  # target velocity, as a share of the one that covers the distance in a control step


class Controller:
    """Converts actions into servo targets.

    Args:
        mode: one of CONTROL_MODES.
        kinematics: kinematics of the arm.
        fingers: whether the last component of an action moves the fingers; otherwise they stay closed.
        period: s, duration of a control step.

    Attributes:
        size: number of components of an action.
    """

    def __init__(self, mode: str, kinematics: Kinematics, fingers: bool, period: float) -> None:
        self.mode = mode
        self._kinematics = kinematics
        self._fingers = fingers
        self._period = period
        count = kinematics.model.num_joints
        self.size = {"ee_position": 3, "ee_pose": 6}.get(mode, count) + fingers

    def targets(
        self, actions: NDArray[np.float32], joints: FloatArray, yaw: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Servo targets of actions.

        Args:
            actions: (N, size) in −1..1.
            joints: (N, A + 2) current positions of the arm's joints (rad) and of the fingers (m).
            yaw: (N,) rad, heading of the gripper in mode "ee_position".

        Returns:
            (N, A + 2) positions in rad and m, and (N, A + 2) velocities in rad/s and m/s.
        """
        scaled = actions.astype(np.float64)
        model = self._kinematics.model
        count = model.num_joints
        targets = joints.copy()
        if self.mode in ("joint_delta", "joint_velocity"):
            step = JOINT_STEP if self.mode == "joint_delta" else JOINT_SPEED * self._period
            targets[:, :count] = np.clip(
                joints[:, :count] + step * scaled[:, :count], model.lower, model.upper
            )
        else:
            goals = self._goals(scaled, yaw)
            targets[:, :count], _ = self._kinematics.solve(joints[:, :count], goals)
        if self._fingers:
            opening = joints[:, count:].sum(axis=1) + OPENING_STEP * scaled[:, -1]
            targets[:, count:] = np.minimum(np.maximum(0.5 * opening, 0.0), FINGER_TRAVEL)[:, None]
        else:
            targets[:, count:] = 0.0
        rates = np.zeros_like(targets)
        share = 1.0 if self.mode == "joint_velocity" else FEED_FORWARD
        rates[:, :count] = share / self._period * (targets[:, :count] - joints[:, :count])
        return targets, rates

    def toward(
        self, positions: FloatArray, yaw: FloatArray, grip: FloatArray, joints: FloatArray
    ) -> NDArray[np.float32]:
        """(N, size) actions that bring the gripper, fingers down, closer to a pose.

        Args:
            positions: (N, 3) meters, of the grasp point.
            yaw: (N,) rad, heading of the gripper; half a turn more is as good.
            grip: (N,) −1 closes, 1 opens the fingers.
            joints: (N, A + 2) current positions.
        """
        kinematics = self._kinematics
        grasp = kinematics.grasp
        offset = positions - grasp[:, :3, 3]
        reach = np.abs(offset).max(axis=1, keepdims=True) / POSITION_STEP
        offset /= np.maximum(reach, 1.0)
        turn = self._remaining_turn(yaw)
        actions = np.zeros((len(grasp), self.size), np.float32)
        if self.mode == "ee_position":
            actions[:, :3] = offset / POSITION_STEP
        elif self.mode == "ee_pose":
            actions[:, :3] = offset / POSITION_STEP
            actions[:, 3:6] = np.clip(turn / ANGLE_STEP, -1.0, 1.0)
        else:
            count = kinematics.model.num_joints
            goals = grasp.copy()
            goals[:, :3, 3] += offset
            goals[:, :3, :3] = _turned(grasp[:, :3, :3], np.clip(turn, -ANGLE_STEP, ANGLE_STEP))
            found, _ = kinematics.solve(joints[:, :count], goals)
            change = found - joints[:, :count]
            scale = JOINT_STEP if self.mode == "joint_delta" else JOINT_SPEED * self._period
            change /= np.maximum(np.abs(change).max(axis=1, keepdims=True) / scale, 1.0)
            actions[:, :count] = change / scale
        if self._fingers:
            actions[:, -1] = grip
        return np.clip(actions, -1.0, 1.0)

    def _goals(self, scaled: FloatArray, yaw: FloatArray) -> FloatArray:
        """(N, 4, 4) poses of the grasp point that actions of the modes "ee_*" ask for."""
        grasp = self._kinematics.grasp
        positions = grasp[:, :3, 3] + POSITION_STEP * scaled[:, :3]
        positions[:, 2] = np.maximum(positions[:, 2], LOWEST)
        if self.mode == "ee_position":
            return pointing_down(positions, yaw)
        goals: FloatArray = grasp.copy()
        goals[:, :3, 3] = positions
        goals[:, :3, :3] = _turned(grasp[:, :3, :3], ANGLE_STEP * scaled[:, 3:6])
        return goals

    def _remaining_turn(self, yaw: FloatArray) -> FloatArray:
        """(N, 3) rotation vectors to the gripper with its fingers down, at `yaw` or half a turn from it."""
        rotations = self._kinematics.grasp[:, :3, :3]
        turns = np.zeros((len(rotations), 3))
        for world, rotation in enumerate(rotations):
            heading = np.arctan2(rotation[1, 0], rotation[0, 0])
            angle = (yaw[world] - heading + 0.5 * np.pi) % np.pi - 0.5 * np.pi
            goal = rotation_z(heading + angle) @ np.diag([1.0, -1.0, -1.0])
            turns[world] = rotation_vector(goal @ rotation.T)
        return turns


def _turned(rotations: FloatArray, vectors: FloatArray) -> FloatArray:
    """(N, 3, 3) rotations, followed by rotation vectors (N, 3) in rad, world frame."""
    angles = np.linalg.norm(vectors, axis=1)
    axes = vectors / np.maximum(angles, 1e-12)[:, None]
    return np.asarray(np.einsum("nij,njk->nik", rotations_about(axes, angles), rotations))
