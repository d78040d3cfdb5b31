"""State of an off-policy learner of Stable-Baselines3, as named tensors and JSON, from which it resumes after a kill.

Networks, optimizers, the hindsight replay and the running normalization; nothing of it is pickled.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.running_mean_std import RunningMeanStd
from torch import Tensor

from camshaft.perception.runs.checkpoint import optimizer_tensors, restore_optimizer, tensors_with_prefix

REPLAY_ARRAYS = ("actions", "rewards", "dones", "timeouts", "ep_start", "ep_length")
REPLAY_DICTS = ("observations", "next_observations")
COUNTERS = ("num_timesteps", "_n_updates", "_episode_num")


def learner_state(learner: OffPolicyAlgorithm) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The learner's state between two updates.

    Returns:
        Tensors by name, which share the learner's memory, and what JSON can hold.
    """
    tensors = {f"policy.{name}": value for name, value in learner.policy.state_dict().items()}
    for name, optimizer in _optimizers(learner).items():
        tensors |= {f"{name}.{key}": value for key, value in optimizer_tensors(optimizer).items()}
    entropy = getattr(learner, "log_ent_coef", None)
    if entropy is not None:
        tensors["log_ent_coef"] = entropy
    replay = _replay(learner)
    rows = replay.buffer_size if replay.full else replay.pos
    for name, array in _replay_arrays(replay).items():
        tensors[f"replay.{name}"] = torch.from_numpy(array[:rows])
    for name, running in _running(learner).items():
        tensors[f"normalize.{name}.mean"] = torch.as_tensor(running.mean)
        tensors[f"normalize.{name}.var"] = torch.as_tensor(running.var)
        tensors[f"normalize.{name}.count"] = torch.as_tensor(running.count, dtype=torch.float64)
    state = {name: getattr(learner, name) for name in COUNTERS}
    state |= {"replay_position": replay.pos, "replay_full": replay.full}
    return tensors, {**state, "episode_start": replay._current_ep_start.tolist()}


def restore_learner(
    learner: OffPolicyAlgorithm, tensors: Mapping[str, Tensor], state: Mapping[str, Any]
) -> None:
    """Restore what `learner_state` returned, in a learner that was constructed in the same way."""
    learner.policy.load_state_dict(tensors_with_prefix("policy.", tensors))
    for name, optimizer in _optimizers(learner).items():
        restore_optimizer(optimizer, tensors_with_prefix(f"{name}.", tensors))
    if "log_ent_coef" in tensors:
        with torch.no_grad():
            learner.log_ent_coef.copy_(tensors["log_ent_coef"])  # type: ignore[attr-defined]
    replay = _replay(learner)
    for name, array in _replay_arrays(replay).items():
        kept = tensors[f"replay.{name}"].numpy()
        array[: len(kept)] = kept
    replay.pos, replay.full = state["replay_position"], state["replay_full"]
    replay._current_ep_start[:] = state["episode_start"]
    for name, running in _running(learner).items():
        kept_running = {
            key: value.numpy() for key, value in tensors_with_prefix(f"normalize.{name}.", tensors).items()
        }
        running.mean, running.var = kept_running["mean"].copy(), kept_running["var"].copy()
        running.count = float(kept_running["count"])
    for name in COUNTERS:
        setattr(learner, name, state[name])


def normalization(learner: OffPolicyAlgorithm) -> dict[str, Any] | None:
    """Normalization of the learner's observations as JSON-compatible values; None if they are not normalized.

    Returns:
        "mean" and "variance" by part of the observation, "epsilon" and "clip": a part becomes
        (part - mean) / sqrt(variance + epsilon), within ±clip.
    """
    normalizer = learner.get_vec_normalize_env()
    if normalizer is None:
        return None
    assert isinstance(normalizer.obs_rms, dict)
    return {
        "mean": {name: running.mean.tolist() for name, running in normalizer.obs_rms.items()},
        "variance": {name: running.var.tolist() for name, running in normalizer.obs_rms.items()},
        "epsilon": normalizer.epsilon,
        "clip": normalizer.clip_obs,
    }


def restart_streams(learner: OffPolicyAlgorithm, seed: int) -> None:
    """Start a new episode and seed every random generator from a seed and the learner's number of steps.

    A training that does so at every checkpoint resumes from it exactly, without the state of environments or of
    random generators in it.
    """
    assert learner.env is not None
    seed = int(np.random.SeedSequence((seed, learner.num_timesteps)).generate_state(1)[0])
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    learner.action_space.seed(seed)
    learner.env.seed(seed)
    learner._last_obs = learner.env.reset()  # type: ignore[assignment]
    learner._last_episode_starts = np.ones(learner.n_envs, dtype=bool)
    normalizer = learner.get_vec_normalize_env()
    if normalizer is not None:
        learner._last_original_obs = normalizer.get_original_obs()


def between_episodes(learner: OffPolicyAlgorithm) -> bool:
    """Whether the replay's last step ended an episode in every environment."""
    replay = _replay(learner)
    return bool((replay._current_ep_start == replay.pos).all())


def close_episode(learner: OffPolicyAlgorithm) -> None:
    """Mark the steps of an unfinished episode as a complete one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its warning is about exactly this use
        _replay(learner).truncate_last_trajectory()


def _replay(learner: OffPolicyAlgorithm) -> HerReplayBuffer:
    assert isinstance(learner.replay_buffer, HerReplayBuffer)
    return learner.replay_buffer


def _replay_arrays(replay: HerReplayBuffer) -> dict[str, np.ndarray]:
    arrays = {name: getattr(replay, name) for name in REPLAY_ARRAYS}
    for name in REPLAY_DICTS:
        arrays |= {f"{name}.{key}": array for key, array in getattr(replay, name).items()}
    return arrays


def _optimizers(learner: Any) -> dict[str, torch.optim.Optimizer]:
    optimizers = {
        "actor_optimizer": learner.actor.optimizer,
        "critic_optimizer": learner.critic.optimizer,
        "entropy_optimizer": learner.ent_coef_optimizer,
    }
    return {name: optimizer for name, optimizer in optimizers.items() if optimizer is not None}


def _running(learner: OffPolicyAlgorithm) -> dict[str, RunningMeanStd]:
    normalizer = learner.get_vec_normalize_env()
    if normalizer is None:
        return {}
    assert isinstance(normalizer.obs_rms, dict)
    return {**normalizer.obs_rms, "return": normalizer.ret_rms}
