"""Bad input to the environments: clear errors that name what was given and what is accepted."""

import gymnasium
import numpy as np
import pytest

import camshaft.envs.single
from camshaft import envs
from camshaft.envs.errors import CamshaftError, InvalidOption, UnknownName

TASK = "camshaft/LaneKeeping-v0"


@pytest.fixture
def env():
    made = gymnasium.make(TASK, obs_mode="state").unwrapped
    made.reset(seed=0)
    return made


@pytest.fixture
def vector():
    made = gymnasium.make_vec(TASK, num_envs=3, obs_mode="state")
    made.reset(seed=0)
    return made


def test_an_unknown_task_gets_its_nearest_name():
    with pytest.raises(
        UnknownName, match=r"LaneKeping-v0'. Did you mean 'camshaft/LaneKeeping-v0'\?.*camshaft tasks"
    ):
        envs.make_simulation("camshaft/LaneKeping-v0")


@pytest.mark.parametrize("name", ["Push", "Push-v0", "camshaft/Push-v0", "camshaft:camshaft/Push-v0"])
def test_a_task_has_a_short_name(name):
    assert envs.find_task(name).id == "camshaft/Push-v0"


def test_an_unknown_short_name_gets_the_nearest_one():
    with pytest.raises(UnknownName, match=r"'PikAndPlace'. Did you mean 'PickAndPlace'\?"):
        envs.find_task("PikAndPlace")


@pytest.mark.parametrize(("task", "kind"), [("LaneKeeping", "LaneKeepingConfig"), ("Push", "PushConfig")])
def test_a_config_of_another_kind_is_named(task, kind):
    with pytest.raises(InvalidOption, match=f"must be a camshaft.envs.*{kind}, got {{'tolerance': 0.1}}"):
        envs.make_simulation(task, config={"tolerance": 0.1})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"obs_mode": "rbg"}, r"unknown obs_mode 'rbg'. Did you mean 'rgb'\?"),
        ({"obs_mode": "rgb+rgb"}, "twice"),
        ({"obs_mode": ""}, "unknown obs_mode ''"),
        ({"obs_mode": None}, "obs_mode must be text"),
        ({"control_mode": "stering"}, r"Did you mean 'steering'\?"),
        ({"control_mode": ""}, "unknown control_mode ''"),
        ({"reward_mode": "sparce"}, r"Did you mean 'sparse'\?"),
        ({"randomize": "training"}, r"Did you mean 'train'\?"),
        ({"randomize": ""}, "unknown randomize ''"),
        ({"camra": (84, 84)}, r"unknown option of .*'camra'. Did you mean 'camera'\?"),
        ({"camera": (0, 84)}, r"width must be a whole number in 1\.\.8192, got 0"),
        ({"camera": (84, -3)}, "height must be a whole number .* got -3"),
        ({"camera": (84.5, 84)}, "width must be a whole number .* got 84.5"),
        ({"camera": (84, 10**6)}, "got 1000000"),
        ({"camera": {"fov_degrees": float("nan")}}, "finite"),
        ({"camera": {"fov_degrees": 180}}, r"within 1\.\.170, got 180"),
        ({"camera": {"fov": 60}}, r"unknown camera field 'fov'. Did you mean 'fov_degrees'\?"),
        ({"camera": {"near": 2.0, "far": 1.0}}, "near < far, got 2.0 and 1.0"),
        ({"camera": "84x84"}, "camera must be a Camera"),
        ({"num_threads": 0}, "num_threads must be a whole number of at least 1, got 0"),
        ({"max_episode_steps": 0}, "max_episode_steps must be a whole number of at least 1, got 0"),
    ],
)
def test_a_wrong_option_is_named(options, message):
    with pytest.raises(InvalidOption, match=message):
        envs.make_simulation(TASK, 2, **options)


@pytest.mark.parametrize("count", [0, -1, 2.0, True])
def test_a_wrong_number_of_worlds_is_named(count):
    with pytest.raises(InvalidOption, match="num_worlds must be a whole number of at least 1"):
        envs.make_simulation(TASK, count)


