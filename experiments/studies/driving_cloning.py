"""Behavior cloning of a driving expert with PilotNet, evaluated on unseen roads.

Source: Bojarski et al., "End to End Learning for Self-Driving Cars", 2016: the network, the inverse turning
radius as its output, displaced viewpoints with corrected labels, and autonomy as the measure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from camshaft.agents.evaluation.evaluate import evaluate
from camshaft.agents.evaluation.recording import RolloutRecorder
from camshaft.agents.imitation.cloning import CloningConfig, clone
from camshaft.agents.imitation.collection import CollectionConfig, collect
from camshaft.agents.policies.base import Policy
from camshaft.agents.policies.loading import POLICY_FOLDER, load_policy
from camshaft.agents.policies.scripted import ConstantPolicy, ExpertPolicy
from camshaft.envs.errors import InvalidOption
from camshaft.experiments.cli.episodes import episode_length
from camshaft.experiments.reports.driving_report import write_driving_report
from camshaft.experiments.reports.driving_results import (
    Driver,
    DrivingResults,
    Rollout,
    learning_curve,
    load_driver,
    save_evaluation,
    training_samples,
)
from camshaft.experiments.reports.evaluation_page import poster
from camshaft.experiments.reports.evaluation_tables import print_evaluations
from camshaft.experiments.studies.stages import StagedRun
from camshaft.experiments.terminal.console import Console
from camshaft.experiments.terminal.progress import progress_bar
from camshaft.perception.runs.durable_files import write_json_durably

TASK = "camshaft/LaneKeeping-v0"
TRAINING_SEED = 0  # of the first training road
TEST_SEED = 10_000  # of the first test road; the test split has other roads in any case
CONTROL_MODE = "curvature"  # PilotNet's output is 1/r
CAMERA = {"width": 200, "height": 66}  # pixels, PilotNet's
STEERING_NOISE = 0.03  # of the expert, in action units: 0.003 1/m, some decimeters off the lane center
RECORD_HZ = 4.0  # more roads at a low rate teach more than fewer roads at a high rate
SAMPLES = 4  # frames of each kind in the report
VIDEO_FRAMES_PER_SECOND = 10.0


@dataclass(frozen=True)
class DrivingCloningConfig:
    """Train and evaluate a policy that steers a car from its camera, and write a report page.

    An expert drives training roads, PilotNet is trained on its camera frames and actions (behavior cloning), and then
    drives unseen roads. Run again after Ctrl-C to continue.

    For example: camshaft demo

    For example: camshaft demo --name three-seeds --seeds 0 1 2
    """

    name: str = "demo"
    """Name of the run; its folder is <out>/<name>."""
    out: Path = Path("runs/driving_cloning")
    """Folder of all runs of this experiment."""
    episodes: int = 64
    """Number of training roads that the expert drives."""
    epochs: int = 10
    """Passes over the training frames."""
    seeds: tuple[int, ...] = (0,)
    """Training seeds; one policy is trained and evaluated per seed."""
    model: str = "pilotnet"
    """Encoder, a name in the zoo."""
    roads: int = 20
    """Number of unseen test roads."""
    seconds: float = 60.0
    """Length of an episode in seconds."""
    videos: int = 2
    """Number of test roads to film."""
    displaced_views: bool = True
    """Train on displaced views too, as PilotNet does; --no-displaced-views is the ablation."""
    smoke: bool = False
    """Smoke test: tiny settings that finish in seconds instead of minutes."""

    def __post_init__(self) -> None:
        for name in ("epochs", "roads"):
            if getattr(self, name) < 1:
                raise InvalidOption(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.episodes < 2:
            raise InvalidOption(
                f"episodes must be at least 2, got {self.episodes}: one is held out for validation"
            )
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise InvalidOption(f"seeds must be one or more different numbers, got {self.seeds}")
        for seed in self.seeds:
            self.cloning(seed)
        if not self.name or Path(self.name).name != self.name:
            raise InvalidOption(f"name must be a plain folder name, got {self.name!r}")

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.out / self.name

    def cloning(self, seed: int) -> CloningConfig:
        """Training options of one seed."""
        usual = CloningConfig()
        return replace(
            usual,
            model=self.model,
            displaced_views=self.displaced_views,
            training=replace(usual.training, epochs=self.epochs, seed=seed),
        )

    def small(self) -> DrivingCloningConfig:
        """The options to run with: tiny ones with `smoke`."""
        if not self.smoke:
            return self
        return replace(self, episodes=2, epochs=1, roads=2, seconds=4.0, videos=1, smoke=False)

    def when_stopped(self) -> str:
        """Message after Ctrl-C."""
        return f"Finished stages are kept in {self.folder}; the same command continues after them."


def run(config: DrivingCloningConfig) -> Path:
    """Run every stage that is not done yet, print the comparison, and return the path of the report."""
    config = config.small()
    console = Console()
    experiment = _Experiment(config, StagedRun(config.folder, _settings(config)), console)
    experiment.once("collect", f"The expert drives {config.episodes} training roads", experiment.collect)
    for seed in config.seeds:
        work = partial(experiment.train, seed)
        experiment.once(f"train {_training(seed)}", f"Training {config.model}, seed {seed}", work)
    experiment.evaluate_all()
    results = experiment.results()
    report = write_driving_report(config.folder / "report.html", results)
    drivers = [results.expert, *results.cloned, *results.others]
    write_json_durably(config.folder / "metrics.json", {"policies": [each.evaluation for each in drivers]})
    print_evaluations({driver.name: driver.summary for driver in drivers}, console)
    console.print(f"Report: {report}", soft_wrap=True)
    return report


class _Experiment:
    """The stages, each run once."""

    def __init__(self, config: DrivingCloningConfig, staged: StagedRun, console: Console) -> None:
        self._config = config
        self._run = staged
        self._console = console

    def once(self, stage: str, saying: str, work: Callable[[], Any]) -> None:
        """Run a stage unless it is done already, and print its duration."""
        if self._run.is_done(stage):
            self._say(f"{saying}: done before")
            return
        self._say(f"{saying} ...")
        with self._run.stage(stage):
            work()
        self._say(f"    {self._run.seconds[stage]:.0f} s")

    def collect(self) -> None:
        """Record the expert on the training roads."""
        with progress_bar("Collecting") as progress:
            collect(
                TASK,
                self._run.path / "data",
                self._config.episodes,
                seed=TRAINING_SEED,
                displaced_views=self._config.displaced_views,
                env_options=self._env_options(),
                config=CollectionConfig(noise_std=STEERING_NOISE, record_hz=RECORD_HZ),
                progress=progress,
            )

    def train(self, seed: int) -> None:
        """Clone the expert, from the last checkpoint if there is one."""
        folder = self._run.path
        clone(self._config.cloning(seed), folder / "data", folder / _training(seed), resume=True)

    def evaluate_all(self) -> None:
        """Evaluate the expert, every clone and the constant policy on the same unseen roads."""
        self._evaluate("expert", ExpertPolicy, film=False)
        for number, seed in enumerate(self._config.seeds):
            folder = self._run.path / _training(seed) / POLICY_FOLDER
            self._evaluate(_training(seed), partial(load_policy, folder), film=number == 0)
        self._evaluate("constant", ConstantPolicy, film=False)

    def results(self) -> DrivingResults:
        """Everything that the report shows, read from the run folder."""
        config, path = self._config, self._run.path
        cloned = [self._driver(_training(seed), self._clone_name(seed)) for seed in config.seeds]
        return DrivingResults(
            title="A car learns to steer from its camera",
            settings=_readable(_settings(config)),
            stages=self._run.seconds,
            curves=[learning_curve(path / _training(seed), f"seed {seed}") for seed in config.seeds],
            cloned=cloned,
            expert=self._driver("expert", "expert"),
            others=[self._driver("constant", "constant (straight)")],
            samples=training_samples(path / "data", SAMPLES),
            rollouts=self._rollouts(cloned[0]),
        )

    def _evaluate(self, name: str, policy: Callable[[], Policy], film: bool) -> None:
        """Evaluate one driver on the test roads, and optionally film the first ones."""
        config, path = self._config, self._run.path

        def work(recorder: RolloutRecorder | None) -> None:
            with progress_bar("Driving") as progress:
                evaluation = evaluate(
                    policy(),
                    TASK,
                    episodes=config.roads,
                    seed=TEST_SEED,
                    env_options=self._env_options(),
                    name=name,
                    recorder=recorder,
                    progress=progress,
                )
            save_evaluation(path / "evaluations" / f"{name}.json", evaluation)

        def filmed() -> None:
            with RolloutRecorder(
                path, episodes=config.videos, frames_per_second=VIDEO_FRAMES_PER_SECOND
            ) as recorder:
                work(recorder)

        self.once(
            f"evaluate {name}",
            f"Driving {config.roads} unseen roads: {name}",
            filmed if film and config.videos else lambda: work(None),
        )

    def _driver(self, name: str, title: str) -> Driver:
        return load_driver(self._run.path / "evaluations" / f"{name}.json", title)

    def _clone_name(self, seed: int) -> str:
        return "cloned" if len(self._config.seeds) == 1 else f"cloned, seed {seed}"

    def _rollouts(self, driver: Driver) -> list[Rollout]:
        rollouts = []
        for road in driver.evaluation["episodes"][: self._config.videos]:
            video = self._run.path / "videos" / f"episode-{road['episode']:03d}.mp4"
            rollouts.append(Rollout(video, poster(video), _rollout_caption(road)))
        return rollouts

    def _env_options(self) -> dict[str, Any]:
        return {
            "obs_mode": "rgb",
            "control_mode": CONTROL_MODE,
            "camera": dict(CAMERA),
            **episode_length(TASK, self._config.seconds),
        }

    def _say(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)


def _training(seed: int) -> str:
    return f"seed-{seed}"


def _settings(config: DrivingCloningConfig) -> dict[str, Any]:
    """The settings that determine the results, without the run folder."""
    values = {name: value for name, value in asdict(config).items() if name not in ("name", "out", "smoke")}
    values["seeds"] = list(config.seeds)
    camera = f"{CAMERA['width']} × {CAMERA['height']}"
    fixed = {"record_hz": RECORD_HZ, "steering_noise": STEERING_NOISE}
    return {"task": TASK, "control_mode": CONTROL_MODE, "camera": camera, **fixed, **values}


def _readable(settings: dict[str, Any]) -> dict[str, str]:
    """Settings as the report prints them."""
    texts = {True: "yes", False: "no"}
    return {
        name.replace("_", " "): ", ".join(map(str, value))
        if isinstance(value, list)
        else texts.get(value, value)
        for name, value in settings.items()
    }


def _rollout_caption(road: dict[str, Any]) -> str:
    metrics = road["metrics"]
    interventions = round(metrics["interventions"])
    help_needed = f"{interventions} interventions" if interventions else "no intervention"
    return f"Test road {road['episode'] + 1}: {metrics['distance'] / 1000:.2f} km, {help_needed}."
