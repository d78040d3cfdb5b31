"""What every registered task must hold to."""

import gc
import re
import subprocess
import sys
import time
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.env_checker import check_env as check_env_for_sb3

from camshaft import envs
from camshaft.envs.errors import InvalidOption
from camshaft.envs.goal import GoalSimulation
from camshaft.envs.rendering import LABELS

SMALL = {"camera": (48, 40), "randomize": "train"}
SECTIONS = (
    "Description:",
    "Observation:",
    "Action:",
    "Reward:",
    "Success:",
    "Termination:",
    "Randomization:",
    "Source:",
)
every_task = pytest.mark.parametrize("task", envs.TASK_IDS)


def random_action(space, rng, size=0.2):
    """A gentle action of a space, single or batched."""
    if isinstance(space, gymnasium.spaces.Discrete):
        return int(rng.integers(space.n))
    if isinstance(space, gymnasium.spaces.MultiDiscrete):
        return rng.integers(space.nvec)
    return rng.uniform(-size, size, space.shape).astype(np.float32)


def drive(env, steps, seed=0):
    """Observations, rewards and infos of random actions from a seed of their own."""
    rng = np.random.default_rng(seed)
    return [env.step(random_action(env.action_space, rng)) for _ in range(steps)]


def is_driving(task):
    return "driving" in envs.find_task(task).tags


def state_of(observation):
    """The state in an observation, whatever it is named there."""
    if not isinstance(observation, dict):
        return observation
    return observation["state"] if "state" in observation else observation["observation"]


