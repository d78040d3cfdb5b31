"""Rollouts: an episode is decided by its seed, however many worlds run; nothing that nobody needs is rendered."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from drifting_point import DriftingPoint
from numpy.typing import NDArray
from stable_baselines3 import PPO, SAC

from camshaft.agents.policies.base import Policy
from camshaft.agents.policies.sb3 import SB3Policy
from camshaft.agents.policies.scripted import ConstantPolicy, ExpertPolicy, RandomPolicy
from camshaft.agents.policies.vision import VisionPolicy
from camshaft.agents.rollout import IDLE, RolloutStep, SeriesLog, rollout, side_by_side
from camshaft.envs import make_simulation
from camshaft.envs.errors import InvalidOption
from camshaft.envs.simulation import Simulation

CAMERA = {"width": 64, "height": 48}


class Steering(Policy):
    """Steers by the brightness of the frame's corner."""

    def act(self, observation: Any, deterministic: bool = True) -> NDArray[np.float32]:
        return (observation[:, 0, 0, :1] / 255.0).astype(np.float32)


class Watching:
    """Observer that notes what it is shown, and asks for the frames of every second step."""

    needs_expert = False

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []
        self.after_steps = 0

    def wants(self, episodes: NDArray[np.int64], elapsed: NDArray[np.int64]) -> NDArray[np.bool_]:
        return (episodes != IDLE) & (elapsed % 2 == 0)

    def before(self, decision: Any) -> None:
        for world in np.flatnonzero(decision.observed):
            self.seen.append((int(decision.episodes[world]), int(decision.elapsed[world])))
        self.last = decision

    def after(self, step: RolloutStep) -> None:
        self.after_steps += 1


def episodes_of(simulation: Simulation, policy: Policy, seeds: list[int]) -> dict[int, NDArray[np.float64]]:
    """Actions and rewards of every step, by the number of the episode."""
    log, episodes = SeriesLog(), {}
    for step in rollout(simulation, policy, seeds):
        actions = step.decision.action.reshape(simulation.num_worlds, -1).astype(np.float64)
        values = {f"action {i}": actions[:, i] for i in range(actions.shape[1])}
        for world, series in log.add(step, {**values, "reward": step.measured.reward}).items():
            episodes[int(step.decision.episodes[world])] = np.stack(list(series.values()))
    simulation.close()
    return episodes


def assert_same_for_any_number_of_worlds(
    task: str, make_policy: Any, episodes: int = 4, worlds: tuple[int, ...] = (1, 16), **options: Any
) -> dict[int, NDArray[np.float64]]:
    seeds = list(range(5, 5 + episodes))
    runs = [
        episodes_of(make_simulation(task, count, randomize="train", **options), make_policy(), seeds)
        for count in worlds
    ]
    for other in runs[1:]:
        assert runs[0].keys() == other.keys() == set(range(episodes))
        for episode, series in runs[0].items():
            np.testing.assert_array_equal(series, other[episode], err_msg=str(episode))
    return runs[0]


def test_every_seed_has_its_episode_in_worlds_that_are_used_again() -> None:
    given = {n: episodes_of(DriftingPoint(n), ExpertPolicy(), [4, 9, 2, 9, 7]) for n in (1, 2, 5, 8)}
    for episodes in given.values():
        assert sorted(episodes) == [0, 1, 2, 3, 4]
        np.testing.assert_array_equal(episodes[1], episodes[3])
        for number, series in episodes.items():
            np.testing.assert_array_equal(series, given[1][number])
    assert len({series.shape for series in given[1].values()}) > 1


def test_numbers_of_episodes_begin_where_they_are_told_to() -> None:
    steps = list(rollout(DriftingPoint(2), ConstantPolicy(), [1, 2, 3], first_episode=7))
    numbers = np.concatenate([step.decision.episodes for step in steps])
    assert set(numbers.tolist()) == {7, 8, 9, IDLE}


def test_only_what_somebody_needs_is_observed() -> None:
    simulation, watching = DriftingPoint(3), Watching()
    observed: list[int] = []
    original = simulation.observe

    def observe(worlds: Any = None) -> Any:
        observed.append(simulation.num_worlds if worlds is None else len(worlds))
        return original(worlds)

    simulation.observe = observe  # type: ignore[method-assign]
    list(rollout(simulation, ConstantPolicy(), [1, 2, 3]))
    assert not observed
    list(rollout(simulation, ConstantPolicy(), [1, 2, 3], observers=[watching]))
    assert sum(observed) == len(watching.seen)
    assert {step for _, step in watching.seen} == set(range(0, max(s for _, s in watching.seen) + 1, 2))
    assert watching.last.expert_action is None


def test_frames_that_a_policy_gets_are_those_of_the_step() -> None:
    simulation = DriftingPoint(2)
    for step in rollout(simulation, Steering(), [1, 2, 3, 4], observers=[Watching()]):
        decision = step.decision
        assert decision.observed[decision.active].all()
        frames = decision.observation
        assert isinstance(frames, np.ndarray)
        np.testing.assert_array_equal(decision.chosen[:, 0], frames[:, 0, 0, 0] / np.float32(255.0))


