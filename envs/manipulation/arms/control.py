"""From actions to motor targets, and from where an expert wants the gripper to an action, in every control mode.

The steps are panda-gym's: 5 cm, or 0.05 rad of a joint, for a whole action (Gallouédec et al. 2021).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.manipulation.arms.descriptions import FINGER_TRAVEL
from camshaft.envs.manipulation.arms.kinematics import Kinematics
from camshaft.envs.manipulation.physics.pybullet.world import FEED_FORWARD
from camshaft.envs.rendering.camera import rotation_z

CONTROL_MODES = ("ee_position", "ee_pose", "joint_delta", "joint_velocity")
POSITION_STEP = 0.05  # meters
ANGLE_STEP = 0.25  # rad, of the gripper
JOINT_STEP = 0.05  # rad
JOINT_SPEED = 1.5  # rad/s
OPENING_STEP = 0.2  # meters between the fingers: a whole action always opens or closes
LOWEST = 0.0  # meters, of the grasp point: the finger tips end 7 mm below


class Controller:
    """Turns actions into targets of the motors.

    Args:
        mode: one of CONTROL_MODES.
        kinematics: of the arm.
        fingers: whether the last number of an action moves the fingers; without, they stay as they are.
        period: s, of control.
    """

    def __init__(self, mode: str, kinematics: Kinematics, fingers: bool, period: float) -> None:
        self.mode = mode
        self._kinematics = kinematics
        self._fingers = fingers
        self._period = period
        count = kinematics.model.num_joints
        self._moves = {"ee_position": 3, "ee_pose": 6}.get(mode, count)
        self.size = self._moves + fingers

    def targets(
        self, actions: NDArray[np.float32], joints: FloatArray, yaw: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """(N, A + 2) targets of the motors, rad and meters, and the rates at which to go there, per second.

        Args:
            actions: (N, size) in −1..1.
            joints: (N, A + 2) as they are.
            yaw: (N,) rad, of the gripper in mode "ee_position".
        """
        wanted = actions.astype(np.float64)
        model = self._kinematics.model
        count = model.num_joints
        targets = joints.copy()
        if self.mode == "joint_velocity":
            step = JOINT_SPEED * self._period * wanted[:, :count]
            targets[:, :count] = np.clip(joints[:, :count] + step, model.lower, model.upper)
        elif self.mode == "joint_delta":
            step = JOINT_STEP * wanted[:, :count]
            targets[:, :count] = np.clip(joints[:, :count] + step, model.lower, model.upper)
        else:
            goals = self._goals(wanted, yaw)
            targets[:, :count], _ = self._kinematics.solve(joints[:, :count], goals)
        if self._fingers:
            opening = joints[:, count:].sum(axis=1) + OPENING_STEP * wanted[:, -1]
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
        """(N, size) the actions that bring the gripper, fingers down, nearer to a place.

        Args:
            positions: (N, 3) meters, of the grasp point.
            yaw: (N,) rad, of the gripper.
            grip: (N,) −1 closes, 1 opens.
            joints: (N, A + 2) as they are.
        """
        kinematics = self._kinematics
        now = kinematics.grasp
        away = positions - now[:, :3, 3]
        reach = np.abs(away).max(axis=1, keepdims=True) / POSITION_STEP
        away /= np.maximum(reach, 1.0)
        turn = self._turn_left(yaw)
        actions = np.zeros((len(now), self.size), np.float32)
        if self.mode == "ee_position":
            actions[:, :3] = away / POSITION_STEP
        elif self.mode == "ee_pose":
            actions[:, :3] = away / POSITION_STEP
            actions[:, 3:6] = np.clip(turn / ANGLE_STEP, -1.0, 1.0)
        else:
            count = kinematics.model.num_joints
            goals = now.copy()
            goals[:, :3, 3] += away
            step = np.clip(turn, -ANGLE_STEP, ANGLE_STEP)
            goals[:, :3, :3] = _turned(now[:, :3, :3], step)
            found, _ = kinematics.solve(joints[:, :count], goals)
            change = found - joints[:, :count]
            scale = JOINT_STEP if self.mode == "joint_delta" else JOINT_SPEED * self._period
            change /= np.maximum(np.abs(change).max(axis=1, keepdims=True) / scale, 1.0)
            actions[:, :count] = change / scale
        if self._fingers:
            actions[:, -1] = grip
        return np.clip(actions, -1.0, 1.0)

    def _goals(self, wanted: FloatArray, yaw: FloatArray) -> FloatArray:
        """(N, 4, 4) poses of the grasp point that actions ask for."""
        goals: FloatArray = self._kinematics.grasp.copy()
        goals[:, :3, 3] += POSITION_STEP * wanted[:, :3]
        goals[:, 2, 3] = np.maximum(goals[:, 2, 3], LOWEST)
        if self.mode == "ee_pose":
            goals[:, :3, :3] = _turned(goals[:, :3, :3], ANGLE_STEP * wanted[:, 3:6])
            return goals
        cosine, sine = np.cos(yaw), np.sin(yaw)
        goals[:, :3, :3] = 0.0
        goals[:, 0, 0], goals[:, 1, 0] = cosine, sine
        goals[:, 0, 1], goals[:, 1, 1] = sine, -cosine
        goals[:, 2, 2] = -1.0
        return goals

    def _turn_left(self, yaw: FloatArray) -> FloatArray:
        """(N, 3) rotation vectors to the gripper with its fingers down, turned to `yaw` or half a turn from it."""
        now = self._kinematics.grasp[:, :3, :3]
        turns = np.zeros((len(now), 3))
        for world, pose in enumerate(now):
            heading = np.arctan2(pose[1, 0], pose[0, 0])
            angle = (yaw[world] - heading + 0.5 * np.pi) % np.pi - 0.5 * np.pi
            goal = rotation_z(heading + angle) @ np.diag([1.0, -1.0, -1.0])
            turns[world] = rotation_vector(goal @ pose.T)
        return turns


def rotation_vector(turn: FloatArray) -> FloatArray:
    """(3,) rad of a rotation matrix."""
    axis = 0.5 * np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
    sine = float(np.linalg.norm(axis))
    angle = float(np.arctan2(sine, 0.5 * (np.trace(turn) - 1.0)))
    return axis * (angle / sine) if sine > 1e-9 else axis


def _turned(turns: FloatArray, vectors: FloatArray) -> FloatArray:
    """(N, 3, 3) rotations, turned further about (N, 3) vectors in the world frame."""
    angles = np.linalg.norm(vectors, axis=1)
    axes = vectors / np.maximum(angles, 1e-12)[:, None]
    cross = np.zeros((len(turns), 3, 3))
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = -axes[:, 2], axes[:, 1], -axes[:, 0]
    cross -= cross.transpose(0, 2, 1)
    sine, cosine = np.sin(angles)[:, None, None], np.cos(angles)[:, None, None]
    steps = np.eye(3) + sine * cross + (1.0 - cosine) * (cross @ cross)
    return np.asarray(np.einsum("nij,njk->nik", steps, turns))
