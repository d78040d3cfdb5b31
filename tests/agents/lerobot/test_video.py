"""Videos: written whole, read frame by frame, mistakes named."""

import shutil

import numpy as np
import pytest

from camshaft.agents.lerobot.video import VideoWriter, read_video, write_video
from camshaft.envs.errors import CamshaftError, CorruptFile, InvalidOption


def test_video_mistakes_are_named(tmp_path):
    with pytest.raises(InvalidOption, match="at least one frame"):
        write_video(tmp_path / "empty.mp4", [], 10)
    with pytest.raises(CorruptFile, match=r"no\.mp4"):
        list(read_video(tmp_path / "no.mp4"))
    write_video(tmp_path / "odd.mp4", np.zeros((3, 21, 31, 3), np.uint8), 10)
    assert next(read_video(tmp_path / "odd.mp4")).shape == (20, 30, 3)


def test_a_folder_that_is_gone_is_named(tmp_path):
    writer = VideoWriter(tmp_path / "films/road.mp4", (32, 48), 10)
    shutil.rmtree(tmp_path / "films")
    with pytest.raises(CamshaftError, match="cannot write to .*films"):
        writer.add([np.zeros((32, 48, 3), np.uint8)] * 60)
        writer.close()
