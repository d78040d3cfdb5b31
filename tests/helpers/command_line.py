"""Commands as a person gives them."""

from __future__ import annotations

from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from camshaft.experiments.cli.main import main


@dataclass(frozen=True)
class Finished:
    """What a command left: its exit status and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def camshaft(*words: str, folder: Path) -> Finished:
    """Run a command in this process, where PyTorch is loaded once only."""
    output, errors = StringIO(), StringIO()
    with chdir(folder), redirect_stdout(output), redirect_stderr(errors):
        try:
            status = main(words)
        except SystemExit as stop:
            status = int(stop.code or 0)
    return Finished(status, output.getvalue(), errors.getvalue())
