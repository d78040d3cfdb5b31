"""Finding policies: folders by their kind, scripted ones, `module:name`, agents' zip files; and named refusals."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from sb3_contrib import QRDQN, TQC, TRPO, CrossQ, RecurrentPPO
from stable_baselines3 import A2C, DDPG, DQN, PPO, SAC, TD3

from camshaft.agents.policies.base import Policy
from camshaft.agents.policies.loading import load_policy, resolve_policy
from camshaft.agents.policies.outside import OutsidePolicy
from camshaft.agents.policies.registry import KINDS, register_policy
from camshaft.agents.policies.sb3 import SB3Policy
from camshaft.agents.policies.scripted import ConstantPolicy, ExpertPolicy, RandomPolicy
from camshaft.agents.policies.vision import VisionPolicy
from camshaft.envs import make_simulation
from camshaft.envs.errors import CorruptFile, InvalidOption, UnknownName
from camshaft.perception.runs.model_folder import save_model

MODULE = """
import numpy as np
from camshaft.agents.policies.base import Policy

COUNT = 3
BROKEN = object()


class Own(Policy):
    def act(self, observation, deterministic=True):
        return np.zeros((len(observation), 1), np.float32)


class Simple:
    task = "camshaft/LaneKeeping-v0"

    def act(self, observation):
        return np.ones((len(observation), 1), np.float32)


class Needy:
    def __init__(self, size):
        self.size = size


def steer(observation):
    return np.full((len(observation), 1), 0.5, np.float32)


def make():
    return Simple()


own = Own()
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of the user's own in the working directory, by a name that no test has imported."""
    name = f"own_policies_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def vision_policy(folder: Path) -> Path:
    VisionPolicy({"rgb": (40, 40, 3)}, {"size": 1}, "nature_cnn").save(folder)
    return folder


def test_a_folder_or_the_run_around_it_is_loaded_by_its_kind(tmp_path: Path) -> None:
    folder = vision_policy(tmp_path / "first" / "policy")
    for given in (folder, tmp_path / "first", str(folder)):
        policy = load_policy(given)
        assert isinstance(policy, VisionPolicy)
        assert policy.name == "first"
    assert isinstance(resolve_policy(str(tmp_path / "first")), VisionPolicy)


def test_a_new_kind_is_loaded_once_it_is_registered(tmp_path: Path) -> None:
    class Linear(Policy):
        @classmethod
        def load(cls, folder: Path) -> Policy:
            return cls()

        def act(self, observation: Any, deterministic: bool = True) -> Any:
            return observation

    save_model(tmp_path / "tiny", torch.nn.Linear(2, 1), {"kind": "linear", "camshaft_version": "0"})
    with pytest.raises(UnknownName, match=r"unknown kind of policy 'linear'.*config\.json names it"):
        load_policy(tmp_path / "tiny")
    try:
        register_policy("linear")(Linear)
        assert isinstance(load_policy(tmp_path / "tiny"), Linear)
        with pytest.raises(InvalidOption, match="registered already"):
            register_policy("linear")(Linear)
    finally:
        KINDS.pop("linear")


def test_a_folder_of_an_earlier_version_is_refused_by_name(tmp_path: Path) -> None:
    network = torch.nn.Linear(2, 1)
    save_model(tmp_path / "old", network, {"model": "pilotnet", "action_dim": 1, "camshaft_version": "0.1"})
    with pytest.raises(InvalidOption, match="old holds a policy of an earlier version"):
        load_policy(tmp_path / "old")


def test_scripted_policies_are_found_by_name() -> None:
    kinds = {"expert": ExpertPolicy, "random": RandomPolicy, "constant": ConstantPolicy}
    assert {name: type(resolve_policy(name)) for name in kinds} == kinds


@pytest.mark.parametrize("given", ["experts", "nowhere/at/all", "."])
def test_what_is_no_policy_is_told_with_what_is_accepted(given: str) -> None:
    with pytest.raises(InvalidOption, match=r"no policy at .*expert, random, constant; module:name"):
        resolve_policy(given)


