"""Recording an expert's episodes from the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from camshaft.envs import find_task
from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.experiments.cli.episodes import (
    episode_length,
    has_displaced_views,
    usual_camera,
    usual_control_mode,
    usual_record_hz,
)
from camshaft.experiments.terminal.console import Console
from camshaft.experiments.terminal.progress import progress_bar


@dataclass(frozen=True)
class CollectConfig:
    """Record episodes of a task's expert as a LeRobot dataset: camera frames, actions, displaced viewpoints.

    Run it again after Ctrl-C, or with more episodes, and it goes on after the last complete one.

    With --replay another dataset's episodes are recorded again through other cameras, or with labels beside the frames:
    camshaft collect data/anew --replay data/lift --views overhead wrist --obs-mode rgb+depth

    For example: camshaft collect data/lane_keeping --episodes 64
    """

    folder: Annotated[Path, Positional, arg(metavar="FOLDER")]
    """Folder of the dataset."""
    task: str = "camshaft/LaneKeeping-v0"
    """Task, see 'camshaft tasks'."""
    policy: str = "expert"
    """Who acts: expert, random, constant, the folder of a policy, or module:name; labels are the expert's."""
    episodes: int = 64
    """Number of episodes of the dataset."""
    seed: int = 0
    """Seed of the first episode; episode e has the world of seed + e, and noise of its own for every seed and e."""
    randomize: Literal["train", "test", "none"] = "train"
    """Split that roads, light, weather and cameras are drawn from; none for the nominal ones."""
    camera: tuple[int, int] | None = None
    """Width and height of images in pixels: by default what they were with --replay, PilotNet's 200 66 for driving, or
    the task's own."""
    views: tuple[str, ...] = ()
    """Cameras by name, of tasks that have several: front, overhead, wrist. Displaced views are then left out."""
    obs_mode: str | None = None
    """What is recorded beside actions, rgb and what else: depth, segmentation, instances, state, joined by +."""
    control_mode: str | None = None
    """What an action means; by default the curvature, which PilotNet learns, or the first mode without choices."""
    seconds: float | None = None
    """Length of an episode, by default the task's."""
    record_hz: float | None = None
    """Frames recorded a second, 4 or a little less by default: many roads now and then teach more than few often."""
    noise: float = 0.03
    """Standard deviation of the noise on the expert's actions, which makes it show how to recover."""
    displaced_views: bool = True
    """Record beside each frame one from a place where the car is not, with the action that leads back; of driving."""
    num_worlds: int = 8
    """Episodes recorded side by side."""
    replay: Path | None = None
    """Record the episodes of this dataset again, with --camera, --views, --obs-mode; else as it was then."""

    def when_stopped(self) -> str:
        """What a person should know who stopped it."""
        return f"Complete episodes are kept in {self.folder}; the same command goes on after them."


def seen_otherwise(config: CollectConfig, task: str) -> dict[str, Any]:
    """The options of an environment that the command line gives: what is seen, through which cameras."""
    size = {} if config.camera is None else dict(zip(("width", "height"), config.camera, strict=True))
    options: dict[str, Any] = {} if config.obs_mode is None else {"obs_mode": config.obs_mode}
    if config.views:
        names = find_task(task).simulation_class().camera_names
        if not names:
            raise InvalidOption(f"{task} has one camera, without a name: leave out --views")
        return options | {"camera": {check_choice("view", name, names): size for name in config.views}}
    return options | ({"camera": size} if size else {})


def run(config: CollectConfig) -> None:
    """Record, with a progress bar."""
    from camshaft.agents.imitation.collection import CollectionConfig, collect, recorded_task, replay
    from camshaft.agents.policies.scripted import SCRIPTED_POLICIES

    if config.replay is not None:
        with progress_bar("Replaying") as progress:
            replay(
                config.replay,
                config.folder,
                seen_otherwise(config, recorded_task(config.replay)),
                displaced_views=config.displaced_views and not config.views,
                num_worlds=config.num_worlds,
                progress=progress,
            )
        Console().print(f"The episodes of {config.replay}, seen anew: {config.folder}")
        return
    scripted = config.policy in SCRIPTED_POLICIES
    seen = {"obs_mode": "rgb", **usual_camera(config.task)} if scripted else {}
    control = config.control_mode or (usual_control_mode(config.task) if scripted else None)
    with progress_bar("Collecting") as progress:
        collect(
            config.task,
            config.folder,
            config.episodes,
            seed=config.seed,
            randomize=None if config.randomize == "none" else config.randomize,
            num_worlds=config.num_worlds,
            policy=config.policy,
            displaced_views=config.displaced_views and not config.views and has_displaced_views(config.task),
            env_options={
                **seen,
                **({} if control is None else {"control_mode": control}),
                **seen_otherwise(config, config.task),
                **episode_length(config.task, config.seconds),
            },
            config=CollectionConfig(
                record_hz=usual_record_hz(config.task) if config.record_hz is None else config.record_hz,
                noise_std=config.noise,
            ),
            progress=progress,
        )
    console = Console()
    console.print(f"{config.episodes} episodes in {config.folder}", soft_wrap=True)
    console.print(f"Next: camshaft train cloning {config.folder}", soft_wrap=True)
