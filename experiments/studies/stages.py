"""An experiment in stages: its settings, and which stages are done, so that a stopped run goes on."""

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
    """A folder whose stages are done once each.

    Args:
        path: of the folder, made if need be.
        settings: of the run, as YAML can hold them; a folder goes on only with those it was begun with.

    Raises:
        InvalidOption: it was begun with other settings; the message names them.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        self.path = path
        with named_disk_errors(path):
            path.mkdir(parents=True, exist_ok=True)
            self._check_settings(settings)
        self._stages = self._read_stages()

    @property
    def seconds(self) -> dict[str, float]:
        """What each stage took, in the order in which they were begun."""
        return {name: stage["seconds"] for name, stage in self._stages.items()}

    def is_done(self, stage: str) -> bool:
        """Whether a stage was finished, now or in an earlier run."""
        return bool(self._stages.get(stage, {}).get("done"))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage and mark it done if the block ends well; time spent before a stop counts."""
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
