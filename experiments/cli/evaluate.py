"""Closed-loop evaluation from the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, arg

from camshaft.envs.errors import InvalidOption
from camshaft.experiments.cli.episodes import episode_length, merged, task_options, usual_control_mode
from camshaft.experiments.terminal.console import Console
from camshaft.experiments.terminal.progress import progress_bar

if TYPE_CHECKING:
    from camshaft.agents.evaluation.results import Evaluation
    from camshaft.agents.policies.base import Policy


@dataclass(frozen=True)
class EvaluateConfig:
    """Score policies on a task over many seeds: success, return, length and every metric of the task, with intervals.

    WHAT is the folder of a policy or of the run that trained it, "expert", "random" or "constant", module:name for a
    policy of your own (a class or an object with act(observation)), or an agent.zip of Stable-Baselines3 with
    --unpickle. Several are compared episode by episode. Writes metrics.json, report.html, and with --record films and a
    LeRobot dataset of the first episodes. Lane keeping is driven with a safety driver, whose interventions give
    autonomy.

    For example: camshaft evaluate runs/driving_cloning/demo/seed-0 --record 2

    For example: camshaft evaluate expert random my_policies:Follower --task Town --episodes 50
    """

    policies: Annotated[tuple[str, ...], Positional, arg(metavar="WHAT")]
    """Policies to score; the others are compared with the first."""
    task: str | None = None
    """Task, by default the one that the first policy was trained for."""
    episodes: int = 20
    """Number of episodes."""
    seed: int = 10_000
    """Seed of the first episode; episode e has seed + e."""
    randomize: Literal["train", "test", "none"] = "test"
    """Split that appearance and dynamics are sampled from; none for the nominal ones."""
    num_worlds: int = 32
    """Episodes side by side, at most; changes nothing about the results."""
    processes: int = 1
    """Processes that the episodes are divided among, for arms, whose physics takes one core; changes nothing about the
    results."""
    seconds: float | None = None
    """Length of an episode, by default the task's."""
    obs_mode: str | None = None
    """Observation of policies that do not say what they need, such as rgb+ego."""
    control_mode: str | None = None
    """What an action means, likewise."""
    reward_mode: Literal["dense", "sparse"] | None = None
    """Reward of the task."""
    camera: tuple[int, int] | None = None
    """Width and height of images in pixels, for policies that do not say what they need."""
    env: tuple[str, ...] = ()
    """Further options of the task as NAME=VALUE, such as weather=rain time_of_day=night arm=iiwa, and of its camera,
    such as camera.lens=fisheye camera.fov_degrees=120."""
    record: int = 0
    """Episodes to film and to record, from the first."""
    across_seeds: bool = False
    """The policies are training seeds of one method: print the interquartile mean over them."""
    unpickle: bool = False
    """Read agent.zip files of Stable-Baselines3, which runs code that they hold; only for files you trust."""
    out: Path | None = None
    """Folder for all files, by default runs/evaluate/<task>-<policies>."""

    def when_stopped(self) -> str:
        """What to tell the user who stopped it."""
        return "An evaluation is kept only when it is complete; run it again, or with fewer --episodes."


def run(config: EvaluateConfig) -> None:
    """Evaluate, print the figures and write them."""
    from camshaft.agents.evaluation.comparison import compare
    from camshaft.agents.policies.loading import resolve_policy
    from camshaft.experiments.reports.evaluation_tables import print_differences, print_evaluations
    from camshaft.perception.runs.durable_files import named_disk_errors, write_json_durably

    if not config.policies:
        raise InvalidOption("name at least one policy, such as expert")
    if config.record < 0:
        raise InvalidOption(f"record must be at least 0, got {config.record}")
    policies = [resolve_policy(given, config.unpickle) for given in config.policies]
    if config.across_seeds and len(policies) < 2:
        raise InvalidOption("--across-seeds needs a policy for each of at least two training seeds")
    names = _names([policy.name for policy in policies])
    task = _task(config, policies)
    out = (
        config.out
        or Path("runs/evaluate") / f"{_short(task)}-{'-vs-'.join(_file_name(name) for name in names)}"
    )
    evaluations, films = [], {}
    control_mode = next(
        (policy.env_options["control_mode"] for policy in policies if "control_mode" in policy.env_options),
        usual_control_mode(task),
    )
    for name, policy in zip(names, policies, strict=True):
        options = _env_options(config, policy, task, control_mode)
        evaluation, films[name] = _evaluate(config, policy, name, task, options, out / _file_name(name))
        evaluations.append(evaluation)
    differences = {other.policy: compare(evaluations[0], other) for other in evaluations[1:]}
    across = _across_seeds(evaluations) if config.across_seeds else None
    content: dict[str, Any] = {"policies": [each.to_dict() for each in evaluations]}
    if differences:
        content["compared_with_first"] = {
            name: [vars(each) for each in rows] for name, rows in differences.items()
        }
    if across is not None:
        content["across_seeds"] = across
    with named_disk_errors(out):
        write_json_durably(out / "metrics.json", content)
        _write_page(out / "report.html", config, evaluations, films)
    print_evaluations({each.policy: each.summary() for each in evaluations})
    for name, rows in differences.items():
        print_differences(f"{name} against {names[0]}, on the same episodes", rows)
    console = Console()
    for name, (middle, low, high) in (across or {}).items():
        console.print(
            f"interquartile mean of {name} over {len(names)} seeds: {middle:.3g} ({low:.3g} – {high:.3g})"
        )
    console.print(f"Figures and report in {out}", soft_wrap=True)


