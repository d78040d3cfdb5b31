"""Collection of demonstrations: a policy's episodes as a LeRobot dataset, labeled by the expert."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from camshaft.agents.episodes import describe_episodes
from camshaft.agents.imitation.disturbance import ActionNoise
from camshaft.agents.imitation.recorder import (
    DemonstrationRecorder,
    DisplacedViews,
    check_displaced,
    recorded_features,
)
from camshaft.agents.lerobot.format import INFO
from camshaft.agents.lerobot.reader import DatasetReader
from camshaft.agents.lerobot.schema import ACTION, EpisodesFile, read_episodes_file, write_episodes_file
from camshaft.agents.lerobot.writer import DatasetWriter, check_new_folder
from camshaft.agents.policies.base import Policy
from camshaft.agents.policies.loading import resolve_policy
from camshaft.agents.rollout import rollout, side_by_side
from camshaft.envs import find_task, make_simulation
from camshaft.envs.errors import CamshaftError, InvalidOption, check_seed
from camshaft.envs.simulation import Simulation
from camshaft.perception.runs.settings import check_same_settings

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class CollectionConfig:
    """Disturbance of the demonstrator, and what is recorded.

    Attributes:
        record_hz: rows recorded per second; None for the control rate.
        noise_std: standard deviation of the noise on each action, in units of an action (its range is -1 to 1); of
            discrete actions, the share that is replaced by random ones.
        noise_seconds: time in which the noise forgets its past (Ornstein-Uhlenbeck process).
        max_lateral: meters; a displaced view stands up to this far to either side.
        max_heading_degrees: a displaced view is turned by up to this much to either side.
    """

    record_hz: float | None = None
    noise_std: float = 0.03
    noise_seconds: float = 1.0
    max_lateral: float = 1.2
    max_heading_degrees: float = 6.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name == "record_hz" and value is None:
                continue
            positive = field.name in ("record_hz", "noise_seconds")
            if not math.isfinite(value) or value < 0 or (positive and value == 0):
                limit = "above 0" if positive else "of at least 0"
                raise InvalidOption(f"{field.name} must be a number {limit}, got {value!r}")

    def stride(self, frequency: float) -> int:
        """Control steps per row.

        Raises:
            InvalidOption: the rate does not divide the control frequency into whole numbers.
        """
        if self.record_hz is None:
            return 1
        stride = round(frequency / self.record_hz)
        if stride < 1 or abs(frequency / self.record_hz - stride) > 1e-9 or frequency % stride:
            rates = [frequency / each for each in range(1, int(frequency) + 1) if frequency % each == 0]
            accepted = ", ".join(f"{rate:g}" for rate in rates)
            raise InvalidOption(f"record_hz must be one of {accepted}, got {self.record_hz:g}")
        return stride


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
    """Record episodes as a LeRobot dataset, in the schema of `camshaft.agents.lerobot.schema`.

    Episode e has the world of `seed` + e, and noise and displaced views by `seed` and e: the same arguments give the
    same frames, whatever `num_worlds` is. Called again with the same arguments, it continues after the last
    complete episode. Ctrl-C keeps the complete episodes.

    Args:
        task: id of the task.
        folder: of the dataset.
        episodes: number of episodes of the dataset.
        seed: of the first episode.
        randomize: None, "train" or "test".
        num_worlds: episodes recorded side by side, at most.
        policy: who acts, as `camshaft.agents.policies.loading.resolve_policy` takes it; the labels are the expert's.
        displaced_views: record a displaced view beside each frame.
        env_options: further options of the task, over those that the policy needs.
        config: noise, rate and displacement.
        progress: called with (episodes written, episodes asked for).

    Returns:
        The folder.

    Raises:
        InvalidOption: an argument is not accepted, or the folder was collected with others.
        CamshaftError: the folder cannot be written to.
    """
    folder, config, row = Path(folder), config or CollectionConfig(), find_task(task)
    check_seed(seed)
    worlds = side_by_side(episodes, num_worlds)
    acting = resolve_policy(policy)
    options = {**acting.env_options, **(env_options or {})}
    arguments = {
        "task": row.id,
        "seed": int(seed),
        "randomize": randomize,
        "policy": policy,
        "displaced_views": displaced_views,
        "env_options": _plain(options),
        "config": _plain(config),
    }
    begun = _check_same_arguments(folder, arguments)
    if begun >= episodes:
        return folder
    simulation = make_simulation(task, min(worlds, episodes - begun), randomize=randomize, **options)
    try:
        stride = config.stride(simulation.control_frequency)
        if displaced_views:
            check_displaced(simulation)
        described = describe_episodes(simulation, row.id, stride, arguments)
        with _Writer(folder, simulation, described, row.summary) as writer:
            _record(simulation, acting, range(begun, episodes), writer, config, progress)
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
    """Record the episodes of a dataset again through another camera, at night, in rain.

    An episode follows from its seed, the policy and seeded noise; that the actions came out the same is checked.

    Args:
        source: folder that `collect` made.
        folder: of the new dataset.
        env_options: what is to be different, such as `camera` (one or several), `obs_mode`, `time_of_day`.
        displaced_views: those too, where there were any.
        num_worlds: episodes recorded side by side, at most.
        progress: as for `collect`.

    Raises:
        InvalidOption: the source is no collected dataset, or an option is not accepted.
        CamshaftError: the episodes came out otherwise; another version of Camshaft may have recorded them, or an option
            changes more than what is seen.
    """
    arguments, reader = _collected(Path(source)).recorded_with, DatasetReader(source)
    collect(
        arguments["task"],
        folder,
        reader.num_episodes,
        seed=arguments["seed"],
        randomize=arguments["randomize"],
        num_worlds=num_worlds,
        policy=arguments["policy"],
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
    return _collected(Path(folder)).task


class _Writer:
    """The dataset of a collection; a new one is made once its first episode is whole, which says its columns."""

    def __init__(self, folder: Path, simulation: Simulation, described: EpisodesFile, summary: str) -> None:
        self.described = described
        self._folder, self._simulation, self._summary = folder, simulation, summary
        self._writer: DatasetWriter | None = None
        if (folder / INFO).exists():
            self._writer = DatasetWriter.append(folder, task=summary)
        else:
            check_new_folder(folder)

    @property
    def num_episodes(self) -> int:
        return 0 if self._writer is None else self._writer.num_episodes

    def write(self, columns: dict[str, Any]) -> None:
        """Add a whole episode."""
        if self._writer is None:
            self._writer = self._new(columns)
        self._writer.add_episode(columns)

    def _new(self, columns: dict[str, Any]) -> DatasetWriter:
        described = self.described
        displaced = bool(described.recorded_with["displaced_views"])
        features = recorded_features(self._simulation, displaced, columns)
        fps = round(self._simulation.control_frequency / described.stride)
        writer = DatasetWriter(self._folder, fps, features, robot_type=described.task, task=self._summary)
        write_episodes_file(self._folder, described)
        return writer

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()


def _record(
    simulation: Simulation,
    policy: Policy,
    episodes: range,
    writer: _Writer,
    config: CollectionConfig,
    progress: Progress | None,
) -> None:
    arguments = writer.described.recorded_with
    seed, displaced = arguments["seed"], None
    if arguments["displaced_views"]:
        displaced = DisplacedViews(seed, config.max_lateral, math.radians(config.max_heading_degrees))

    def write(columns: dict[str, Any]) -> None:
        writer.write(columns)
        if progress is not None:
            progress(writer.num_episodes, episodes.stop)

    recorder = DemonstrationRecorder(simulation, writer.described.stride, displaced, write, episodes.start)
    for _ in rollout(
        simulation,
        policy,
        [seed + episode for episode in episodes],
        first_episode=episodes.start,
        observers=[recorder],
        disturbance=ActionNoise(simulation, seed, config.noise_std, config.noise_seconds),
    ):
        pass


def _check_same_arguments(folder: Path, arguments: Mapping[str, Any]) -> int:
    """Episodes the folder already has; it must have been collected with the same arguments."""
    if not (folder / INFO).exists():
        return 0
    begun = DatasetReader(folder).num_episodes
    described = read_episodes_file(folder)
    if described is None:
        raise InvalidOption(f"{folder} holds a dataset that was not collected here: choose another folder")
    check_same_settings(folder, described.recorded_with, arguments)
    return begun


def _collected(folder: Path) -> EpisodesFile:
    described = read_episodes_file(folder)
    if described is None or not described.recorded_with:
        raise InvalidOption(f"{folder} was not made by collecting demonstrations")
    return described


def _plain(value: Any) -> Any:
    """The value as JSON gives it back: dataclasses become mappings, tuples lists."""
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
