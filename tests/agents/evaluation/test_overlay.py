"""The panel of instruments in a film shows what it is given, to the side that it is on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from camshaft.agents.evaluation.overlay import (
    BAD,
    EXPERT,
    GOOD,
    POLICY,
    WHITE,
    Instruments,
    Reading,
    annotate,
)


def instruments(action: Any = 0.4, expert: Any = -0.2, error: float | None = 0.1, **more: Any) -> Instruments:
    actions = [None if each is None else np.atleast_1d(np.float32(each)) for each in (action, expert)]
    return Instruments(1.0, more.pop("readings", ()), *actions, error)  # type: ignore[arg-type]


def columns_of(color: Any, image: np.ndarray) -> np.ndarray:
    """Columns where the bars and the gauge have a color, below the text."""
    near = np.abs(image[299:].astype(int) - color).sum(axis=2) < 30
    return np.flatnonzero(near[30:].any(axis=0))


def test_left_is_left_of_the_middle_and_right_is_right() -> None:
    frame = np.full((360, 640, 3), 128, np.uint8)
    left = annotate(frame, instruments(0.2, -0.2))
    middle = np.mean([columns_of(POLICY, left).max(), columns_of(EXPERT, left).min()])
    assert columns_of(POLICY, left).mean() < middle < columns_of(EXPERT, left).mean()
    swapped = annotate(frame, instruments(-0.2, 0.2))
    assert columns_of(POLICY, swapped).mean() > middle > columns_of(EXPERT, swapped).mean()
    off_left, off_right = (annotate(frame, instruments(error=error)) for error in (0.4, -0.4))
    assert columns_of(GOOD, off_left).max() < columns_of(GOOD, off_right).max()
    assert columns_of(BAD, annotate(frame, instruments(error=1.3))).size
    np.testing.assert_array_equal(left[:290], frame[:290])
    np.testing.assert_array_equal(frame, 128)


@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_every_number_of_an_action_has_its_bar(count: int) -> None:
    frame = np.full((720, 1280, 3), 128, np.uint8)
    panel = annotate(frame, instruments(np.ones(count), np.ones(count), error=None))
    row = np.abs(panel[597 + int(0.54 * 123)].astype(int) - POLICY).sum(axis=1) < 30
    assert (np.diff(row.astype(int)) == 1).sum() == count


def test_a_choice_among_actions_has_no_bars() -> None:
    frame = np.full((360, 640, 3), 128, np.uint8)
    panel = annotate(frame, instruments(None, None, None, readings=[Reading("SPEED", "3.1 m/s")]))
    assert not columns_of(POLICY, panel).size
    assert columns_of(WHITE, panel).size
    assert columns_of(WHITE, panel).max() < 640 * 0.35


def test_labels_do_not_run_into_each_other() -> None:
    frame = np.full((360, 640, 3), 128, np.uint8)
    words = [Reading("A RATHER LONG NAME OF A METRIC", "12345678901234567 km", GOOD), Reading("B", "1", BAD)]
    panel = annotate(frame, instruments(None, None, None, readings=words))
    assert columns_of(GOOD, panel).max() < columns_of(BAD, panel).min()


def test_small_frames_are_enlarged_and_show_the_policys_view() -> None:
    view = np.zeros((66, 200, 3), np.uint8)
    shown = annotate(np.full((90, 121, 3), 200, np.uint8), instruments(), view)
    assert shown.shape[0] >= 360
    assert shown.shape[1] >= 640
    assert shown.shape[0] % 2 == shown.shape[1] % 2 == 0
    assert (shown[30:60, 60:180] == 0).all()
