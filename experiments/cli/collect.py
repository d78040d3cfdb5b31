"""Recording of episodes from the command line."""

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
    merged,
    task_options,
    usual_camera,
    usual_control_mode,
)
from camshaft.experiments.terminal.console import Console
from camshaft.experiments.terminal.progress import progress_bar


@dataclass(frozen=True)
class CollectConfig:
    """Record episodes of an expert or another policy as a LeRobot dataset: camera frames, actions, displaced views.

    Run again after Ctrl-C, or with a larger --episodes, to continue after the last complete episode.

    --replay records the episodes of an existing dataset again, with other cameras or with labels:
    camshaft collect data/lift_depth --replay data/lift --views overhead wrist --obs-mode rgb+depth

    For example: camshaft collect data/lane_keeping --episodes 64 --record-hz 4

    For example: camshaft collect data/rain --task Town --env weather=rain time_of_day=dusk
    """

    folder: Annotated[Path, Positional, arg(metavar="FOLDER")]
    """Folder of the dataset."""
    task: str = "camshaft/LaneKeeping-v0"
    """Task, see 'camshaft tasks'."""
    policy: str = "expert"
    """Policy that acts: expert, random, constant, the folder of a policy, or module:name; labels are the expert's."""
    episodes: int = 64
    """Number of episodes of the dataset."""
    seed: int = 0
    """Seed of the first episode; episode e has the world of seed + e and noise of its own."""
    randomize: Literal["train", "test", "none"] = "train"
    """Split that appearance and dynamics are sampled from; none for the nominal ones."""
    camera: tuple[int, int] | None = None
    """Width and height of images in pixels; by default those of the dataset with --replay, PilotNet's 200 66 for
    driving, else the task's own."""
    views: tuple[str, ...] = ()
    """Cameras to record, for tasks with several: front, overhead, wrist. Displaced views are then omitted."""
    obs_mode: str | None = None
    """Observation parts to record, joined by +: rgb, depth, segmentation, instances, state; rgb by default."""
    control_mode: str | None = None
    """Control mode; by default curvature, which PilotNet learns, or the first continuous one."""
    seconds: float | None = None
    """Length of an episode in seconds; by default the task's."""
    env: tuple[str, ...] = ()
    """Further options of the task as NAME=VALUE, such as weather=rain time_of_day=night arm=iiwa, and of its camera,
    such as camera.lens=fisheye camera.fov_degrees=120."""
    record_hz: float | None = None
    """Rows recorded per second, a divisor of the control rate, which is the default; fewer rows of more episodes make a
    smaller dataset that teaches as much, such as 4 for driving."""
    noise: float = 0.03
    """Standard deviation of the noise added to actions, so that the dataset shows how to recover."""
    displaced_views: bool = True
    """Driving: record with each frame a view displaced from the car, with the action that leads back to the lane."""
    num_worlds: int = 8
    """Episodes recorded in parallel."""
    replay: Path | None = None
    """Dataset whose episodes are recorded again with --camera, --views and --obs-mode; the rest stays as recorded."""

    def when_stopped(self) -> str:
        """Message after Ctrl-C."""
        return f"Complete episodes are kept in {self.folder}; the same command continues after them."


def observation_options(config: CollectConfig, task: str) -> dict[str, Any]:
    """Environment options for the observation mode and cameras given on the command line."""
    size = {} if config.camera is None else dict(zip(("width", "height"), config.camera, strict=True))
    options: dict[str, Any] = {} if config.obs_mode is None else {"obs_mode": config.obs_mode}
    if config.views:
        names = find_task(task).simulation_class().camera_names
        if not names:
            raise InvalidOption(f"{task} has one camera, without a name: leave out --views")
        return options | {"camera": {check_choice("view", name, names): size for name in config.views}}
    return options | ({"camera": size} if size else {})


def recorded(folder: Path) -> str:
    """How much a dataset holds, for people."""
    from camshaft.agents.lerobot.format import load_info

    info = load_info(folder)
    episodes, frames = info["total_episodes"], info["total_frames"]
    return (
        f"{episodes:,} episode{'s' * (episodes != 1)} of {frames:,} frame{'s' * (frames != 1)} "
        f"at {info['fps']:g} Hz in {folder}"
    )


def run(config: CollectConfig) -> None:
    """Record, with a progress bar."""
    from camshaft.agents.imitation.collection import CollectionConfig, collect, recorded_task, replay
    from camshaft.agents.policies.scripted import SCRIPTED_POLICIES

    if config.replay is not None:
        with progress_bar("Replaying") as progress:
            replay(
                config.replay,
                config.folder,
                observation_options(config, recorded_task(config.replay)),
                displaced_views=config.displaced_views and not config.views,
                num_worlds=config.num_worlds,
                progress=progress,
            )
        Console().print(f"Recorded again: {recorded(config.folder)}", soft_wrap=True)
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
            env_options=merged(
                seen,
                {} if control is None else {"control_mode": control},
                observation_options(config, config.task),
                episode_length(config.task, config.seconds),
                task_options(config.env),
            ),
            config=CollectionConfig(record_hz=config.record_hz, noise_std=config.noise),
            progress=progress,
        )
    console = Console()
    console.print(recorded(config.folder), soft_wrap=True)
    console.print(f"Next: camshaft train cloning {config.folder}", soft_wrap=True)