def test_series_are_cut_into_episodes() -> None:
    log, lengths = SeriesLog(), {}
    for step in rollout(DriftingPoint(3), ConstantPolicy(), list(range(12))):
        for world, series in log.add(step, {"elapsed": step.decision.elapsed}).items():
            np.testing.assert_array_equal(series["elapsed"], np.arange(len(series["elapsed"])))
            lengths[int(step.decision.episodes[world])] = len(series["elapsed"])
    assert sorted(lengths) == list(range(12))
    assert all(len(rows) < 300 for rows in log._rows.values())


def test_a_supervisor_keeps_episodes_going() -> None:
    class Forgiving:
        def intervene(self, simulation: Simulation, measured: Any, active: Any) -> NDArray[np.bool_]:
            return measured.terminated.copy()

    alone = episodes_of(DriftingPoint(2), ConstantPolicy(1.0), [1, 2])
    assert {series.shape[1] for series in alone.values()} != {45}
    steps = list(rollout(DriftingPoint(2), ConstantPolicy(1.0), [1, 2], supervisor=Forgiving()))
    assert len(steps) == 45
    assert sum(step.intervened.sum() for step in steps) > 0
    assert steps[-1].truncated.all()


def test_wrong_numbers_and_seeds_are_named() -> None:
    assert side_by_side(3, 8) == 3
    for episodes, worlds in ((0, 1), (1, 0), (2.5, 1), (True, 1)):
        with pytest.raises(InvalidOption, match="whole number of at least 1"):
            side_by_side(episodes, worlds)  # type: ignore[arg-type]
    with pytest.raises(InvalidOption, match="seed"):
        next(rollout(DriftingPoint(1), ConstantPolicy(), [-1]))


@pytest.mark.parametrize(
    ("task", "options"),
    [
        ("camshaft/LaneKeeping-v0", {}),
        ("camshaft/Highway-v0", {"control_mode": "discrete"}),
        ("camshaft/Town-v0", {}),
        ("camshaft/PickAndPlace-v0", {}),
    ],
)
@pytest.mark.parametrize("policy", [ExpertPolicy, RandomPolicy])
def test_scripted_policies_do_the_same_in_one_world_and_in_sixteen(
    task: str, options: dict[str, Any], policy: type[Policy]
) -> None:
    first = assert_same_for_any_number_of_worlds(
        task, policy, episodes=6, obs_mode="state", max_episode_steps=30, **options
    )
    assert not np.array_equal(first[0], first[1])


def vision_policy(task: str, model: str, **options: Any) -> VisionPolicy:
    torch.manual_seed(1)
    settings = {name: options.pop(name) for name in ("frame_stack", "hidden") if name in options}
    simulation = make_simulation(task, 1, **options)
    space: Any = simulation.observation_space
    shapes = {"rgb": space.shape} if not hasattr(space, "spaces") else {n: s.shape for n, s in space.items()}
    action_space = simulation.action_space
    action: dict[str, Any] = (
        {"choices": int(action_space.n)} if hasattr(action_space, "n") else {"size": action_space.shape[0]}
    )
    simulation.close()
    return VisionPolicy(shapes, action, model, **settings)


@pytest.mark.parametrize(
    ("task", "model", "options"),
    [
        ("camshaft/LaneKeeping-v0", "pilotnet", {"camera": {"width": 200, "height": 66}}),
        ("camshaft/LaneKeeping-v0", "policy_resnet", {"camera": CAMERA, "frame_stack": 3}),
        ("camshaft/Highway-v0", "nature_cnn", {"camera": CAMERA, "control_mode": "discrete", "hidden": 20}),
        ("camshaft/Town-v0", "nature_cnn", {"camera": CAMERA, "obs_mode": "rgb+ego+command"}),
        (
            "camshaft/Reach-v0",
            "policy_resnet",
            {"camera": {"front": CAMERA, "wrist": CAMERA}, "obs_mode": "rgb+state", "frame_stack": 2},
        ),
    ],
)
def test_networks_do_the_same_in_one_world_and_in_sixteen(
    task: str, model: str, options: dict[str, Any]
) -> None:
    environment = {name: value for name, value in options.items() if name not in ("frame_stack", "hidden")}
    first = assert_same_for_any_number_of_worlds(
        task,
        lambda: vision_policy(task, model, **options),
        episodes=5,
        worlds=(1, 3, 16),
        max_episode_steps=8,
        **environment,
    )
    if "control_mode" not in options:  # a choice may well be the same everywhere
        assert not np.array_equal(first[0][0], first[1][0])
        assert np.abs(first[0][0]).max() < 1.0


@pytest.mark.parametrize("algorithm", [SAC, PPO])
def test_agents_of_stable_baselines_do_the_same_in_one_world_and_in_sixteen(algorithm: Any) -> None:
    options = {"obs_mode": "state", "max_episode_steps": 12}
    env = gymnasium.make("camshaft/Reach-v0", **options)
    agent = algorithm("MultiInputPolicy", env, seed=3, device="cpu")
    assert_same_for_any_number_of_worlds(
        "camshaft/Reach-v0", lambda: SB3Policy(agent, "agent"), episodes=5, worlds=(1, 3, 16), **options
    )
    env.close()
