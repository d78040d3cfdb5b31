"""Arms at tables: control, goals, experts, cameras, bad input."""

import gc
import subprocess
import sys

import gymnasium
import numpy as np
import pybullet
import pytest
from arm_simulations import ARM_TASKS, make

from camshaft import envs
from camshaft.envs.errors import CamshaftError, CorruptFile, InvalidOption
from camshaft.envs.manipulation import intentions
from camshaft.envs.manipulation.arms import urdf
from camshaft.envs.manipulation.arms.control import CONTROL_MODES
from camshaft.envs.manipulation.arms.descriptions import ARMS
from camshaft.envs.manipulation.physics.pybullet.library import data_path
from camshaft.envs.manipulation.tasks.lift import LiftConfig

GOAL_TASKS = [task for task in ARM_TASKS if "goal" in envs.find_task(task).tags]
EPISODES = 12
EXPECTED_SUCCESS = {"camshaft/Slide-v0": 0.8}  # of few episodes; `camshaft bench experts` does many


def trajectory(simulation, steps, seed=0):
    """Everything of the physics, of random actions."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(steps):
        shape = (simulation.num_worlds, *simulation.action_space.shape)
        simulation.step(rng.uniform(-1, 1, shape).astype(np.float32))
        rows.append([simulation.joints.copy(), simulation.joint_velocities.copy(), simulation.poses.copy()])
    return rows


def equal(one, other):
    return all(
        np.array_equal(a, b) for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True)
    )


# Limits


@pytest.mark.parametrize(("mass", "holds"), [(0.2, True), (1.0, True), (60.0, False)])
def test_the_gripper_holds_what_it_should_and_drops_what_is_too_heavy(mass, holds):
    simulation = make("camshaft/Lift-v0", 2, config=LiftConfig(mass=mass))
    for _ in range(55):
        simulation.step(simulation.expert_action())
    assert simulation.succeeded().all() == holds


@pytest.mark.parametrize("mode", CONTROL_MODES)
def test_no_action_asks_for_more_than_the_joints_can(mode):
    simulation = make("camshaft/Lift-v0", 2, control_mode=mode)
    rng = np.random.default_rng(1)
    model, count = simulation.arm, simulation.arm.num_joints
    for step in range(60):
        if step % 20 == 0:
            action = np.sign(rng.uniform(-1, 1, (2, *simulation.action_space.shape))).astype(np.float32)
        targets, _ = simulation.controller.targets(action, simulation.joints, np.zeros(2))
        assert (targets[:, :count] >= model.lower).all() and (targets[:, :count] <= model.upper).all()
        simulation.step(action)


@pytest.mark.parametrize("mode", ["joint_delta", "joint_velocity"])
@pytest.mark.parametrize("joint", [0, 2, 4, 6])
def test_a_joint_stops_at_its_limit(mode, joint):
    simulation = make("camshaft/Reach-v0", 2, control_mode=mode, max_episode_steps=1000)
    action = np.zeros((2, 7), np.float32)
    action[0, joint], action[1, joint] = 1.0, -1.0
    for _ in range(120):
        simulation.step(action)
    model = simulation.arm
    np.testing.assert_allclose(
        simulation.joints[:, joint], (model.upper[joint], model.lower[joint]), atol=0.03
    )


# Determinism


@pytest.mark.parametrize("task", ["camshaft/Push-v0", "camshaft/Stack-v0", "camshaft/TidyUp-v0"])
def test_an_episode_after_others_equals_a_first_one_bit_for_bit(task):
    fresh = make(task, 2, seed=5, randomize="train")
    expected = trajectory(fresh, 40)
    used = make(task, 2, seed=70, randomize="train")
    trajectory(used, 60, seed=3)
    used.reset(seeds=[5, 6])
    assert equal(trajectory(used, 40), expected)


def test_another_process_gives_the_same_bits():
    code = (
        "from camshaft import envs; import numpy as np, hashlib\n"
        "s = envs.make_simulation('camshaft/Push-v0', 1, obs_mode='state'); s.reset(seeds=[3])\n"
        "for _ in range(25): s.step(s.expert_action())\n"
        "print(hashlib.sha256(s.joints.tobytes() + s.poses.tobytes()).hexdigest())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()[-1]
        for _ in range(2)
    }
    assert len(runs) == 1


# Control


@pytest.mark.parametrize("name", ARMS)
def test_a_step_moves_the_gripper_as_far_as_it_says(name):
    simulation = make("camshaft/Reach-v0", arm=name)
    for direction in np.eye(3):
        start = simulation.hands[0].copy()
        for _ in range(2):
            simulation.step(0.5 * direction[None].astype(np.float32))
        for _ in range(2):
            simulation.step(np.zeros((1, 3), np.float32))
        np.testing.assert_allclose(simulation.hands[0] - start, 0.05 * direction, atol=0.006)


@pytest.mark.parametrize("mode", CONTROL_MODES)
@pytest.mark.parametrize("name", ARMS)
def test_the_expert_reaches_in_every_control_mode_with_every_arm(mode, name):
    simulation = make("camshaft/Reach-v0", 3, control_mode=mode, arm=name)
    for _ in range(45):
        measured = simulation.step(simulation.expert_action())
    assert measured.success.all()


def test_turning_the_gripper_turns_it():
    simulation = make("camshaft/Lift-v0", control_mode="ee_pose")
    action = np.zeros((1, 7), np.float32)
    action[0, 5] = 0.4
    before = simulation.kinematics.grasp[0, :3, :3].copy()
    for _ in range(5):
        simulation.step(action)
    turn = simulation.kinematics.grasp[0, :3, :3] @ before.T
    assert np.arctan2(turn[1, 0], turn[0, 0]) == pytest.approx(5 * 0.4 * 0.25, abs=0.05)


# Experts


@pytest.mark.parametrize("task", ARM_TASKS)
@pytest.mark.parametrize("split", [None, "train"])
def test_the_expert_succeeds(task, split):
    simulation = envs.make_simulation(task, EPISODES, obs_mode="state", randomize=split)
    simulation.reset(seeds=list(range(EPISODES)))
    done = np.zeros(EPISODES, bool)
    for _ in range(simulation.max_episode_steps):
        done |= simulation.step(simulation.expert_action()).success
        if done.all():
            break
    bar = EXPECTED_SUCCESS.get(task, 0.9) - (0.15 if split else 0.0)
    assert done.mean() >= bar, np.flatnonzero(~done)


@pytest.mark.parametrize("task", ARM_TASKS)
def test_doing_nothing_does_not_succeed(task):
    simulation = envs.make_simulation(task, EPISODES, obs_mode="state")
    simulation.reset(seeds=list(range(EPISODES)))
    begun = simulation.reset_info(np.arange(EPISODES))["is_success"]
    for _ in range(10):
        measured = simulation.step(np.zeros((EPISODES, *simulation.action_space.shape), np.float32))
    assert (measured.success & ~begun).sum() == 0


# Goals


@pytest.mark.parametrize("task", GOAL_TASKS)
def test_a_goal_may_be_asked_for(task):
    simulation = make(task)
    height = 0.02 if task != "camshaft/Slide-v0" else 0.015
    simulation.reset(options={"goal": (0.1, 0.05, height)})
    np.testing.assert_allclose(simulation.goals[0], (0.1, 0.05, height))


def test_hindsight_replay_learns_from_it():
    from sb3_contrib import TQC
    from stable_baselines3 import HerReplayBuffer

    env = gymnasium.make("camshaft/Push-v0", obs_mode="state", reward_mode="sparse")
    learner = TQC(
        "MultiInputPolicy",
        env,
        replay_buffer_class=HerReplayBuffer,
        replay_buffer_kwargs={"n_sampled_goal": 4},
        learning_starts=120,
        batch_size=32,
        policy_kwargs={"net_arch": [16]},
        seed=0,
    )
    learner.learn(300)
    batch = learner.replay_buffer.sample(256)
    achieved, desired = (batch.next_observations[f"{kind}_goal"].numpy() for kind in ("achieved", "desired"))
    expected = env.unwrapped.compute_reward(achieved, desired)
    np.testing.assert_allclose(batch.rewards.numpy()[:, 0], expected)
    assert (expected == 0.0).mean() > 0.2, "goals in hindsight are reached"


# Intentions


def snapshot(**changes):
    values = {
        "hands": np.array([[0.0, 0.0, 0.3]]),
        "openings": np.array([0.08]),
        "objects": np.array([[(0.0, 0.0, 0.02), (0.0, 0.2, 0.02)]]),
        "velocities": np.zeros((1, 2, 3)),
    }
    return intentions.Snapshot(**(values | changes))


def test_intentions_of_hand_placed_states():
    apart = intentions.rewards(snapshot(), ["a", "b"])
    assert apart["right/a/b"] == 1.0 and apart["left/a/b"] == 0.0 and apart["left/b/a"] == 1.0
    assert apart["close/a/b"] < 1.0 and apart["on_top/a/b"] == 0.0 and apart["move/a"] == 0.0
    stacked = intentions.rewards(
        snapshot(objects=np.array([[(0.0, 0.0, 0.02), (0.005, 0.0, 0.06)]])), ["a", "b"]
    )
    assert stacked["on_top/b/a"] == 1.0 and stacked["above/b/a"] == 1.0 and stacked["on_top/a/b"] == 0.0
    assert stacked["close/a/b"] == 1.0
    held = snapshot(hands=np.array([[0.0, 0.0, 0.02]]), openings=np.array([0.04]))
    assert intentions.rewards(held, ["a", "b"])["grasp/a"] == 1.0
    open_fingers = held._replace(openings=np.array([0.08]))
    assert intentions.rewards(open_fingers, ["a", "b"])["grasp/a"] == 0.0
    assert intentions.rewards(open_fingers, ["a", "b"])["touch/a"] == 1.0
    moving = snapshot(velocities=np.array([[(0.1, 0.0, 0.0), (0.0, 0.0, 0.0)]]))
    assert intentions.move(moving, 0) == 1.0 and intentions.move(moving, 1) == 0.0
    low, high = np.array([-0.1, -0.1, 0.0]), np.array([0.1, 0.1, 0.1])
    assert intentions.inside(snapshot(), 0, low, high) == 1.0
    assert intentions.inside(snapshot(), 1, low, high) == 0.0


def test_intentions_follow_an_expert():
    simulation = make("camshaft/Stack-v0", 2)
    for _ in range(60):
        simulation.step(simulation.expert_action())
    told = simulation.intentions()
    assert (told["on_top/green/red"] == 1.0).all()
    assert all(
        values.shape == (2,) and (values >= 0).all() and (values <= 1).all() for values in told.values()
    )


# Bad input


@pytest.mark.parametrize(
    ("goal", "message"),
    [
        ((2.0, 0.0, 0.1), "out of reach"),
        ((0.1, 0.0, -0.2), "below the table"),
        ((0.1, 0.0), "3 finite numbers"),
        ((0.1, 0.0, float("nan")), "finite"),
        ("there", "3 numbers"),
    ],
)
def test_a_goal_that_cannot_be_is_refused(goal, message):
    simulation = make("camshaft/Reach-v0")
    with pytest.raises(InvalidOption, match=message):
        simulation.reset(options={"goal": goal})


def test_options_that_are_not_there_are_named():
    with pytest.raises(InvalidOption, match="'panda'"):
        make("camshaft/Reach-v0", arm="pand")
    with pytest.raises(InvalidOption, match="'wrist'"):
        make("camshaft/Reach-v0", camera="wrst")
    with pytest.raises(InvalidOption, match="takes no reset options"):
        make("camshaft/Lift-v0").reset(options={"goal": (0, 0, 0)})
    with pytest.raises(InvalidOption, match="ee_position"):
        make("camshaft/Lift-v0", control_mode="ee_positon")


def test_actions_out_of_bounds_are_clipped_and_wrong_ones_refused():
    one, other = make("camshaft/Push-v0"), make("camshaft/Push-v0")
    one.step(np.array([[9.0, -9.0, 0.5]]))
    other.step(np.array([[1.0, -1.0, 0.5]]))
    assert np.array_equal(one.joints, other.joints)
    with pytest.raises(InvalidOption, match="finite"):
        one.step(np.array([[np.nan, 0.0, 0.0]]))
    with pytest.raises(InvalidOption, match="shape"):
        one.step(np.zeros((1, 4)))


def test_a_urdf_that_is_missing_or_broken_is_named(tmp_path, monkeypatch):
    with pytest.raises(CorruptFile, match=r"nothing\.urdf"):
        data_path("franka_panda/nothing.urdf")
    broken = tmp_path / "broken.urdf"
    broken.write_text("<robot><link")
    monkeypatch.setattr(urdf, "data_path", lambda file: broken)
    with pytest.raises(CorruptFile, match="not a URDF"):
        urdf.UrdfFile("broken.urdf")
    broken.write_text("<robot><link name='a'/></robot>")
    with pytest.raises(CorruptFile, match="0 revolute joints"):
        urdf.UrdfFile("broken.urdf").chain(7)


def test_a_lost_connection_is_said():
    simulation = make("camshaft/Push-v0", 2)
    pybullet.disconnect(simulation._worlds[1].client._number)
    with pytest.raises(CamshaftError, match="world 1 has lost its connection"):
        simulation.step(np.zeros((2, 3), np.float32))


# What is left behind


def test_closing_disconnects_and_so_does_forgetting():
    simulation = make("camshaft/Reach-v0", 3)
    numbers = [world.client._number for world in simulation._worlds]
    simulation.close()
    assert not any(pybullet.isConnected(number) for number in numbers)
    simulation = make("camshaft/Reach-v0", 2)
    numbers = [world.client._number for world in simulation._worlds]
    del simulation
    gc.collect()
    assert not any(pybullet.isConnected(number) for number in numbers)


@pytest.mark.slow
def test_a_thousand_resets_do_not_grow_the_memory():
    simulation = make("camshaft/Push-v0", obs_mode="rgb", camera=(32, 32), randomize="train")

    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    def reset(times):
        for _ in range(times):
            simulation.reset()
            simulation.observe()

    reset(200)
    before = resident()
    reset(1000)
    assert resident() - before < 20e6


@pytest.mark.parametrize("task", ["camshaft/Lift-v0", "camshaft/Push-v0"])
def test_proprioception_knows_the_arm_and_nothing_of_the_bodies(task: str) -> None:
    simulation = make(task, 2, obs_mode="state+proprioception", control_mode="joint_velocity", arm="iiwa")
    simulation.step(np.full((2, simulation.action_space.shape[0]), 0.5, np.float32))
    before = simulation.observe()["proprioception"]
    names = simulation.proprioception_names()
    assert before.shape == (2, len(names)) == (2, 20 + ("Lift" in task) + 6)
    assert before[:, :7] == pytest.approx(simulation.joints[:, :7], abs=1e-6)
    assert np.abs(before[:, 7:14]).max() > 0.3
    axes = before[:, -6:].reshape(2, 2, 3)
    assert np.einsum("nij,nkj->nik", axes, axes) == pytest.approx(np.tile(np.eye(2), (2, 1, 1)), abs=1e-5)
    simulation.poses[:, 0, :3] += 0.1
    simulation.goals[:] += 0.1
    assert np.array_equal(simulation.observe()["proprioception"], before)
    assert dict(zip(names, before[0], strict=True))["hand_z"] == pytest.approx(
        simulation.hands[0, 2], abs=1e-6
    )