def test_an_unknown_render_mode_is_named():
    with pytest.raises(InvalidOption, match="unknown render_mode 'human'. Accepted: None, rgb_array, map"):
        camshaft.envs.single.TaskEnv(TASK, render_mode="human")


@pytest.mark.parametrize("make", [gymnasium.make, gymnasium.make_vec])
def test_worlds_are_the_environments_of_a_vector(make):
    with pytest.raises(InvalidOption, match="num_envs=N"):
        make(TASK, num_worlds=3)


def test_a_camera_is_named_once():
    with pytest.raises(InvalidOption, match="names a camera twice"):
        envs.make_simulation("Lift", camera=("front", "front"))


@pytest.mark.parametrize("shape", [(), (2,), (1, 1)])
def test_a_single_action_of_a_wrong_shape_is_named(env, shape):
    with pytest.raises(InvalidOption, match=r"action must have shape \(1,\), got"):
        env.step(np.zeros(shape, np.float32))


def test_actions_of_a_wrong_shape_are_named(vector):
    with pytest.raises(InvalidOption, match=r"actions must have shape \(3, 1\), got \(2, 1\)"):
        vector.step(np.zeros((2, 1), np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_actions_that_are_not_finite_are_refused_and_change_nothing(vector, value):
    before = vector.simulation.get_state()["vehicles"]
    actions = np.zeros((3, 1), np.float32)
    actions[1] = value
    with pytest.raises(InvalidOption, match="actions must be finite, world 1 was given"):
        vector.step(actions)
    assert (vector.simulation.get_state()["vehicles"] == before).all()
    assert (vector.simulation.elapsed_steps == 0).all()


def test_text_is_no_action(vector):
    with pytest.raises(InvalidOption, match="actions must be numbers"):
        vector.step([["left"], ["right"], ["left"]])


def test_finite_actions_beyond_the_range_are_clipped(vector):
    other = gymnasium.make_vec(TASK, num_envs=3, obs_mode="state")
    other.reset(seed=0)
    for _ in range(3):
        one = vector.step(np.full((3, 1), 50.0, np.float32))[0]
        two = other.step(np.ones((3, 1), np.float32))[0]
    assert (one == two).all()


def test_stepping_before_a_reset_is_refused():
    simulation = envs.make_simulation(TASK, 2, obs_mode="state")
    with pytest.raises(CamshaftError, match=r"worlds \[0, 1\] must be reset before step"):
        simulation.step(np.zeros((2, 1)))
    simulation.reset([1], [0])
    with pytest.raises(CamshaftError, match=r"worlds \[0\] must be reset"):
        simulation.step(np.zeros((2, 1)))


def test_a_closed_environment_says_so(env, vector):
    env.close()
    vector.close()
    for use in (env.reset, env.render, lambda: env.step(np.zeros(1))):
        with pytest.raises(CamshaftError, match="has been closed"):
            use()
    for use in (vector.reset, vector.render, lambda: vector.step(np.zeros((3, 1)))):
        with pytest.raises(CamshaftError, match="has been closed"):
            use()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": [1, 2]}, "a list of 3, got 2 entries"),
        ({"seed": [1, -2, 3]}, "a seed must be a whole number of at least 0, got -2"),
        ({"options": {"worlds": [0, 3]}}, r"within 0\.\.2, got \[0, 3\]"),
        ({"options": {"worlds": [-1]}}, r"within 0\.\.2"),
        ({"options": {"reset_mask": np.array([1, 0, 0])}}, "bool array of shape"),
        ({"options": {"reset_mask": np.array([True])}}, "bool array of shape"),
        ({"options": {"start": 3}}, r"takes no reset options, got \['start'\]"),
    ],
)
def test_a_wrong_reset_is_named(vector, arguments, message):
    with pytest.raises(InvalidOption, match=message):
        vector.reset(**arguments)


def test_a_state_of_another_number_of_worlds_is_refused(vector):
    other = envs.make_simulation(TASK, 2, obs_mode="state")
    other.reset()
    with pytest.raises(InvalidOption, match="the state is of 2 worlds, this simulation has 3"):
        vector.simulation.set_state(other.get_state())
