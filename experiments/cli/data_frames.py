"""Writing of labeled simulated frames from the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from camshaft.experiments.cli.episodes import merged, task_options
from camshaft.experiments.terminal.console import Console
from camshaft.experiments.terminal.progress import progress_bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class DataFramesConfig:
    """Write labeled frames of a task to a folder, for repeated training.

    Run again with --resume after Ctrl-C, or with a larger --frames, to continue after the last complete file.

    For example: camshaft data frames data/roads --labels rgb depth segmentation --frames 8192
    """

    folder: Annotated[Path, Positional, arg(metavar="FOLDER")]
    """Folder of the set."""
    task: str = "camshaft/LaneKeeping-v0"
    """Task, see 'camshaft tasks'."""
    labels: tuple[str, ...] = ("rgb", "depth", "segmentation")
    """Outputs of the renderer (rgb, depth, segmentation, instances, normals, flow, …), state parts of the task,
    objects, next_rgb, action, success, camera_pose, camera_motion."""
    frames: int = 4096
    """Number of frames."""
    frames_per_file: int = 512
    """Frames per file, fewer in the last; each file has its own random stream."""
    split: Literal["train", "val", "test"] = "train"
    """Split of the episodes; test has appearances that training never shows."""
    seed: int = 0
    """Seed of the set."""
    camera: tuple[int, int] = (84, 84)
    """Width and height of the camera image in pixels."""
    env: tuple[str, ...] = ()
    """Further options of the task as NAME=VALUE, such as weather=rain time_of_day=night arm=iiwa, and of its camera,
    such as camera.lens=fisheye camera.fov_degrees=120."""
    behavior_policy: Literal["mixed", "expert", "noisy_expert", "random"] = "mixed"
    """Policy that acts in the task; mixed samples one of the others for each episode."""
    stride: int = 5
    """Control steps from one frame of a world to its next."""
    num_worlds: int = 32
    """Worlds simulated in parallel."""
    resume: bool = False
    """Continue a set that was begun."""

    def when_stopped(self) -> str:
        """Message after Ctrl-C."""
        return (
            f"Complete files are kept in {self.folder}; the same command with --resume continues after them."
        )


def run(config: DataFramesConfig) -> None:
    """Write, with a progress bar."""
    from camshaft.envs.errors import InvalidOption
    from camshaft.perception.data.stored import write_frames

    if min(config.frames, config.frames_per_file, config.num_worlds) < 1:
        given = config.frames, config.frames_per_file, config.num_worlds
        raise InvalidOption(f"frames, frames_per_file and num_worlds must be at least 1, got {given}")
    files = -(-config.frames // config.frames_per_file)
    sizes = [config.frames_per_file] * (files - 1) + [config.frames - config.frames_per_file * (files - 1)]
    about = {
        "task": config.task,
        "labels": config.labels,
        "frames_per_file": config.frames_per_file,
        "split": config.split,
        "seed": config.seed,
        "camera": config.camera,
        "env": config.env,
        "behavior_policy": config.behavior_policy,
        "stride": config.stride,
        "num_worlds": config.num_worlds,
    }
    with progress_bar("Writing files") as progress:
        count = write_frames(
            config.folder,
            _file_renderer(config, sizes),
            files,
            about,
            sizes=sizes,
            resume=config.resume,
            progress=progress,
        )
    Console().print(f"{count} frames in {config.folder}", soft_wrap=True)
    Console().print(f"Next: camshaft data show {config.folder}", soft_wrap=True)


def _file_renderer(
    config: DataFramesConfig, sizes: Sequence[int]
) -> Callable[[int], dict[str, NDArray[np.generic]]]:
    """A function that renders the frames of a file of the given size, by the number of the file."""
    import numpy as np

    from camshaft.perception.data.frames import FrameMaker, FramesConfig

    options = merged(
        {"camera": dict(zip(("width", "height"), config.camera, strict=True))}, task_options(config.env)
    )
    stream = FramesConfig(
        config.task,
        config.labels,
        batch_size=min(config.num_worlds, config.frames_per_file),
        split=config.split,
        seed=config.seed,
        camera=options.pop("camera"),
        task_options=options,
        behavior_policy=config.behavior_policy,
        stride=config.stride,
    )

    def render(number: int) -> dict[str, NDArray[np.generic]]:
        maker = FrameMaker(stream, part=number)
        batches = [maker.make() for _ in range(-(-sizes[number] // stream.batch_size))]
        maker.close()
        return {
            name: np.concatenate([batch[name] for batch in batches])[: sizes[number]]
            for name in config.labels
        }

    return render