def _evaluate(
    config: EvaluateConfig, policy: Policy, name: str, task: str, env_options: dict[str, Any], folder: Path
) -> tuple[Evaluation, list[Path]]:
    """One policy's evaluation and films."""
    from contextlib import ExitStack

    from camshaft.agents.evaluation.parallel import evaluate_parallel
    from camshaft.agents.evaluation.recording import RolloutRecorder

    with ExitStack() as stack:
        recorder = None
        if config.record:
            recorder = stack.enter_context(RolloutRecorder(folder, episodes=config.record))
        progress = stack.enter_context(progress_bar(name))
        evaluation = evaluate_parallel(
            policy,
            task,
            processes=config.processes,
            episodes=config.episodes,
            seed=config.seed,
            randomize=None if config.randomize == "none" else config.randomize,
            num_worlds=config.num_worlds,
            env_options=env_options,
            name=name,
            recorder=recorder,
            progress=progress,
        )
    count = min(config.record, config.episodes)
    return evaluation, [recorder.film_path(episode) for episode in range(count)] if recorder else []


def _env_options(config: EvaluateConfig, policy: Policy, task: str, control_mode: str) -> dict[str, Any]:
    """Options of the task, over those that the policy needs; scripted policies take the others' control mode."""
    options: dict[str, Any] = dict(episode_length(task, config.seconds))
    for name in ("obs_mode", "control_mode", "reward_mode"):
        if getattr(config, name) is not None:
            options[name] = getattr(config, name)
    if config.camera is not None:
        options["camera"] = dict(zip(("width", "height"), config.camera, strict=True))
    options = merged(options, task_options(config.env))
    if not policy.needs_observation:
        options.setdefault("obs_mode", "rgb" if config.record else "state")
        options.setdefault("control_mode", control_mode)
    return options


def _task(config: EvaluateConfig, policies: list[Policy]) -> str:
    from camshaft.agents.evaluation.evaluate import LANE_KEEPING
    from camshaft.envs import find_task

    given = config.task or next((policy.task for policy in policies if policy.task), None)
    if given is None:
        if all(not policy.needs_observation for policy in policies):
            return LANE_KEEPING
        raise InvalidOption(f"{config.policies[0]} does not say which task it is for: give --task")
    task = find_task(given).id
    for given_name, policy in zip(config.policies, policies, strict=True):
        if policy.task is not None and find_task(policy.task).id != task:
            raise InvalidOption(f"{given_name} was trained for {policy.task}, not for {task}")
    return task


def _names(names: list[str]) -> list[str]:
    """Names that differ."""
    return [
        name if names.count(name) == 1 else f"{name} ({names[: number + 1].count(name)})"
        for number, name in enumerate(names)
    ]


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)


def _short(task: str) -> str:
    return task.rpartition("/")[2].rpartition("-v")[0]


def _across_seeds(evaluations: list[Evaluation]) -> dict[str, tuple[float, float, float]]:
    from camshaft.agents.evaluation.comparison import interquartile_mean

    return {
        name: interquartile_mean([float(each.values(name).mean()) for each in evaluations])
        for name in ("success", "return")
    }


def _write_page(
    path: Path, config: EvaluateConfig, evaluations: list[Evaluation], films: dict[str, list[Path]]
) -> None:
    from camshaft.experiments.reports.evaluation_page import write_evaluation_page

    hidden = ("out", "unpickle", "across_seeds", "policies")
    settings = {name.replace("_", " "): value for name, value in vars(config).items() if name not in hidden}
    settings["policies"] = ", ".join(config.policies)
    write_evaluation_page(
        path, evaluations, films, {name: value for name, value in settings.items() if value is not None}
    )
