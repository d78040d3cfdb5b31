"""Staged experiments: settings and completed stages in the run folder, so that a stopped run can resume."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from camshaft.envs.errors import CorruptFile
from camshaft.perception.runs.durable_files import named_disk_errors, write_durably, write_json_durably
from camshaft.perception.runs.settings import check_same_settings, read_settings, settings_yaml

CONFIG = "config.yaml"
STAGES = "stages.json"


class StagedRun:
    """Run folder of an experiment whose stages run once each.

    Args:
        path: of the folder, created if it does not exist.
        settings: of the run, serializable as YAML; a folder resumes only with the settings that it was started with.

    Raises:
        InvalidOption: it was started with other settings, which the message names.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        self.path = path
        with named_disk_errors(path):
            path.mkdir(parents=True, exist_ok=True)
            self._check_settings(settings)
        self._stages = self._read_stages()

    @property
    def seconds(self) -> dict[str, float]:
        """Duration of each stage, in the order in which they were started."""
        return {name: stage["seconds"] for name, stage in self._stages.items()}

    def is_done(self, stage: str) -> bool:
        """Whether a stage was finished, now or in an earlier run."""
        return bool(self._stages.get(stage, {}).get("done"))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage, and mark it done if the block ends without an error; time spent before a stop counts."""
        before, start, done = self.seconds.get(name, 0.0), time.perf_counter(), False
        try:
            yield
            done = True
        finally:
            self._stages[name] = {"seconds": before + time.perf_counter() - start, "done": done}
            with named_disk_errors(self.path):
                write_json_durably(self.path / STAGES, self._stages)

    def _check_settings(self, settings: Mapping[str, Any]) -> None:
        path = self.path / CONFIG
        if not path.exists():
            write_durably(path, lambda stream: stream.write(settings_yaml(settings)))
            return
        check_same_settings(
            self.path, read_settings(path), settings, "choose another --name, or delete the folder"
        )

    def _read_stages(self) -> dict[str, Any]:
        path = self.path / STAGES
        if not path.exists():
            return {}
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise CorruptFile(f"{path} is not a table of stages: {error}") from error
