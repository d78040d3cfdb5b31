"""Forward and inverse kinematics of an arm, batched over worlds.

Inverse kinematics is damped least squares with a null-space pull toward the neutral pose (Nakamura and Hanafusa 1986;
Siciliano et al., Robotics, section 3.7).
"""

from __future__ import annotations

import math

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.kernels import inlined, kernel
from camshaft.envs.manipulation.arms.hand import GRASP_POINT
from camshaft.envs.manipulation.arms.model import ArmModel

ITERATIONS = 12
DAMPING = 0.03
NULL_GAIN = 0.01
MAX_CHANGE = 0.35  # rad per iteration
TOLERANCE = 1e-5  # meters, rad


class Kinematics:
    """Kinematic chain of an arm in N worlds.

    Attributes:
        frames: (N, A + 2, 4, 4) world from base, links and hand, as of the last call of `locate`.
        grasp: (N, 4, 4) world from grasp point, the point between the pads: z along the fingers, y along their opening.
        jacobian: (N, 6, A) Jacobian of the grasp point: joint velocities to linear (m/s) and angular velocity (rad/s),
            world frame.
    """

    def __init__(self, model: ArmModel, num_worlds: int) -> None:
        count = model.num_joints
        self.model = model
        self._base = np.eye(4)
        self._base[0, 3] = model.description.base_x
        tool = np.eye(4)
        tool[2, 3] = GRASP_POINT
        self._hand, self._tool = model.hand, tool
        self.frames = np.zeros((num_worlds, count + 2, 4, 4))
        self.frames[..., 3, 3] = 1.0
        self.grasp = np.tile(np.eye(4), (num_worlds, 1, 1))
        self.jacobian = np.zeros((num_worlds, 6, count))
        self._scratch_frames = self.frames[:1].copy()
        self._scratch_grasp = self.grasp[:1].copy()
        self._scratch_jacobian = self.jacobian[:1].copy()
        self._matrix, self._vectors = np.zeros((6, 6)), np.zeros((3, 6))
        self._pull = np.zeros(count)
        self._neutral = np.array(model.description.neutral)
        self._errors = np.zeros(num_worlds)

    def locate(self, joints: FloatArray) -> None:
        """Forward kinematics: fill `frames`, `grasp` and `jacobian` for joint angles (N, A)."""
        forward(
            joints,
            self._base,
            self.model.origins,
            self._hand,
            self._tool,
            self.frames,
            self.grasp,
            self.jacobian,
        )

    def solve(self, joints: FloatArray, goals: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Inverse kinematics: joint angles that bring the grasp point to a pose.

        Args:
            joints: (N, A) rad, initial guess.
            goals: (N, 4, 4) world from grasp point.

        Returns:
            (N, A) rad within the joint limits, and (N,) the largest component of the remaining error, in m or rad.
        """
        found = joints.copy()
        errors = np.zeros(len(found))
        inverse(
            found,
            goals,
            self._base,
            self.model.origins,
            self._hand,
            self._tool,
            self._neutral,
            self.model.lower,
            self.model.upper,
            self._scratch_frames,
            self._scratch_grasp,
            self._scratch_jacobian,
            self._matrix,
            self._vectors,
            self._pull,
            errors,
        )
        return found, errors


def pointing_down(positions: FloatArray, yaw: FloatArray | float = 0.0) -> FloatArray:
    """(N, 4, 4) poses of the grasp point at (N, 3) positions, fingers down, opening along y at yaw 0 (rad)."""
    poses = np.zeros((len(positions), 4, 4))
    cosine, sine = np.cos(yaw), np.sin(yaw)
    poses[:, 0, 0], poses[:, 1, 0] = cosine, sine
    poses[:, 0, 1], poses[:, 1, 1] = sine, -np.asarray(cosine)
    poses[:, 2, 2] = -1.0
    poses[:, :3, 3] = positions
    poses[:, 3, 3] = 1.0
    return poses


@inlined
def _multiply(a, b, out):  # type: ignore[no-untyped-def]
    """Product of rigid (4, 4) matrices."""
    for row in range(3):
        for column in range(4):
            value = a[row, 0] * b[0, column] + a[row, 1] * b[1, column] + a[row, 2] * b[2, column]
            out[row, column] = value + (a[row, 3] if column == 3 else 0.0)


@inlined
def _chain(world, joints, base, origins, hand, tool, frames, grasp, jacobian):  # type: ignore[no-untyped-def]
    count = origins.shape[0]
    for row in range(3):
        for column in range(4):
            frames[world, 0, row, column] = base[row, column]
    for joint in range(count):
        here = frames[world, joint + 1]
        _multiply(frames[world, joint], origins[joint], here)
        cosine, sine = math.cos(joints[joint]), math.sin(joints[joint])
        for row in range(3):
            x, y = here[row, 0], here[row, 1]
            here[row, 0], here[row, 1] = cosine * x + sine * y, cosine * y - sine * x
    _multiply(frames[world, count], hand, frames[world, count + 1])
    _multiply(frames[world, count + 1], tool, grasp[world])
    for joint in range(count):
        here = frames[world, joint + 1]
        x, y, z = here[0, 2], here[1, 2], here[2, 2]
        dx = grasp[world, 0, 3] - here[0, 3]
        dy = grasp[world, 1, 3] - here[1, 3]
        dz = grasp[world, 2, 3] - here[2, 3]
        jacobian[world, 0, joint] = y * dz - z * dy
        jacobian[world, 1, joint] = z * dx - x * dz
        jacobian[world, 2, joint] = x * dy - y * dx
        jacobian[world, 3, joint] = x
        jacobian[world, 4, joint] = y
        jacobian[world, 5, joint] = z


@kernel
def forward(joints, base, origins, hand, tool, frames, grasp, jacobian):  # type: ignore[no-untyped-def]
    """Fill frames, grasp and jacobian; see `Kinematics`."""
    for world in range(joints.shape[0]):
        _chain(world, joints[world], base, origins, hand, tool, frames, grasp, jacobian)


@inlined
def _pose_error(goal, now, error):  # type: ignore[no-untyped-def]
    """Fill the offset (m) and the rotation vector (rad) from a pose to a goal; the largest component is returned."""
    for row in range(3):
        error[row] = goal[row, 3] - now[row, 3]
    # half the sum of the cross products of the axes: the rotation vector for small angles, sin for larger ones
    x = y = z = 0.0
    trace = 0.0
    for axis in range(3):
        a0, a1, a2 = now[0, axis], now[1, axis], now[2, axis]
        b0, b1, b2 = goal[0, axis], goal[1, axis], goal[2, axis]
        x += 0.5 * (a1 * b2 - a2 * b1)
        y += 0.5 * (a2 * b0 - a0 * b2)
        z += 0.5 * (a0 * b1 - a1 * b0)
        trace += a0 * b0 + a1 * b1 + a2 * b2
    sine = math.sqrt(x * x + y * y + z * z)
    angle = math.atan2(sine, 0.5 * (trace - 1.0))
    scale = angle / sine if sine > 1e-9 else 1.0
    error[3], error[4], error[5] = x * scale, y * scale, z * scale
    worst = 0.0
    for row in range(6):
        worst = max(worst, abs(error[row]))
    return worst


@inlined
def _cholesky_solve(matrix, right):  # type: ignore[no-untyped-def]
    """Solve a positive definite (6, 6) system in place."""
    for column in range(6):
        for row in range(column, 6):
            value = matrix[row, column]
            for inner in range(column):
                value -= matrix[row, inner] * matrix[column, inner]
            matrix[row, column] = math.sqrt(value) if row == column else value / matrix[column, column]
    for row in range(6):
        value = right[row]
        for inner in range(row):
            value -= matrix[row, inner] * right[inner]
        right[row] = value / matrix[row, row]
    for step in range(6):
        row = 5 - step
        value = right[row]
        for inner in range(row + 1, 6):
            value -= matrix[inner, row] * right[inner]
        right[row] = value / matrix[row, row]


@kernel
def inverse(  # type: ignore[no-untyped-def]
    joints,
    goals,
    base,
    origins,
    hand,
    tool,
    neutral,
    lower,
    upper,
    frames,
    grasp,
    jacobian,
    matrix,
    vectors,
    pull,
    errors,
):
    """Iterate joints (N, A) in place until the grasp points are at goals (N, 4, 4); see `Kinematics.solve`."""
    count = origins.shape[0]
    error, right = vectors[0], vectors[1]
    for world in range(joints.shape[0]):
        angles = joints[world]
        for iteration in range(ITERATIONS + 1):
            _chain(0, angles, base, origins, hand, tool, frames, grasp, jacobian)
            errors[world] = _pose_error(goals[world], grasp[0], error)
            if errors[world] < TOLERANCE or iteration == ITERATIONS:
                break
            for joint in range(count):
                pull[joint] = NULL_GAIN * (neutral[joint] - angles[joint]) if count > 6 else 0.0
            for row in range(6):
                value = error[row]
                for joint in range(count):
                    value -= jacobian[0, row, joint] * pull[joint]
                right[row] = value
                for column in range(row + 1):
                    product = DAMPING * DAMPING if row == column else 0.0
                    for joint in range(count):
                        product += jacobian[0, row, joint] * jacobian[0, column, joint]
                    matrix[row, column] = product
            _cholesky_solve(matrix, right)
            for joint in range(count):
                change = pull[joint]
                for row in range(6):
                    change += jacobian[0, row, joint] * right[row]
                change = min(max(change, -MAX_CHANGE), MAX_CHANGE)
                angles[joint] = min(max(angles[joint] + change, lower[joint]), upper[joint])
