"""Physics of a world of bodies: mechanics, and the guarantees of `BodyWorld`."""

import subprocess
import sys

import numpy as np
import pytest

from camshaft import envs
from camshaft.envs.errors import CamshaftError
from camshaft.envs.manipulation.arms.model import load_arm
from camshaft.envs.manipulation.bodies import Body, Part, Slider, cube
from camshaft.envs.manipulation.physics.engine import make_world
from camshaft.envs.manipulation.physics.world import GRAVITY, SUBSTEPS, TABLE_FRICTION, TIME_STEP, Setup
from camshaft.envs.manipulation.scene.room import table_parts
from camshaft.envs.manipulation.scene.table_scene import slider_frames
from camshaft.envs.rendering.pybullet.links import link_pose, pose_matrices

TABLE = table_parts(1.1, 0.8, -0.3)
UPRIGHT = (0.0, 0.0, 0.0, 1.0)


class Table:
    """A world with some bodies, and their state."""

    def __init__(self, bodies, poses, opening=0.06, joints=None, **changes):
        self.arm = load_arm("panda")
        self.world = make_world(0, self.arm, bodies, TABLE)
        count = len(bodies)
        self.poses = np.array(poses, float).reshape(count, 7)
        self.velocities, self.sliders = np.zeros((count, 6)), np.zeros(count)
        self.joints, self.rates = np.zeros(9), np.zeros(9)
        setup = {
            "joints": np.array(self.arm.description.neutral if joints is None else joints),
            "opening": opening,
            "poses": self.poses.copy(),
            "sliders": np.zeros(count),
            "scales": np.ones(count),
            "masses": np.array([body.mass for body in bodies]),
            "frictions": np.array([body.friction for body in bodies]),
            "variants": np.zeros(count, np.int64),
            **changes,
        }
        self.setup = Setup(**setup)
        self.world.reset(self.setup)
        self.targets = np.concatenate([self.setup.joints, [0.5 * opening] * 2])

    def run(self, steps):
        for _ in range(steps):
            self.world.step(self.targets.tolist(), [0.0] * 9)
            self.joints[:], self.rates[:], poses, velocities, sliders = self.world.read()
            if poses:
                self.poses[self.world.free], self.velocities[self.world.free] = poses, velocities
            self.sliders[self.world.sliding] = sliders
        return self.poses


# Mechanics


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


# Sliders


def flap(**changes):
    """A plate on a hinge that is tilted and off the origin."""
    plate = (Part("box", (0.02, 0.1, 0.06), (0.0, 0.05, 0.03)),)
    values = {"mass": 0.1, "friction": 0.01, **changes}
    slider = Slider(plate, "revolute", (0.03, -0.02, 0.1), (0.0, 0.6, 0.8), 0.0, 1.5, **values)
    return Body("flap", ((Part("box", (0.1, 0.1, 0.02), (0.0, 0.0, 0.01)),),), slider=slider)


def test_a_slider_is_rendered_where_the_physics_has_it():
    pose, angle = (0.2, 0.1, 0.0, 0.0, 0.0, np.sin(0.3), np.cos(0.3)), 0.7
    table = Table([flap()], [pose], sliders=np.array([angle]))
    rendered = pose_matrices(pose) @ slider_frames(flap().slider, np.array([angle]))[0]
    simulated = link_pose(table.world.client, table.world._ids[0], 0)
    np.testing.assert_allclose(rendered, simulated, atol=1e-6)


@pytest.mark.parametrize(("spring", "end"), [(0.0, 0.5), (2.0, 0.0)])
def test_a_spring_pulls_to_the_lower_limit_and_friction_holds(spring, end):
    lid = Slider(
        (Part("box", (0.1, 0.1, 0.01)),), "prismatic", (0, 0, 0.1), (1, 0, 0), 0.0, 0.5, 0.1, 0.5, spring
    )
    body = Body("box", ((Part("box", (0.1, 0.1, 0.02), (0.0, 0.0, 0.01)),),), slider=lid)
    table = Table([body], [(0.1, 0.25, 0.0, *UPRIGHT)], sliders=np.array([0.5]))
    table.run(60)
    assert table.sliders[0] == pytest.approx(end, abs=0.01)


# Guarantees


def pushing(table):
    """Readings while the arm sweeps over the table."""
    readings = []
    for step in range(25):
        targets = table.targets + 0.02 * step * np.array([1, 1, -1, 1, 1, -1, 1, 0, 0])
        table.world.step(targets.tolist(), [0.1] * 9)
        readings.append(table.world.read())
    return readings


@pytest.mark.parametrize("latency", [0, 3])
def test_a_reset_world_equals_a_new_one_bit_for_bit(latency):
    cubes = [cube(f"cube {n}", 0.04, (1, 0, 0), 0.2) for n in range(3)]
    poses = [(0.05, 0.05 * n, 0.02, *UPRIGHT) for n in range(3)]
    table = Table(cubes, poses, latency=latency)
    expected = pushing(table)
    table.world.reset(Table(cubes, poses[::-1], masses=np.full(3, 0.7)).setup)
    pushing(table)
    table.world.reset(table.setup)
    assert pushing(table) == expected == pushing(Table(cubes, poses, latency=latency))


def test_targets_take_effect_after_the_latency():
    moved = []
    for latency in (0, 3, SUBSTEPS - 1):
        table = Table([], [], latency=latency)
        table.targets = table.targets + 0.02
        table.run(1)
        moved.append(np.abs(table.joints[:7] - table.setup.joints).max())
    assert moved[0] > moved[1] > moved[2]


def test_environments_and_driving_do_not_import_pybullet():
    code = (
        "import sys; from camshaft import envs\n"
        "for task in envs.TASKS: task.simulation_class()\n"
        "s = envs.make_simulation('camshaft/LaneKeeping-v0', 1, obs_mode='state'); s.reset(seeds=[0])\n"
        "s.step(s.expert_action())\n"
        "assert not [name for name in sys.modules if name.split('.')[0].startswith('pybullet')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("task", ["camshaft/Reach-v0", "camshaft/GraspClutter-v0"])
@pytest.mark.parametrize("missing", ["pybullet", "pybullet_data"])
def test_a_missing_pybullet_is_named(task, missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    load_arm.cache_clear()
    with pytest.raises(CamshaftError, match="need PyBullet.*Driving tasks work without it"):
        envs.make_simulation(task, 1, obs_mode="state")
