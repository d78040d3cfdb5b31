"""Progress without a terminal: lines, seldom."""

from __future__ import annotations

import pytest

from camshaft.experiments.terminal import progress


def test_a_log_gets_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = iter([0.0, 5.0, 16.0, 20.0, 40.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(seconds))
    with progress.progress_bar("Recording") as tell:
        for done in range(4):
            tell(done, 1200)
    assert capsys.readouterr().err.splitlines() == [
        "Recording: 1 of 1,200 after 16 s",
        "Recording: 3 of 1,200 after 40 s",
    ]
