"""Forward and inverse kinematics of the arms."""

import numpy as np
import pybullet
import pytest

from camshaft.envs.manipulation.arms.descriptions import ARMS
from camshaft.envs.manipulation.arms.kinematics import Kinematics, pointing_down
from camshaft.envs.manipulation.arms.model import load_arm
from camshaft.envs.manipulation.physics.pybullet.urdf import arm_urdf


@pytest.mark.parametrize("name", ARMS)
def test_forward_kinematics_are_pybullets(name):
    model = load_arm(name)
    kinematics = Kinematics(model, 4)
    rng = np.random.default_rng(0)
    low, high = np.maximum(model.lower, -2.5), np.minimum(model.upper, 2.5)
    joints = rng.uniform(low, high, (4, model.num_joints))
    kinematics.locate(joints)
    client = pybullet.connect(pybullet.DIRECT)
    try:
        robot = pybullet.loadURDF(
            str(arm_urdf(model)), (model.description.base_x, 0, 0), useFixedBase=True, physicsClientId=client
        )
        for row, frames in zip(joints, kinematics.frames, strict=True):
            for joint, angle in enumerate(row):
                pybullet.resetJointState(robot, joint, angle, physicsClientId=client)
            for joint in range(model.num_joints):
                state = pybullet.getLinkState(
                    robot, joint, computeForwardKinematics=True, physicsClientId=client
                )
                np.testing.assert_allclose(frames[joint + 1, :3, 3], state[4], atol=1e-6)
                turn = np.array(pybullet.getMatrixFromQuaternion(state[5])).reshape(3, 3)
                np.testing.assert_allclose(frames[joint + 1, :3, :3], turn, atol=1e-6)
    finally:
        pybullet.disconnect(client)


@pytest.mark.parametrize("name", ARMS)
def test_the_jacobian_is_the_derivative_of_the_grasp_point(name):
    model = load_arm(name)
    kinematics = Kinematics(model, 1)
    joints = np.array([model.description.neutral]) + 0.1
    kinematics.locate(joints)
    jacobian, step = kinematics.jacobian[0, :3].copy(), 1e-6
    for joint in range(model.num_joints):
        positions = []
        for sign in (1.0, -1.0):
            moved = joints.copy()
            moved[0, joint] += sign * step
            kinematics.locate(moved)
            positions.append(kinematics.grasp[0, :3, 3].copy())
        np.testing.assert_allclose((positions[0] - positions[1]) / (2 * step), jacobian[:, joint], atol=1e-6)


@pytest.mark.parametrize("name", ARMS)
def test_inverse_kinematics_reaches_the_whole_workspace_within_the_limits(name):
    model = load_arm(name)
    rng = np.random.default_rng(0)
    positions = rng.uniform((-0.15, -0.15, 0.0), (0.15, 0.15, 0.3), (50, 3))
    goals = pointing_down(positions, rng.uniform(-0.5, 0.5, 50))
    kinematics = Kinematics(model, 50)
    joints = np.tile(np.array(model.description.neutral), (50, 1))
    for _ in range(5):
        joints, errors = kinematics.solve(joints, goals)
    assert errors.max() < 5e-3
    kinematics.locate(joints)
    np.testing.assert_allclose(kinematics.grasp[:, :3, 3], positions, atol=5e-3)
    assert (joints >= model.lower).all() and (joints <= model.upper).all()
