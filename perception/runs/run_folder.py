"""Run folder of a training: config.yaml, metrics.jsonl, TensorBoard events and the latest checkpoint."""

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
RUN_FORMAT = 2  # version of the run format; incremented when earlier runs can no longer be resumed
METRICS_FILE = "metrics.jsonl"
CHECKPOINT_FILE = "checkpoints/last.safetensors"
LOCK_FILE = "checkpoints/.lock"
TENSORBOARD_FOLDER = "tensorboard"


def check_resumable(folder: str | Path) -> None:
    """Check that a folder holds a run to resume.

    Raises:
        InvalidOption: the folder has no checkpoint.
    """
    if not (Path(folder) / CHECKPOINT_FILE).exists():
        raise InvalidOption(f"nothing to resume: {folder} holds no checkpoint. Start without --resume")


def resume_hint(folder: str | Path) -> str:
    """Message for the user after a run was stopped: whether and how it can be resumed."""
    if not (Path(folder) / CHECKPOINT_FILE).exists():
        return f"There is no checkpoint in {folder} yet: the same command starts from the beginning."
    return f"The last checkpoint is kept in {folder}; the same command with --resume continues from it."


class RunFolder:
    """Folder of a training run, which can be killed at any moment and resumed exactly.

    The metrics have no gaps and no duplicates: a checkpoint stores the length of `metrics.jsonl`, and the file is
    truncated to that length when the run is resumed.

    Args:
        folder: folder of the run; created if needed.
        settings: settings that determine the result of the training; saved in `config.yaml`.
        origin: provenance of the data; saved there as well, but may differ when the run is resumed.
        resume: resume the run in the folder, if there is one.

    Attributes:
        checkpoint: tensors and state of the last `save`; None if the run has no checkpoint yet.

    Raises:
        InvalidOption: the folder holds a run and `resume` is off, or a run with other settings.
        CorruptFile: the config or the checkpoint is damaged.
        CamshaftError: another process is writing to the folder, or it is not writable.
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
        """Path of the latest checkpoint, the only one that is kept."""
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
        """Append a row to the metrics.

        Args:
            row: numbers by name, including the `step` after which they were measured.
        """
        with named_disk_errors(self.folder):
            self._metrics.write(json.dumps(row).encode() + b"\n")
            self._metrics.flush()
        for name, value in row.items():
            if name not in ("step", "epoch") and value is not None:
                self._events.add_scalar(name, value, row["step"])

    def save(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Save the checkpoint that the run can be resumed from.

        Args:
            tensors: tensors by name.
            state: other state, including the `step`; JSON-serializable.
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
                    f"{self.folder} holds the metrics of a run without a checkpoint: choose another folder, or "
                    "remove it"
                )
            return  # a run without a checkpoint starts over
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
        """Open the metrics for appending, truncated to their length at the checkpoint."""
        stream = (self.folder / METRICS_FILE).open("ab")
        kept = self.checkpoint[1]["metrics_bytes"] if self.checkpoint else 0
        stream.truncate(min(kept, stream.tell()))
        stream.seek(0, os.SEEK_END)
        return stream
