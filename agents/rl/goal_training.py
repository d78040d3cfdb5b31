"""Training on goal tasks: learner, periodic evaluations and checkpoints."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecNormalize

from camshaft.agents.evaluation.evaluate import evaluate
from camshaft.agents.evaluation.intervals import wilson_interval
from camshaft.agents.policies.sb3 import SB3Policy
from camshaft.agents.rl.sb3_state import (
    between_episodes,
    close_episode,
    learner_state,
    normalization,
    restart_streams,
    restore_learner,
)
from camshaft.agents.rl.tqc import QuickTQC
from camshaft.envs import TASK_IDS
from camshaft.envs.errors import InvalidOption
from camshaft.perception.runs.durable_files import named_disk_errors, write_durably, write_json_durably
from camshaft.perception.runs.interrupts import InterruptGuard, TrainingInterrupted
from camshaft.perception.runs.run_folder import RunFolder

TEST_SEED = 1_000_000  # of the first episode that is never trained on
STEPS_BETWEEN_REPORTS = 50


def make_learner(env: gymnasium.Env[Any, Any], settings: Mapping[str, Any], seed: int) -> QuickTQC:
    """TQC+HER with given hyper-parameters.

    Args:
        env: to learn in.
        settings: an entry of tqc_her.yaml.
        seed: of networks, exploration and episodes.
    """
    vector: VecEnv = DummyVecEnv([lambda: Monitor(env)])
    if settings["normalize"]:
        vector = VecNormalize(vector)
    return QuickTQC(
        "MultiInputPolicy",
        vector,
        buffer_size=settings["buffer_size"],
        batch_size=settings["batch_size"],
        gamma=settings["gamma"],
        learning_rate=settings["learning_rate"],
        learning_starts=settings["learning_starts"],
        tau=settings.get("tau", 0.005),
        replay_buffer_class=HerReplayBuffer,
        replay_buffer_kwargs={
            "n_sampled_goal": settings["n_sampled_goal"],
            "goal_selection_strategy": settings["goal_selection_strategy"],
        },
        policy_kwargs={"net_arch": settings["net_arch"], "n_critics": settings["n_critics"]},
        seed=seed,
        device="cpu",
    )


def keep_agent(learner: QuickTQC, folder: Path) -> None:
    """Write the agent for users of Stable-Baselines3, each file whole or not at all.

    Args:
        learner: that was trained.
        folder: gets agent.zip, for `sb3_contrib.TQC.load`, and normalization.json if observations are normalized.
    """
    scales = normalization(learner)
    with named_disk_errors(folder):
        write_durably(folder / "agent.zip", learner.save)
        if scales is not None:
            write_json_durably(folder / "normalization.json", scales)


def success_rate(
    learner: QuickTQC, task: str, env: gymnasium.Env[Any, Any], episodes: int
) -> tuple[int, float]:
    """Number of episodes that end in success, and the mean return, without exploration.

    Args:
        learner: whose policy is tested.
        task: id of its task; one of Camshaft's is evaluated with many worlds side by side.
        env: to test in, for tasks of others; its first episode has seed TEST_SEED.
        episodes: how many.
    """
    if task in TASK_IDS:
        evaluation = evaluate(
            SB3Policy(learner, "learner", normalization(learner)),
            task,
            episodes=episodes,
            seed=TEST_SEED,
            randomize=None,
            env_options={"reward_mode": "sparse"},
        )
        return int(evaluation.values("success").sum()), float(evaluation.values("return").mean())
    return _success_elsewhere(learner, env, episodes)


def _success_elsewhere(learner: QuickTQC, env: gymnasium.Env[Any, Any], episodes: int) -> tuple[int, float]:
    """The same, in an environment of another library."""
    successes = 0

    def count(variables: dict[str, Any], _: dict[str, Any]) -> None:
        nonlocal successes
        successes += bool(variables["done"] and variables["info"]["is_success"])

    vector: VecEnv = DummyVecEnv([lambda: env])
    normalizer = learner.get_vec_normalize_env()
    if normalizer is not None:
        vector = VecNormalize(vector, training=False, norm_reward=False)
        vector.obs_rms = normalizer.obs_rms
    vector.seed(TEST_SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for a Monitor, whose figures are not needed
        mean, _ = evaluate_policy(learner, vector, episodes, callback=count)
    return successes, float(np.asarray(mean))


class GoalTraining(BaseCallback):
    """Trains a learner, tests it every so often, and keeps its state between two episodes every so often.

    At a checkpoint, episodes and random numbers begin afresh, so that a training which is stopped and resumed ends
    with the weights of one that was not.

    Args:
        learner: to train.
        task: id of its task.
        testing: environment for tests, where the task is of another library.
        folder: for metrics and checkpoints; resumed from its checkpoint if it has one.
        seed: of what begins afresh.
        total: steps to train for, those before the checkpoint included.
        eval_every: steps from one test to the next.
        eval_episodes: of a test.
        checkpoint_every: steps from one checkpoint to the end of the episode that the next comes after.
        progress: told how many steps of how many are done.
    """

    def __init__(
        self,
        learner: QuickTQC,
        task: str,
        testing: gymnasium.Env[Any, Any],
        folder: RunFolder,
        *,
        seed: int,
        total: int,
        eval_every: int,
        eval_episodes: int,
        checkpoint_every: int,
        progress: Callable[[int, int], None],
    ) -> None:
        super().__init__()
        self._learner, self._task, self._testing, self._folder = learner, task, testing, folder
        self._seed, self._total = seed, total
        self._eval_every, self._eval_episodes = eval_every, eval_episodes
        self._checkpoint_every = checkpoint_every
        self._progress = progress
        self._kept = 0  # steps at the last checkpoint
        self._began = time.process_time()
        self._guard = InterruptGuard()

    def train(self) -> None:
        """Learn, from the folder's checkpoint on."""
        if self._folder.checkpoint is not None:
            tensors, state = self._folder.checkpoint
            restore_learner(self._learner, tensors, state)
            restart_streams(self._learner, self._seed)
            self._kept = self._learner.num_timesteps
            self._began -= state["cpu_seconds"]
        done = self._learner.num_timesteps
        if self._total < done:
            raise InvalidOption(
                f"{self._folder.folder} has been trained for {done:,} steps already, {self._total:,} are fewer"
            )
        if done < self._total:
            with self._guard:
                self._learner.learn(self._total - done, callback=self, reset_num_timesteps=done == 0)
            close_episode(self._learner)
            self._keep()

    def _on_rollout_start(self) -> None:
        due = self.num_timesteps - self._kept >= self._checkpoint_every
        if due and between_episodes(self._learner):
            self._keep()
            restart_streams(self._learner, self._seed)

    def _on_step(self) -> bool:
        if self.num_timesteps % self._eval_every == 0 or self.num_timesteps == self._total:
            self._test()
        if self.num_timesteps % STEPS_BETWEEN_REPORTS == 0:
            self._progress(self.num_timesteps, self._total)
        if self._guard.requested:
            raise TrainingInterrupted(f"stopped at step {self.num_timesteps}")
        return True

    def _keep(self) -> None:
        tensors, state = learner_state(self._learner)
        cpu_seconds = time.process_time() - self._began
        self._folder.save(tensors, {**state, "step": self._learner.num_timesteps, "cpu_seconds": cpu_seconds})
        self._kept = self._learner.num_timesteps

    def _test(self) -> None:
        successes, mean_return = success_rate(self._learner, self._task, self._testing, self._eval_episodes)
        low, high = wilson_interval(successes, self._eval_episodes)
        row = {
            "step": self.num_timesteps,
            "success": successes / self._eval_episodes,
            "success_low": low,
            "success_high": high,
            "return": mean_return,
            "cpu_seconds": time.process_time() - self._began,
        }
        self._folder.log(row)
        print(f"step {row['step']}: success {row['success']:.0%} ({low:.0%} – {high:.0%})", flush=True)
