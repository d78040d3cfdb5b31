"""The schema of a recorded episode, and the file that says what a folder's episodes are of.

One row is one control step, or every `stride`-th of them:

- `observation.*`: what was observed before the step; `observation.images.<camera>` frames, labels and vectors;
- `action`: what was executed; `expert.action`: the label, what the expert would have done there;
- `next.reward` (summed over the stride), `next.success`, `next.done` (the episode ended), `next.truncated` (by the time
  limit alone) and `info.*` of the task (reward terms included): after it.

Beside LeRobot's own files, meta/camshaft.json has the version of this schema, the task and the options of the
environment in which a policy that learns from the episodes has to act.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from camshaft.envs.errors import CorruptFile, InvalidOption
from camshaft.perception.runs.durable_files import named_disk_errors, write_json_durably

SCHEMA = 2  # rises when columns change their meaning
FILE = Path("meta/camshaft.json")

ACTION, EXPERT_ACTION = "action", "expert.action"
REWARD, DONE, TRUNCATED, SUCCESS = "next.reward", "next.done", "next.truncated", "next.success"
INFO = "info."


@dataclass(frozen=True)
class EpisodesFile:
    """Content of meta/camshaft.json.

    Attributes:
        task: id of the task.
        env_options: options of the task that decide observations and actions: obs_mode, control_mode, camera.
        parts: column to the part of the observation that it holds.
        stride: control steps per row.
        recorded_with: arguments that the episodes were recorded with.
        choices: number of discrete actions; None where they are continuous.
        schema: version of the schema.
    """

    task: str
    env_options: dict[str, Any]
    parts: dict[str, str]
    stride: int
    recorded_with: dict[str, Any] = field(default_factory=dict)
    choices: int | None = None
    schema: int = SCHEMA


def write_episodes_file(folder: Path, described: EpisodesFile) -> None:
    """Write meta/camshaft.json, unless it is there."""
    if not (folder / FILE).exists():
        with named_disk_errors(folder):
            write_json_durably(folder / FILE, asdict(described))


def read_episodes_file(folder: Path) -> EpisodesFile | None:
    """Read meta/camshaft.json; None where another tool wrote the folder.

    Raises:
        InvalidOption: an earlier version of Camshaft recorded it.
        CorruptFile: the file is damaged.
    """
    path = folder / FILE
    try:
        stored = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        raise CorruptFile(f"{path}: {error}") from error
    if not isinstance(stored, dict):
        raise CorruptFile(f"{path} does not say what the episodes are of")
    if stored.get("schema") != SCHEMA:
        raise InvalidOption(
            f"{folder} was recorded by another version of Camshaft (episode schema {stored.get('schema', 1)}, where "
            f"'action' was the label; this version reads {SCHEMA}): collect it again"
        )
    try:
        return EpisodesFile(**stored)
    except TypeError as error:
        raise CorruptFile(f"{path} does not say what the episodes are of: {error}") from error


def info_column(name: str) -> str:
    """The column of an entry of the task's info."""
    return INFO + name.replace("/", ".")
