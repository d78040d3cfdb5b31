"""Evaluation in several processes: the episodes are divided among them, and the results are the same."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from multiprocessing.connection import Connection
from typing import Any

import torch

from camshaft.agents.evaluation.evaluate import ADDITIONS, Progress, Recorder, evaluate
from camshaft.agents.evaluation.results import Evaluation
from camshaft.agents.policies.base import Policy
from camshaft.envs.errors import CamshaftError, InvalidOption

POLL_SECONDS = 0.1


def evaluate_parallel(
    policy: Policy,
    task: str,
    *,
    processes: int = 1,
    episodes: int = 20,
    seed: int = 0,
    env_options: Mapping[str, Any] | None = None,
    recorder: Recorder | None = None,
    progress: Progress | None = None,
    **arguments: Any,
) -> Evaluation:
    """`camshaft.agents.evaluation.evaluate.evaluate` in several processes.

    Physics of arms takes one core; several processes use more. The results are bit for bit those of one process. This
    process evaluates the first part of the episodes, with the recorder. The others are started afresh ("spawn"), so a
    script that calls this needs the guard `if __name__ == "__main__":`.

    Args:
        policy: who acts; sent to the other processes by pickling it.
        task: id of the task.
        processes: how many; no more than there are episodes.
        episodes: as for `evaluate`.
        seed: likewise.
        env_options: likewise.
        recorder: likewise.
        progress: likewise.
        **arguments: its further ones.

    Raises:
        InvalidOption: an argument is not accepted, or the policy cannot be pickled.
        CamshaftError: a process died.
    """
    if isinstance(processes, bool) or not isinstance(processes, int) or processes < 1:
        raise InvalidOption(f"processes must be a whole number of at least 1, got {processes!r}")
    count = min(processes, max(episodes, 1))
    options = dict(env_options or {})
    if count > 1:
        options.setdefault("num_threads", max(1, len(os.sched_getaffinity(0)) // count))
    bounds = [part * episodes // count for part in range(count + 1)]
    parts = [(end - begin, seed + begin) for begin, end in pairwise(bounds)]
    with ExitStack() as stack:
        workers = [
            stack.enter_context(_Worker(policy, task, part, {**arguments, "env_options": options}))
            for part in parts[1:]
        ]
        share = _SharedProgress(progress, episodes, parts[0][0], workers)
        first = evaluate(
            policy,
            task,
            episodes=parts[0][0],
            seed=seed,
            env_options=options,
            recorder=recorder,
            progress=share,
            **arguments,
        )
        evaluations = [first, *(worker.result(share.tell) for worker in workers)]
    return _merged(evaluations) if count > 1 else first


class _Worker:
    """A process that evaluates some of the episodes."""

    def __init__(
        self, policy: Policy, task: str, part: tuple[int, int], arguments: Mapping[str, Any]
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe(duplex=False)
        threads = torch.get_num_threads()  # as here, for the same bits
        call = (theirs, threads, policy, task, part, dict(arguments))
        self._process = context.Process(target=_work, args=call, daemon=True)
        try:
            self._process.start()
        except (AttributeError, TypeError, ValueError, OSError) as error:
            raise InvalidOption(f"{policy.name} cannot be sent to another process: {error}") from error
        theirs.close()
        self._result: Evaluation | None = None
        self.share = 0.0  # of its control steps that are done

    def listen(self, seconds: float = 0.0) -> None:
        """Take in what the process has sent."""
        while self._result is None and self._connection.poll(seconds):
            seconds = 0.0
            try:
                message = self._connection.recv()
            except EOFError as error:
                raise CamshaftError("a process of the evaluation died; out of memory?") from error
            if isinstance(message, BaseException):
                raise message
            if isinstance(message, Evaluation):
                self._result, self.share = message, 1.0
            else:
                self.share = message

    def result(self, tell: Any) -> Evaluation:
        """The evaluation, once it is complete."""
        while self._result is None:
            self.listen(POLL_SECONDS)
            tell()
        return self._result

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        if self._result is None and self._process.is_alive():
            self._process.terminate()
        self._process.join()
        self._connection.close()


class _SharedProgress:
    """Progress of all processes, in control steps of all episodes."""

    def __init__(
        self, progress: Progress | None, episodes: int, own_episodes: int, workers: list[_Worker]
    ) -> None:
        self._progress, self._workers = progress, workers
        self._episodes, self._own_episodes = episodes, own_episodes
        self._own, self._own_total = 0, 1

    def __call__(self, done: int, total: int) -> None:
        """This process has done some steps."""
        self._own, self._own_total = done, total
        for worker in self._workers:
            worker.listen()
        self.tell()

    def tell(self) -> None:
        """Report the steps of all."""
        if self._progress is None:
            return
        total = self._own_total * self._episodes // self._own_episodes
        others = sum(worker.share for worker in self._workers) / max(len(self._workers), 1)
        self._progress(self._own + round(others * (total - self._own_total)), total)


def _work(
    connection: Connection, threads: int, policy: Policy, task: str, part: tuple[int, int], arguments: Any
) -> None:
    """Evaluate some episodes, tell how far they are, and send the result or the error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    torch.set_num_threads(threads)
    episodes, seed = part

    def progress(done: int, total: int) -> None:
        connection.send(done / total)

    try:
        connection.send(evaluate(policy, task, episodes=episodes, seed=seed, progress=progress, **arguments))
    except Exception as error:
        connection.send(error)


def _merged(parts: list[Evaluation]) -> Evaluation:
    """One evaluation of all episodes, in order."""
    results = [result for part in parts for result in part.episodes]
    episodes = tuple(replace(result, episode=number) for number, result in enumerate(results))
    addition = ADDITIONS.get(parts[0].task)
    return replace(
        parts[0],
        episodes=episodes,
        series=tuple(series for part in parts for series in part.series),
        added={} if addition is None else addition().summary(episodes),
    )