@pytest.mark.parametrize(
    ("name", "kind", "action"),
    [
        ("Own", Policy, 0.0),
        ("own", Policy, 0.0),
        ("Simple", OutsidePolicy, 1.0),
        ("make", OutsidePolicy, 1.0),
        ("steer", OutsidePolicy, 0.5),
    ],
)
def test_policies_of_the_users_own_are_classes_functions_or_objects(
    module: str, name: str, kind: type[Policy], action: float
) -> None:
    policy = resolve_policy(f"{module}:{name}")
    assert isinstance(policy, kind)
    np.testing.assert_array_equal(policy.act(np.zeros((3, 2))), np.full((3, 1), action))
    if name in ("Simple", "make"):
        assert policy.task == "camshaft/LaneKeeping-v0"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module_anywhere:Own", "no module 'no_such_module_anywhere'"),
        ("{}:Nothing", "has no 'Nothing'"),
        ("{}:COUNT", r"a int is no policy, it has no act\(observation\)"),
        ("{}:BROKEN", "is no policy"),
        ("{}:Needy", "cannot be made: TypeError"),
        ("{}:", "named as 'module:name'"),
    ],
)
def test_names_that_lead_nowhere_are_told(module: str, name: str, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        resolve_policy(name.format(module))


def test_a_module_that_fails_to_import_is_told(module: str) -> None:
    Path(f"{module}_a.py").write_text("import a_module_that_is_missing\n")
    with pytest.raises(InvalidOption, match=r"needs a module that is missing: .*a_module_that_is_missing"):
        resolve_policy(f"{module}_a:Own")
    Path(f"{module}_b.py").write_text("1 / 0\n")
    with pytest.raises(InvalidOption, match="cannot be imported: ZeroDivisionError"):
        resolve_policy(f"{module}_b:Own")


@pytest.mark.parametrize("algorithm", [SAC, TD3, DDPG, PPO, A2C, TQC, TRPO])
def test_agents_of_every_algorithm_are_read_from_their_zip(algorithm: Any, tmp_path: Path) -> None:
    env = gymnasium.make("camshaft/Reach-v0", obs_mode="state")
    agent = algorithm("MultiInputPolicy", env, seed=0, device="cpu")
    observation = env.reset(seed=0)[0]
    env.close()
    (tmp_path / "trained").mkdir()
    agent.save(tmp_path / "trained" / "agent")
    policy = resolve_policy(str(tmp_path / "trained" / "agent.zip"), unpickle=True)
    assert policy.name == "trained"
    batch = {name: np.repeat(values[None], 3, axis=0) for name, values in observation.items()}
    expected = agent.predict(observation, deterministic=True)[0]
    np.testing.assert_allclose(policy.act(batch), np.stack([expected] * 3), atol=1e-6)


@pytest.mark.parametrize(
    ("algorithm", "control_mode"), [(DQN, "discrete"), (QRDQN, "discrete"), (CrossQ, "pedals")]
)
def test_agents_of_one_vector_act_on_the_highway(algorithm: Any, control_mode: str, tmp_path: Path) -> None:
    options = {"obs_mode": "state", "control_mode": control_mode}
    env = gymnasium.make("camshaft/Highway-v0", **options)
    algorithm("MlpPolicy", env, seed=0, buffer_size=10, device="cpu").save(tmp_path / "overtaker")
    env.close()
    policy = SB3Policy.load(tmp_path / "overtaker.zip")
    simulation = make_simulation("camshaft/Highway-v0", 2, **options)
    simulation.reset(seeds=[0, 1])
    policy.bind(simulation)
    actions = policy.act(simulation.observe())
    assert actions.shape == (2, *simulation.action_space.shape)
    simulation.step(actions)
    simulation.close()


def test_a_zip_is_unpickled_only_when_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "agent.zip"
    path.write_bytes(b"no zip file")
    with pytest.raises(InvalidOption, match="unpickles it, which runs code that it holds: add --unpickle"):
        resolve_policy(str(path))
    with pytest.raises(CorruptFile, match=r"agent\.zip is no agent"):
        resolve_policy(str(path), unpickle=True)
    with pytest.raises(CorruptFile, match=r"missing\.zip is no agent"):
        resolve_policy(str(tmp_path / "missing.zip"), unpickle=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", json.dumps({"policy_class": 1}))
    with pytest.raises(InvalidOption, match="algorithm that is not known here. Accepted: CrossQ, TQC"):
        resolve_policy(str(path), unpickle=True)


def test_an_agent_with_a_state_of_its_own_is_refused(tmp_path: Path) -> None:
    env = gymnasium.make("camshaft/Reach-v0", obs_mode="state")
    RecurrentPPO("MultiInputLstmPolicy", env, seed=0, device="cpu").save(tmp_path / "agent")
    env.close()
    with pytest.raises(InvalidOption, match="recurrent agent"):
        SB3Policy.load(tmp_path / "agent.zip")


def test_how_observations_are_normalized_is_read_beside_the_agent(tmp_path: Path) -> None:
    env = gymnasium.make("camshaft/Reach-v0", obs_mode="state")
    agent = SAC("MultiInputPolicy", env, seed=0, device="cpu")
    observation = {name: values[None] for name, values in env.reset(seed=0)[0].items()}
    env.close()
    agent.save(tmp_path / "agent")
    plain = SB3Policy.load(tmp_path / "agent.zip").act(observation)
    scales = {
        "mean": {name: values[0].tolist() for name, values in observation.items()},
        "variance": {name: np.ones(values.shape[1]).tolist() for name, values in observation.items()},
        "epsilon": 1e-8,
        "clip": 10.0,
    }
    (tmp_path / "normalization.json").write_text(json.dumps(scales))
    zeros = {name: np.zeros_like(values) for name, values in observation.items()}
    normalized = SB3Policy.load(tmp_path / "agent.zip").act(observation)
    np.testing.assert_allclose(normalized, agent.predict(zeros, deterministic=True)[0], atol=1e-6)
    assert not np.allclose(normalized, plain)
    (tmp_path / "normalization.json").write_text("{}")
    with pytest.raises(CorruptFile, match=r"normalization\.json"):
        SB3Policy.load(tmp_path / "agent.zip")