def same(one, other):
    """Whether nested observations, rewards or infos are equal to the bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, np.ndarray) and one.dtype == object:
        return same(list(one), list(other))
    return np.array_equal(np.asarray(one), np.asarray(other))


@every_task
@pytest.mark.parametrize("obs_mode", ["rgb", "state", "rgb+depth+segmentation+state"])
def test_gymnasium_and_sb3_find_no_fault(task, obs_mode):
    env = gymnasium.make(task, obs_mode=obs_mode, render_mode="rgb_array", **SMALL)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if "depth" in obs_mode:
            # Gymnasium and SB3 remark on single-channel images, which depth and labels are.
            warnings.filterwarnings("ignore", message=".*image.*")
        check_env(env.unwrapped)
        check_env_for_sb3(env.unwrapped)
    env.close()


@every_task
def test_a_seed_decides_everything_also_after_a_reset_without_one(task):
    runs = []
    for _ in range(2):
        env = gymnasium.make(task, obs_mode="rgb+state", **SMALL)
        run = [env.reset(seed=7), drive(env, 15), env.reset(), drive(env, 15, seed=1)]
        runs.append(run)
        env.close()
    assert same(runs[0], runs[1])
    assert not same(runs[0][0], runs[0][2])


@every_task
def test_start_varies_with_the_seed(task):
    env = gymnasium.make(task, obs_mode="rgb+state", **SMALL)
    starts = [env.reset(seed=seed)[0] for seed in range(4)]
    assert len({state_of(start).tobytes() for start in starts}) == 4
    assert len({start["rgb"].tobytes() for start in starts}) == 4


@every_task
@pytest.mark.parametrize("split", [None, "train", "test"])
def test_frames_are_real_pictures(task, split):
    env = gymnasium.make(task, obs_mode="rgb+segmentation+depth", camera=(64, 64), randomize=split)
    first, _ = env.reset(seed=3)
    for _ in range(20):
        observation, *_ = env.step(env.unwrapped.simulation.expert_action()[0])
    labels = observation["segmentation"][..., 0]
    assert observation["rgb"].std() > 15
    assert np.ptp(observation["rgb"].mean(axis=(0, 1))) > 0, "colors, not grays"
    assert (labels[-8:] != LABELS["sky"]).all(), "the ground belongs below"
    assert len(np.unique(labels)) >= 3
    (camera,) = env.unwrapped.simulation.cameras.values()
    if is_driving(task) and camera.pitch_degrees < 45.0:
        assert (labels[:4] == LABELS["sky"]).mean() > 0.2, "sky belongs on top"
        assert LABELS["road"] in labels[-8:]
        assert np.median(observation["depth"][-1]) < np.median(observation["depth"][40]), (
            "near below, far above"
        )
    if not is_driving(task):
        assert (observation["rgb"] != first["rgb"]).mean() > 0.02
        return
    later = observation
    for _ in range(10):
        later, *_ = env.step(env.unwrapped.simulation.expert_action()[0])
    assert (later["rgb"] != observation["rgb"]).mean() > 0.02


@every_task
def test_frames_are_the_same_after_a_garbage_collection(task):
    env = gymnasium.make(task, obs_mode="rgb", **SMALL)
    env.reset(seed=0)
    before = env.unwrapped.simulation.observe()
    gc.collect()
    assert same(before, env.unwrapped.simulation.observe())


@every_task
def test_eight_worlds_equal_eight_singles_through_autoreset(task):
    options = {"obs_mode": "rgb+state", "max_episode_steps": 6, **SMALL}
    vector = gymnasium.make_vec(task, num_envs=8, **options)
    singles = [gymnasium.make(task, **options) for _ in range(8)]
    observations, _ = vector.reset(seed=40)
    starts = [single.reset(seed=40 + world)[0] for world, single in enumerate(singles)]
    rng = np.random.default_rng(0)
    for world, start in enumerate(starts):
        assert same({part: values[world] for part, values in observations.items()}, start)
    for step in range(15):
        actions = random_action(vector.action_space, rng, 0.3)
        observations, rewards, terminated, truncated, info = vector.step(actions)
        for world, single in enumerate(singles):
            seen, reward, ended, cut, single_info = single.step(actions[world])
            assert rewards[world] == reward
            assert (terminated[world], truncated[world]) == (ended, cut), step
            told = info
            if ended or cut:
                assert same(info["final_obs"][world], seen)
                told = info["final_info"]
                seen, _ = single.reset()
            assert same({part: values[world] for part, values in observations.items()}, seen)
            for name, value in single_info.items():
                assert told[name][world] == value, name
                assert told[f"_{name}"][world]


@every_task
def test_autoreset_is_declared_and_keeps_the_last_observation(task):
    vector = gymnasium.make_vec(task, num_envs=3, obs_mode="state", max_episode_steps=4)
    assert vector.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    vector.reset(seed=0)
    still = np.zeros((3, *vector.single_action_space.shape), vector.single_action_space.dtype)
    for _ in range(3):
        observation, _, _, truncated, info = vector.step(still)
        assert "final_obs" not in info
        assert not truncated.any()
    observation, _, _, truncated, info = vector.step(still)
    assert truncated.all()
    assert info["_final_obs"].all()
    assert not same(state_of(observation)[0], state_of(info["final_obs"][0]))
    assert info["final_info"]["is_success"].dtype == bool


@every_task
@pytest.mark.parametrize(
    "options", [{"worlds": [1, 3]}, {"reset_mask": np.array([False, True, False, True])}]
)
def test_a_partial_reset_leaves_the_other_worlds_alone(task, options):
    vector = gymnasium.make_vec(task, num_envs=4, obs_mode="rgb+state", **SMALL)
    undisturbed = gymnasium.make_vec(task, num_envs=4, obs_mode="rgb+state", **SMALL)
    vector.reset(seed=5)
    undisturbed.reset(seed=5)
    before = drive(vector, 5)[-1][0]
    drive(undisturbed, 5)
    after, info = vector.reset(options=options)
    for world in (0, 2):
        assert same(before["rgb"][world], after["rgb"][world])
    for world in (1, 3):
        assert not same(state_of(before)[world], state_of(after)[world])
    assert info["_is_success"].tolist() == [False, True, False, True]
    one, other = drive(vector, 5, seed=2)[-1][0], drive(undisturbed, 5, seed=2)[-1][0]
    for world in (0, 2):
        assert same(one["rgb"][world], other["rgb"][world])


def expert_trace(task, seeds, steps, resets=()):
    """Expert actions, observations and measurements of each step; at the steps `resets`, world 1 is reset."""
    simulation = envs.make_simulation(task, len(seeds), obs_mode="state", randomize="train")
    simulation.reset(seeds=seeds)
    trace = []
    for step in range(steps):
        if step in resets:
            simulation.reset([1], [100 + step])
        action = simulation.expert_action()
        measured = simulation.step(action)
        flags = measured.terminated, measured.success
        trace.append([action, simulation.observe(), measured.reward, flags, measured.info])
    simulation.close()
    return trace


def world_of(values, world):
    """The row of one world in nested arrays."""
    if isinstance(values, dict):
        return {name: world_of(entry, world) for name, entry in values.items()}
    if isinstance(values, tuple | list):
        return [world_of(entry, world) for entry in values]
    return values[world]


@every_task
def test_a_world_depends_on_its_own_seed_and_actions_alone(task):
    steps, resets, last = 40, range(2, 25, 2), 24
    alone, undisturbed = expert_trace(task, [1], steps), expert_trace(task, [1, 2, 3], steps)
    disturbed = expert_trace(task, [1, 2, 3], steps, resets)
    fresh = expert_trace(task, [100 + last], steps - last)
    for step in range(steps):
        for world in (0, 2):
            assert same(world_of(disturbed[step], world), world_of(undisturbed[step], world)), (step, world)
        assert same(world_of(disturbed[step], 0), world_of(alone[step], 0)), step
        if step >= last:
            assert same(world_of(disturbed[step], 1), world_of(fresh[step - last], 0)), step
    assert not same(world_of(disturbed[-1], 1), world_of(undisturbed[-1], 1))


@every_task
def test_a_refused_reset_changes_nothing(task):
    asked, plain = (envs.make_simulation(task, 2, obs_mode="state") for _ in range(2))
    for simulation in (asked, plain):
        simulation.reset(seeds=[1, 2])
    for _ in range(3):
        asked.step(asked.expert_action())
        plain.step(plain.expert_action())
    with pytest.raises(InvalidOption, match="reset option"):
        asked.reset(seeds=[3, 4], options={"gaol": (0.0, 0.0, 0.0)})
    for _ in range(3):
        asked.step(asked.expert_action())
        plain.step(plain.expert_action())
        assert same(asked.observe(), plain.observe())
    assert same(asked.seeds, plain.seeds) and same(asked.elapsed_steps, plain.elapsed_steps)
    asked.close()
    plain.close()


@every_task
def test_asking_the_expert_and_displaced_views_changes_nothing(task):
    asked, plain = (envs.make_simulation(task, 2, obs_mode="state", randomize="train") for _ in range(2))
    for simulation in (asked, plain):
        simulation.reset(seeds=[1, 2])
    rng = np.random.default_rng(0)
    for _ in range(40):
        actions = np.stack([random_action(asked.action_space, rng) for _ in range(2)])
        asked.expert_action()
        if is_driving(task):
            asked.displaced_views(np.full(2, 0.4), np.full(2, 0.1))
        measured = [simulation.step(actions) for simulation in (asked, plain)]
        assert same(measured[0].reward, measured[1].reward)
        assert same(asked.observe(), plain.observe())
    asked.close()
    plain.close()


@pytest.mark.parametrize("task", [task for task in envs.TASK_IDS if "Parking" not in task])
def test_an_expert_answers_as_if_it_had_been_asked_all_along(task):  # that of Parking plans when first asked
    asked, silent = (envs.make_simulation(task, 2, obs_mode="state", randomize="train") for _ in range(2))
    driver = envs.make_simulation(task, 2, obs_mode="state", randomize="train")
    for simulation in (asked, silent, driver):
        simulation.reset(seeds=[1, 2])
    for _ in range(60):
        actions = driver.expert_action()
        asked.expert_action()
        for simulation in (asked, silent, driver):
            simulation.step(actions)
    assert same(asked.expert_action(), silent.expert_action())
    for simulation in (asked, silent, driver):
        simulation.close()


@every_task
def test_one_world_is_seen_before_the_others_have_been_reset(task):
    simulation = gymnasium.make_vec(task, num_envs=3, obs_mode="rgb+state", **SMALL).unwrapped.simulation
    simulation.reset([1], [4])
    alone = simulation.observe(np.array([1]))
    simulation.reset([0, 1, 2], [3, 4, 5])
    together = simulation.observe()
    for part, values in alone.items():
        assert same(values[0], together[part][1])


@every_task
def test_observations_share_no_memory(task):
    vector = gymnasium.make_vec(task, num_envs=2, obs_mode="rgb+state", max_episode_steps=5, **SMALL)
    kept = [vector.reset(seed=0)[0]]
    copies = [{part: values.copy() for part, values in kept[0].items()}]
    for observation, *_ in drive(vector, 7):
        kept.append(observation)
        copies.append({part: values.copy() for part, values in observation.items()})
    assert same(kept, copies)
    arrays = [values for observation in kept for values in observation.values()]
    for index, one in enumerate(arrays):
        assert not any(np.shares_memory(one, other) for other in arrays[index + 1 :])


@every_task
def test_every_column_of_the_state_has_a_name(task):
    simulation = envs.make_simulation(task, obs_mode="state")
    names = simulation.state_names
    simulation.reset(seeds=[0])
    assert len(set(names)) == len(names) == state_of(simulation.observe()).shape[1]
    assert all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in names)


@every_task
def test_no_element_of_the_state_is_constant(task):
    vector = gymnasium.make_vec(task, num_envs=8, obs_mode="state", randomize="train")
    vector.reset(seed=0)
    seen = []
    rng = np.random.default_rng(0)
    for _ in range(300):  # right turns and people who cross are met now and then
        action = vector.unwrapped.simulation.expert_action()
        if np.issubdtype(action.dtype, np.floating):
            action += rng.normal(0, 0.02, action.shape).astype(np.float32)
        observation = vector.step(action)[0]
        seen.append(state_of(observation))
    seen = np.concatenate(seen)
    names = vector.unwrapped.simulation.state_names
    assert (seen.std(axis=0) > 1e-4).all(), [names[n] for n in np.flatnonzero(seen.std(axis=0) <= 1e-4)]
    assert vector.observation_space.contains(observation)


@every_task
def test_get_state_and_set_state_replay_to_the_bit(task):
    options = {"obs_mode": "rgb+state", **SMALL}
    one = envs.make_simulation(task, 3, **options)
    one.reset(seeds=[1, 2, 3])
    rng = np.random.default_rng(0)
    space = gymnasium.vector.utils.batch_space(one.action_space, 3)
    actions = [random_action(space, rng, 0.1) for _ in range(30)]
    for action in actions[:10]:
        one.step(action)
    saved = one.get_state()

    def future(simulation):
        trace = []
        for action in actions[10:]:
            measured = simulation.step(action)
            trace.append((simulation.observe(), measured.reward, measured.info))
        simulation.reset([1])
        return [*trace, simulation.observe()]

    expected = future(one)
    one.set_state(saved)
    assert same(future(one), expected)
    fresh = envs.make_simulation(task, 3, **options)
    fresh.set_state(saved)
    assert same(future(fresh), expected)


@every_task
def test_the_number_of_threads_changes_nothing(task):
    runs = []
    for threads in (1, 2, 5):
        vector = gymnasium.make_vec(task, num_envs=5, obs_mode="rgb+depth", num_threads=threads, **SMALL)
        runs.append([vector.reset(seed=3)[0], drive(vector, 8)])
    assert same(runs[0], runs[1])
    assert same(runs[0], runs[2])


@every_task
def test_random_actions_give_finite_numbers(task):
    options = {"obs_mode": "rgb+depth+state", "max_episode_steps": 120, **SMALL}
    vector = gymnasium.make_vec(task, num_envs=4, **options)
    vector.reset(seed=0)
    vector.action_space.seed(0)
    episodes = 0
    for _ in range(300):
        observation, reward, terminated, truncated, info = vector.step(vector.action_space.sample())
        episodes += int((terminated | truncated).sum())
        assert np.isfinite(state_of(observation)).all()
        assert np.isfinite(observation["depth"]).all()
        assert np.isfinite(reward).all()
        assert all(np.isfinite(info[name]).all() for name in info if name.startswith("reward/"))
    assert episodes > 0


@every_task
@pytest.mark.parametrize("part", ["rgb", "depth", "segmentation", "instances", "state"])
def test_every_part_is_what_its_space_promises(task, part):
    env = gymnasium.make(task, obs_mode=part, camera=(40, 24))
    observation, _ = env.reset(seed=1)
    assert env.observation_space.contains(observation)
    if part != "state":
        assert observation.shape == (24, 40, 3 if part == "rgb" else 1)
        assert len(np.unique(observation)) > 1
    both = gymnasium.make(task, obs_mode=f"{part}+state" if part != "state" else "state+rgb", camera=(40, 24))
    joined, _ = both.reset(seed=1)
    assert same(joined[part] if part in joined else state_of(joined), state_of(observation))


@every_task
def test_every_part_of_the_state_and_every_control_mode_works(task):
    simulation = envs.find_task(task).simulation_class()
    for part in simulation.state_parts:
        env = gymnasium.make(task, obs_mode=part)
        observation, _ = env.reset(seed=1)
        assert env.observation_space.contains(observation), part
        env.close()
    for mode in simulation.control_modes:
        for reward_mode in simulation.reward_modes:
            env = gymnasium.make(task, obs_mode="state", control_mode=mode, reward_mode=reward_mode)
            env.reset(seed=1)
            for _ in range(5):
                action = env.unwrapped.simulation.expert_action()[0]
                assert env.action_space.contains(action), mode
                _, reward, _, _, info = env.step(action)
                terms = [value for name, value in info.items() if name.startswith("reward/")]
                assert reward == pytest.approx(sum(terms))
            env.close()


@every_task
def test_goals_follow_the_convention(task):
    env = gymnasium.make(task, obs_mode="state")
    simulation = env.unwrapped.simulation
    assert isinstance(simulation, GoalSimulation) == ("goal" in envs.find_task(task).tags)
    if not isinstance(simulation, GoalSimulation):
        assert not hasattr(env.unwrapped, "compute_reward"), "by which others tell goal environments"
        return
    assert not hasattr(gymnasium.make(task, obs_mode="rgb").unwrapped, "compute_reward")
    observation, _ = env.reset(seed=0)
    assert set(observation) == {"observation", "achieved_goal", "desired_goal"}
    for reward_mode in simulation.reward_modes:
        env = gymnasium.make(task, obs_mode="state", reward_mode=reward_mode)
        env.reset(seed=0)
        achieved, desired, rewards = [], [], []
        for _ in range(30):
            observation, reward, _, _, info = env.step(env.unwrapped.simulation.expert_action()[0])
            achieved.append(observation["achieved_goal"])
            desired.append(observation["desired_goal"])
            rewards.append(info.get("reward/goal", reward))
            one = env.unwrapped.compute_reward(achieved[-1], desired[-1], info)
            assert one == pytest.approx(rewards[-1], abs=1e-5)
        many = env.unwrapped.compute_reward(np.array(achieved), np.array(desired), [{}] * 30)
        np.testing.assert_allclose(many, rewards, atol=1e-5)
        at_goal = env.unwrapped.compute_reward(np.array(desired), np.array(desired))
        assert (at_goal >= many - 1e-9).all()


@every_task
@pytest.mark.slow
@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_asynchronous_worlds_equal_the_native_ones(task, context):
    options = {"obs_mode": "rgb+state", **SMALL}
    native = gymnasium.make_vec(task, num_envs=2, **options)
    expected = [native.reset(seed=9)[0], [step[:4] for step in drive(native, 4)]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python's own, of forking with threads
        workers = gymnasium.make_vec(
            f"camshaft:{task}",
            num_envs=2,
            vectorization_mode="async",
            vector_kwargs={"context": context},
            **options,
        )
    try:
        found = [workers.reset(seed=9)[0], [step[:4] for step in drive(workers, 4)]]
    finally:
        workers.close()
    assert same(found, expected)


@every_task
def test_the_docstring_is_a_contract(task):
    docstring = envs.find_task(task).simulation_class().__doc__
    places = [docstring.find(section) for section in SECTIONS]
    assert -1 not in places
    assert places == sorted(places)


@every_task
def test_closing_twice_and_rendering(task):
    env = gymnasium.make(task, render_mode="rgb_array", **SMALL)
    env.reset(seed=0)
    picture = env.render()
    assert picture.dtype == np.uint8
    assert picture.shape[0] >= 200
    assert picture.std() > 15
    env.close()
    env.close()
    vector = gymnasium.make_vec(task, num_envs=2, render_mode="rgb_array", **SMALL)
    vector.reset(seed=0)
    assert len(vector.render()) == 2
    vector.close()
    vector.close()


def run_python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    ).stdout


@every_task
def test_an_id_with_the_module_works_where_nothing_was_imported(task):
    code = f"import gymnasium; env = gymnasium.make('camshaft:{task}'); print(env.reset(seed=0)[0].shape)"
    assert run_python(code).strip().splitlines()[-1] == "(84, 84, 3)"


def test_importing_envs_is_quick_and_takes_no_torch():
    code = "import sys, envs; print('torch' in sys.modules, 'numba' in sys.modules)"
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        output = run_python(code)
        seconds.append(time.perf_counter() - start)
        assert output.split() == ["False", "False"]
    assert min(seconds) < 1.5  # with Python's own start
