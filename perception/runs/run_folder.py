"""Run folder of a training: config.yaml, metrics.jsonl, TensorBoard events and the newest checkpoint."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from camshaft.envs.errors import InvalidOption
from camshaft.perception.runs.checkpoint import load_checkpoint, save_checkpoint
from camshaft.perception.runs.durable_files import FolderLock, named_disk_errors, write_durably
from camshaft.perception.runs.settings import check_same_settings, read_settings, settings_yaml

CONFIG_FILE = "config.yaml"
RUN_FORMAT = 2  # of config.yaml; rises when runs of before can no longer be resumed
METRICS_FILE = "metrics.jsonl"
CHECKPOINT_FILE = "checkpoints/last.safetensors"
LOCK_FILE = "checkpoints/.lock"
TENSORBOARD_FOLDER = "tensorboard"


def check_resumable(folder: str | Path) -> None:
    """Make sure that a run which a person asks to resume is there.

    Raises:
        InvalidOption: the folder has no checkpoint.
    """
    if not (Path(folder) / CHECKPOINT_FILE).exists():
        raise InvalidOption(f"nothing to resume: {folder} holds no checkpoint. Start without --resume")


def what_is_kept(folder: str | Path) -> str:
    """What a person should know who stopped a run."""
    if not (Path(folder) / CHECKPOINT_FILE).exists():
        return f"No checkpoint is in {folder} yet: the same command starts from the beginning."
    return f"The last checkpoint is kept in {folder}; the same command with --resume goes on from it."


class RunFolder:
    """Where a training keeps what it learned, so that it can be killed at any moment and go on exactly.

    The metrics have no gaps and no duplicates: a checkpoint remembers how long `metrics.jsonl` was, and going
    on from it cuts the file back to that length.

    Args:
        folder: made if needed.
        settings: what decides the outcome of the training; written to `config.yaml`.
        origin: where its data came from; written there too, but may differ when it is resumed.
        resume: go on with the run that is in the folder, if there is one.

    Attributes:
        checkpoint: tensors and state that were given to `save` last, None if the run has no checkpoint yet.

    Raises:
        InvalidOption: the folder holds a run and `resume` is off, or one with other settings.
        CorruptFile: its config or checkpoint is damaged.
        CamshaftError: another process is training into this folder, or it cannot be written to.
    """

    def __init__(
        self,
        folder: str | Path,
        settings: Mapping[str, Any],
        *,
        origin: Mapping[str, Any] | None = None,
        resume: bool = False,
    ) -> None:
        self.folder = Path(folder)
        self._check_settings(settings, resume)
        with named_disk_errors(self.folder), ExitStack() as undo:
            self._lock = FolderLock(self.folder / LOCK_FILE)
            undo.callback(self._lock.release)
            text = settings_yaml({"run_format": RUN_FORMAT, **settings, "origin": dict(origin or {})})
            write_durably(self.folder / CONFIG_FILE, lambda stream: stream.write(text))
            self.checkpoint = self._read_checkpoint()
            self._metrics = self._open_metrics()
            undo.callback(self._metrics.close)
            step = self.checkpoint[1]["step"] if self.checkpoint else 0
            self._events = SummaryWriter(str(self.folder / TENSORBOARD_FOLDER), purge_step=step + 1)
            undo.pop_all()

    @property
    def checkpoint_path(self) -> Path:
        """The one checkpoint of the run, always the newest."""
        return self.folder / CHECKPOINT_FILE

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._metrics.close()
        self._events.close()
        self._lock.release()

    def log(self, row: Mapping[str, Any]) -> None:
        """Add a row to the metrics.

        Args:
            row: numbers by name; `step` is the step they were measured after.
        """
        with named_disk_errors(self.folder):
            self._metrics.write(json.dumps(row).encode() + b"\n")
            self._metrics.flush()
        for name, value in row.items():
            if name not in ("step", "epoch") and value is not None:
                self._events.add_scalar(name, value, row["step"])

    def save(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Write the checkpoint that a resumed run goes on from.

        Args:
            tensors: by name.
            state: everything else, with the `step` it is of; what JSON can hold.
        """
        with named_disk_errors(self.folder):
            os.fsync(self._metrics.fileno())
        save_checkpoint(self.checkpoint_path, tensors, {**state, "metrics_bytes": self._metrics.tell()})

    def _check_settings(self, settings: Mapping[str, Any], resume: bool) -> None:
        path = self.folder / CONFIG_FILE
        if not self.checkpoint_path.exists():
            metrics = self.folder / METRICS_FILE
            if not resume and metrics.exists() and metrics.stat().st_size:
                raise InvalidOption(
                    f"{self.folder} holds the metrics of a run whose checkpoint is gone: choose another folder, or "
                    "remove it"
                )
            return  # whatever began here got nowhere
        if not resume:
            raise InvalidOption(f"{self.folder} holds a run already: resume it, or choose another folder")
        before = read_settings(path)
        if before.pop("run_format", None) != RUN_FORMAT:
            raise InvalidOption(
                f"{self.folder} holds a run of an earlier version of Camshaft, which cannot be resumed: "
                "choose another folder"
            )
        before.pop("origin", None)
        check_same_settings(self.folder, before, settings)

    def _read_checkpoint(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        return load_checkpoint(self.checkpoint_path) if self.checkpoint_path.exists() else None

    def _open_metrics(self) -> IO[bytes]:
        """Cut back to the checkpoint, positioned at the end."""
        stream = (self.folder / METRICS_FILE).open("ab")
        kept = self.checkpoint[1]["metrics_bytes"] if self.checkpoint else 0
        stream.truncate(min(kept, stream.tell()))
        stream.seek(0, os.SEEK_END)
        return stream
