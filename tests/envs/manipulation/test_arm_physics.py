"""Arms at tables: kinematics, and the physics of what they touch."""

import numpy as np
import pybullet
import pytest

from camshaft.envs.manipulation.arms.descriptions import ARMS
from camshaft.envs.manipulation.arms.kinematics import Kinematics, pointing_down
from camshaft.envs.manipulation.arms.model import load_arm
from camshaft.envs.manipulation.bodies import Body, Part, cube
from camshaft.envs.manipulation.physics.pybullet.world import (
    GRAVITY,
    SUBSTEPS,
    TABLE_FRICTION,
    TIME_STEP,
    Setup,
    World,
)
from camshaft.envs.manipulation.scene.table_scene import table_parts

TABLE = table_parts(1.1, 0.8, -0.3)
UPRIGHT = (0.0, 0.0, 0.0, 1.0)


class Table:
    """A world with some bodies, and where they are."""

    def __init__(self, bodies, places, opening=0.06, joints=None, **changes):
        self.arm = load_arm("panda")
        self.world = World(0, self.arm, bodies, TABLE)
        count = len(bodies)
        self.poses = np.array(places, float).reshape(count, 7)
        self.velocities, self.sliders = np.zeros((count, 6)), np.zeros(count)
        self.joints, self.rates = np.zeros(9), np.zeros(9)
        setup = {
            "joints": np.array(self.arm.arm.neutral if joints is None else joints),
            "opening": opening,
            "poses": self.poses,
            "sliders": np.zeros(count),
            "scales": np.ones(count),
            "masses": np.array([body.mass for body in bodies]),
            "frictions": np.array([body.friction for body in bodies]),
            "variants": np.zeros(count, np.int64),
            **changes,
        }
        self.setup = Setup(**setup)
        self.world.build(self.setup)
        self.targets = np.concatenate([self.setup.joints, [0.5 * opening] * 2])

    def run(self, steps):
        for _ in range(steps):
            self.world.hold(self.targets.tolist(), [0.0] * 9)
            self.world.advance()
            self.joints[:], self.rates[:], poses, velocities, sliders = self.world.read()
            if poses:
                self.poses[self.world.free], self.velocities[self.world.free] = poses, velocities
            self.sliders[self.world.sliding] = sliders
        return self.poses


# Arms and kinematics


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
            str(model.urdf), (model.arm.base_x, 0, 0), useFixedBase=True, physicsClientId=client
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
    joints = np.array([model.arm.neutral]) + 0.1
    kinematics.locate(joints)
    jacobian, step = kinematics.jacobian[0, :3].copy(), 1e-6
    for joint in range(model.num_joints):
        places = []
        for sign in (1.0, -1.0):
            moved = joints.copy()
            moved[0, joint] += sign * step
            kinematics.locate(moved)
            places.append(kinematics.grasp[0, :3, 3].copy())
        np.testing.assert_allclose((places[0] - places[1]) / (2 * step), jacobian[:, joint], atol=1e-6)


@pytest.mark.parametrize("name", ARMS)
def test_inverse_kinematics_reaches_the_whole_workspace_within_the_limits(name):
    model = load_arm(name)
    rng = np.random.default_rng(0)
    places = rng.uniform((-0.15, -0.15, 0.0), (0.15, 0.15, 0.3), (50, 3))
    goals = pointing_down(places, rng.uniform(-0.5, 0.5, 50))
    kinematics = Kinematics(model, 50)
    joints = np.tile(np.array(model.arm.neutral), (50, 1))
    for _ in range(5):
        joints, errors = kinematics.solve(joints, goals)
    assert errors.max() < 5e-3
    kinematics.locate(joints)
    np.testing.assert_allclose(kinematics.grasp[:, :3, 3], places, atol=5e-3)
    assert (joints >= model.lower).all() and (joints <= model.upper).all()


# Physics


def test_what_falls_falls_as_galileo_says():
    ball = Body("ball", ((Part("sphere", (0.02,)),),), 0.1)
    table = Table([ball], [(0.1, 0.0, 1.0, *UPRIGHT)])
    height = table.run(6)[0, 2]
    steps = 6 * SUBSTEPS
    expected = 1.0 - 0.5 * GRAVITY * TIME_STEP**2 * steps * (steps + 1)  # semi-implicit Euler
    assert height == pytest.approx(expected, abs=0.01)  # PyBullet's air drags a little


def test_a_stack_stays():
    cubes = [cube(f"cube {n}", 0.04, (1, 0, 0), 0.2) for n in range(4)]
    table = Table(cubes, [(0.15, 0.1, 0.02 + 0.04 * n, *UPRIGHT) for n in range(4)])
    table.run(60)
    np.testing.assert_allclose(table.poses[:, :2], [(0.15, 0.1)] * 4, atol=2e-3)
    np.testing.assert_allclose(table.poses[:, 2], 0.02 + 0.04 * np.arange(4), atol=2e-3)


@pytest.mark.parametrize(("share", "slides"), [(0.8, False), (1.25, True)])
def test_a_cube_slides_on_a_slope_beyond_the_friction_angle(share, slides):
    friction = 0.8
    angle = share * np.arctan(friction * 0.5)
    ramp = Body("ramp", ((Part("box", (0.6, 0.3, 0.02)),),), 0.0, 0.5)
    brick = Body("brick", ((Part("box", (0.06, 0.06, 0.02)),),), 0.5, friction)
    tilt = (0.0, np.sin(0.5 * angle), 0.0, np.cos(0.5 * angle))
    normal = np.array([np.sin(angle), 0.0, np.cos(angle)])
    middle = np.array([0.1, 0.0, 0.5])
    table = Table([ramp, brick], [(*middle, *tilt), *[(*(middle + 0.0201 * normal), *tilt)]])
    table.run(5)
    before = table.poses[1, :3].copy()
    table.run(30)
    moved = float(np.linalg.norm(table.poses[1, :3] - before))
    assert (moved > 0.05) if slides else (moved < 0.005)


def test_friction_brakes_as_coulomb_says():
    puck = Body("puck", ((Part("box", (0.06, 0.06, 0.03)),),), 1.0, 0.2)
    table = Table([puck], [(-0.1, 0.25, 0.015, *UPRIGHT)])
    table.run(2)
    table.world.client.resetBaseVelocity(table.world._ids[0], (0.3, 0.0, 0.0))
    start = table.poses[0, 0]
    table.run(20)
    expected = 0.3**2 / (2 * 0.2 * TABLE_FRICTION * GRAVITY)
    assert table.poses[0, 0] - start == pytest.approx(expected, rel=0.1)
