"""Expert demonstrations: collected in simulation, kept as a LeRobot dataset, loaded for training.

Beside the dataset's own files, meta/camshaft.json says how it was collected and in which environment a policy
learned from it has to act.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from camshaft.agents.imitation.collection import (
    ACTION,
    DISPLACED_ACTION,
    CollectionConfig,
    Collector,
    Progress,
    Recorded,
    recorded_features,
)
from camshaft.agents.lerobot.format import INFO
from camshaft.agents.lerobot.observation_columns import DISPLACED, frame_columns
from camshaft.agents.lerobot.reader import DatasetReader, DatasetWriter
from camshaft.envs import find_task, make_simulation
from camshaft.envs.catalogue import Task
from camshaft.envs.errors import CamshaftError, CorruptFile, InvalidOption, check_choice
from camshaft.envs.simulation import Simulation
from camshaft.perception.runs.durable_files import named_disk_errors, write_json_durably

ARGUMENTS = Path("meta/camshaft.json")
DRIVERS = ("expert",)


def collect(
    task: str,
    folder: str | Path,
    episodes: int,
    *,
    seed: int = 0,
    randomize: str | None = "train",
    num_worlds: int = 8,
    policy: str = "expert",
    displaced_views: bool = True,
    env_options: Mapping[str, Any] | None = None,
    config: CollectionConfig | None = None,
    progress: Progress | None = None,
) -> Path:
    """Record episodes of the expert as a LeRobot dataset.

    Episode e has the world of `seed` + e, and noise and displaced views drawn from `seed` and e: the same arguments
    give the same frames, whatever `num_worlds` is. Called again with the same arguments, it goes on after the last
    complete episode. Ctrl-C keeps the complete episodes.

    Args:
        task: id of the task.
        folder: of the dataset.
        episodes: that the dataset shall have.
        seed: of the first episode.
        randomize: None, "train" or "test".
        num_worlds: episodes recorded side by side, at most.
        policy: who drives: "expert".
        displaced_views: record a displaced view beside each frame.
        env_options: further options of the task; `obs_mode` must have "rgb".
        config: noise, frame rate and displacement.
        progress: called with (episodes written, episodes asked for).

    Returns:
        The folder.

    Raises:
        InvalidOption: an argument is not accepted, or the folder was collected with others.
        CamshaftError: the folder cannot be written to.
    """
    folder, config = Path(folder), config or CollectionConfig()
    check_choice("policy", policy, DRIVERS)
    _check_count("episodes", episodes, 1)
    _check_count("num_worlds", num_worlds, 1)
    _check_count("seed", seed, 0)
    arguments = {
        "task": find_task(task).id,
        "seed": int(seed),
        "randomize": randomize,
        "policy": policy,
        "displaced_views": displaced_views,
        "env_options": _plain(env_options or {}),
        "config": _plain(config),
    }
    begun = _check_same_arguments(folder, arguments)
    missing = episodes - begun
    if missing <= 0:
        return folder
    simulation = make_simulation(task, min(num_worlds, missing), randomize=randomize, **(env_options or {}))
    try:
        stride = _stride(simulation, config)
        recorded = Recorded(seed, stride, displaced_views, config)
        with _open_writer(folder, simulation, find_task(task), recorded) as writer:
            _store_arguments(folder, simulation, arguments)
            Collector(simulation, writer, recorded).run(episodes, progress)
    finally:
        simulation.close()
    return folder


def replay(
    source: str | Path,
    folder: str | Path,
    env_options: Mapping[str, Any],
    *,
    displaced_views: bool = True,
    num_worlds: int = 8,
    progress: Progress | None = None,
) -> Path:
    """Record the episodes of a dataset again, seen otherwise: through another camera, at night, in rain.

    An episode follows from its seed, the expert and seeded noise, none of which sees what cameras see; that the actions
    came out the same is checked.

    Args:
        source: folder that `collect` made.
        folder: of the new dataset.
        env_options: what is to be other than then, such as `camera` (one or several), `obs_mode`, `time_of_day`.
        displaced_views: those too, where there were any.
        num_worlds: episodes recorded side by side, at most.
        progress: as for `collect`.

    Raises:
        InvalidOption: the source is no collected dataset, or an option is not accepted.
        CamshaftError: the episodes came out otherwise; another version of Camshaft may have recorded them, or an option
            changes more than what is seen.
    """
    arguments, reader = _arguments_of(Path(source))["collected_with"], DatasetReader(source)
    collect(
        arguments["task"],
        folder,
        reader.num_episodes,
        seed=arguments["seed"],
        randomize=arguments["randomize"],
        num_worlds=num_worlds,
        displaced_views=displaced_views and arguments["displaced_views"],
        env_options={**arguments["env_options"], **env_options},
        config=CollectionConfig(**arguments["config"]),
        progress=progress,
    )
    again = DatasetReader(folder).column(ACTION)
    if not np.array_equal(reader.column(ACTION), again):
        raise CamshaftError(
            f"the episodes of {source} came out otherwise in {folder}: they were recorded by another version, or "
            f"{dict(env_options)} changes more than what is seen"
        )
    return Path(folder)


def recorded_task(folder: str | Path) -> str:
    """Id of the task that a collected dataset is of."""
    return str(_arguments_of(Path(folder))["task"])


class Demonstrations:
    """A collected folder as arrays to train on.

    Args:
        folder: made by `collect`.
        displaced_views: take in the displaced views, after the frames of the true views; None where there are any.

    Attributes:
        images: (M, H, W, 3) uint8 RGB.
        actions: (M, A) float32, the expert's.
        episodes: (M,) episode each image is from; split training and validation by it.
        displaced: (M,) whether the image is a displaced view.
        task: id of the task.
        env_options: what a policy's environment needs: obs_mode, control_mode, camera.
        fps: recorded frames per second.

    Raises:
        InvalidOption: the folder is no demonstrations, or lacks what is asked for.
        CorruptFile: a file is damaged; the message names it.
    """

    def __init__(self, folder: str | Path, *, displaced_views: bool | None = None) -> None:
        self.folder = Path(folder)
        reader = DatasetReader(self.folder)
        stored = _arguments_of(self.folder)
        frames = self._frames(reader)
        if displaced_views is None:
            displaced_views = DISPLACED in reader.features
        pairs = [(frames, ACTION)] + [(DISPLACED, DISPLACED_ACTION)] * displaced_views
        self._check_columns(reader, pairs)
        self.task: str = stored["task"]
        self.env_options: dict[str, Any] = stored["env_options"]
        camera_is_named = "width" not in self.env_options["camera"]
        if camera_is_named:  # and with it, the parts of an observation are
            self.env_options = {**self.env_options, "obs_mode": "rgb"}
        self.fps = reader.fps
        self.num_episodes = reader.num_episodes
        count = reader.num_frames
        self.images = np.empty((count * len(pairs), *reader.features[frames].shape), np.uint8)
        for position, (name, _) in enumerate(pairs):
            reader.images(name, out=self.images[position * count : (position + 1) * count])
        actions = [reader.column(name).reshape(count, -1) for _, name in pairs]
        self.actions = np.concatenate(actions).astype(np.float32)
        self.episodes = np.tile(reader.column("episode_index"), len(pairs))
        self.displaced = np.arange(len(self.images)) >= count

    def __len__(self) -> int:
        return len(self.images)

    def _frames(self, reader: DatasetReader) -> str:
        """The column of the one camera."""
        frames = frame_columns(reader.features)
        if not frames or ACTION not in reader.features:
            raise InvalidOption(f"{self.folder} has no frames or no {ACTION}: these are not demonstrations")
        if len(frames) > 1:
            raise InvalidOption(
                f"{self.folder} was recorded through several cameras ({', '.join(frames)}), a policy learns from one: "
                f"camshaft collect FOLDER --replay {self.folder} --views NAME"
            )
        return frames[0]

    def _check_columns(self, reader: DatasetReader, pairs: list[tuple[str, str]]) -> None:
        if not reader.num_episodes:
            raise InvalidOption(f"{self.folder} has no complete episode")
        if any(name not in reader.features for pair in pairs for name in pair):
            raise InvalidOption(
                f"{self.folder} was collected without displaced views: collect again with them, or leave them out"
            )


def _open_writer(folder: Path, simulation: Simulation, task: Task, recorded: Recorded) -> DatasetWriter:
    if (folder / INFO).exists():
        return DatasetWriter.append(folder, task=task.summary)
    fps = round(simulation.control_frequency / recorded.stride)
    features = recorded_features(simulation, recorded.displaced_views)
    return DatasetWriter(folder, fps, features, robot_type=task.id, task=task.summary)


def _store_arguments(folder: Path, simulation: Simulation, arguments: dict[str, Any]) -> None:
    environment = {
        "obs_mode": simulation.obs_mode,
        "control_mode": simulation.control_mode,
        "camera": _plain(simulation.cameras.get("", simulation.cameras)),
    }
    stored = {"task": arguments["task"], "env_options": environment, "collected_with": arguments}
    if not (folder / ARGUMENTS).exists():
        with named_disk_errors(folder):
            write_json_durably(folder / ARGUMENTS, stored)


def _stride(simulation: Simulation, config: CollectionConfig) -> int:
    """Control steps a recorded frame."""
    frequency = simulation.control_frequency
    stride = round(frequency / config.record_hz)
    if stride < 1 or abs(frequency / config.record_hz - stride) > 1e-9 or frequency % stride:
        rates = [frequency / each for each in range(1, int(frequency) + 1) if frequency % each == 0]
        accepted = ", ".join(f"{rate:g}" for rate in rates)
        raise InvalidOption(f"record_hz must be one of {accepted}, got {config.record_hz:g}")
    return stride


def _check_same_arguments(folder: Path, arguments: dict[str, Any]) -> int:
    """Episodes the folder already has; it must have been collected with the same arguments."""
    if not (folder / INFO).exists():
        return 0
    begun = DatasetReader(folder).num_episodes
    stored = _read_arguments(folder)
    if stored is None:
        if begun:
            raise InvalidOption(
                f"{folder} holds a dataset that was not collected here: choose another folder"
            )
        return 0
    before, now = _flat(stored["collected_with"]), _flat(arguments)
    changes = [
        f"{name} was {before.get(name)!r}, is {now.get(name)!r}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    if changes:
        raise InvalidOption(f"{folder} was collected with other arguments: {'; '.join(changes)}")
    return begun


def _read_arguments(folder: Path) -> dict[str, Any] | None:
    path = folder / ARGUMENTS
    try:
        stored = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        raise CorruptFile(f"{path}: {error}") from error
    if not isinstance(stored, dict) or not {"task", "env_options", "collected_with"} <= stored.keys():
        raise CorruptFile(f"{path}: task, env_options or collected_with missing")
    return stored


def _arguments_of(folder: Path) -> dict[str, Any]:
    stored = _read_arguments(folder)
    if stored is None:
        raise InvalidOption(f"{folder} was not made by collecting demonstrations: it has no {ARGUMENTS}")
    return stored


def _flat(arguments: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in arguments.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _plain(value: Any) -> Any:
    """What JSON makes of a value: dataclasses become mappings, tuples lists."""
    try:
        return json.loads(json.dumps(value, default=_plain_object))
    except (TypeError, ValueError) as error:
        raise InvalidOption(
            f"options of an environment are numbers, text and mappings, got {value!r}"
        ) from error


def _plain_object(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not plain data")


def _check_count(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InvalidOption(f"{name} must be a whole number of at least {least}, got {value!r}")
