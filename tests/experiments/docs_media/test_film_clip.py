"""Clips of films for pages: side by side, as long as the shortest, moving."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from camshaft.agents.lerobot.video import write_video
from camshaft.experiments.docs_media.film_clip import HEIGHT, clip, write_clip


def film(path: Path, size: tuple[int, int], frames: int) -> Path:
    write_video(path, (np.full((*size, 3), 4 * number, np.uint8) for number in range(frames)), 16)
    return path


def test_films_stand_side_by_side_and_move(tmp_path: Path) -> None:
    films = [film(tmp_path / "long.mp4", (48, 64), 60), film(tmp_path / "short.mp4", (60, 60), 40)]
    frames = clip(films)
    assert len(frames) == 20
    assert frames[0].shape == (HEIGHT, HEIGHT * 64 // 48 + HEIGHT, 3)
    write_clip(tmp_path / "clip.webp", films)
    with Image.open(tmp_path / "clip.webp") as image:
        assert image.n_frames > 5  # equal ones are joined
        image.seek(image.n_frames - 1)
        assert np.asarray(image.convert("RGB")).mean() > frames[0].mean() + 50.0


def test_what_is_no_film_is_named(tmp_path: Path) -> None:
    (tmp_path / "no.mp4").write_bytes(b"")
    with pytest.raises(SystemExit, match=r"no\.mp4 cannot be read"):
        clip([tmp_path / "no.mp4"])
