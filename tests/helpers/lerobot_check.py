"""Opens a dataset folder with the real `lerobot` package and compares what it reads with what was recorded.

Run by an interpreter that has `lerobot` installed, without this package:

    python tests/helpers/lerobot_check.py FOLDER EXPECTED.npz

EXPECTED.npz has one array a column, all frames of all episodes in order, and `episode_lengths`.
"""

import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset

VIDEO_TOLERANCE = 12.0  # mean absolute error of a frame, of 255


def open_dataset(folder: Path, **options) -> LeRobotDataset:
    """Open with the video decoder that needs no FFmpeg libraries of the system."""
    return LeRobotDataset("camshaft/check", root=folder, video_backend="pyav", **options)


def frame_error(tensor: torch.Tensor, image: np.ndarray) -> float:
    """Mean absolute difference of a (3, H, W) tensor in [0, 1] and a (H, W, 3) uint8 image, of 255."""
    decoded = (tensor * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return float(np.abs(decoded.astype(int) - image.astype(int)).mean())


def check_frame(item: dict, row: int, expected: dict, features: dict) -> None:
    """One frame has every column as it was recorded: images to the bit, videos up to their compression."""
    for name, feature in features.items():
        if feature["dtype"] == "image":
            assert frame_error(item[name], expected[name][row]) == 0.0, (name, row)
        elif feature["dtype"] == "video":
            assert frame_error(item[name], expected[name][row]) < VIDEO_TOLERANCE, (name, row)
        elif name in expected:
            assert np.array_equal(np.asarray(item[name]).reshape(-1), expected[name][row].reshape(-1)), (
                name,
                row,
            )


def check_frames(dataset: LeRobotDataset, expected: dict) -> None:
    """Counts, columns, times and numbers of all frames."""
    lengths = expected["episode_lengths"]
    assert dataset.num_episodes == len(lengths), (dataset.num_episodes, len(lengths))
    assert len(dataset) == dataset.num_frames == lengths.sum()
    row = 0
    for episode, length in enumerate(lengths):
        for frame in range(length):
            item = dataset[row]
            check_frame(item, row, expected, dataset.features)
            assert int(item["episode_index"]) == episode and int(item["frame_index"]) == frame
            assert int(item["index"]) == row and item["task"] == str(expected["task"])
            assert abs(float(item["timestamp"]) - frame / dataset.fps) < 1e-4
            row += 1


def check_batches(dataset: LeRobotDataset, expected: dict) -> None:
    """A DataLoader of torch gives the same frames, in batches."""
    row = 0
    for batch in torch.utils.data.DataLoader(dataset, batch_size=8):
        for index in range(len(batch["index"])):
            item = {name: value[index] for name, value in batch.items()}
            check_frame(item, row, expected, dataset.features)
            row += 1
    assert row == len(dataset)


def check_windows(folder: Path, expected: dict) -> None:
    """`delta_timestamps` gives the frame before and the actions ahead, padded at the ends of an episode."""
    plain = open_dataset(folder)
    camera = plain.meta.camera_keys[0]
    step = 1.0 / plain.fps
    dataset = open_dataset(folder, delta_timestamps={camera: [-step, 0.0], "action": [0.0, step, 2 * step]})
    image_like = {camera: plain.features[camera]}
    ends = np.cumsum(expected["episode_lengths"])
    for row in (0, 1, ends[0] - 1, ends[0], ends[-1] - 1):
        start, end = max([0, *(e for e in ends if e <= row)]), min(e for e in ends if e > row)
        item = dataset[int(row)]
        for slot, delta in enumerate((-1, 0)):
            shown = int(np.clip(row + delta, start, end - 1))
            check_frame({camera: item[camera][slot]}, shown, expected, image_like)
            assert bool(item[f"{camera}_is_pad"][slot]) == (row + delta < start)
        ahead = np.clip(row + np.arange(3), start, end - 1)
        assert np.array_equal(item["action"].numpy(), expected["action"][ahead])


def check_statistics(dataset: LeRobotDataset, expected: dict) -> None:
    """Statistics are there for every column, in the shapes that policies normalize with."""
    for name, feature in dataset.features.items():
        statistics = dataset.meta.stats[name]
        shape = (3, 1, 1) if feature["dtype"] in ("image", "video") else tuple(feature["shape"])
        for kind in ("min", "max", "mean", "std", "q01", "q10", "q50", "q90", "q99"):
            assert statistics[kind].shape == shape, (name, kind, statistics[kind].shape)
    action = expected["action"].astype(np.float64)
    assert np.allclose(dataset.meta.stats["action"]["mean"], action.mean(axis=0))
    assert np.allclose(dataset.meta.stats["action"]["std"], action.std(axis=0))


def main(folder: Path, expected_path: Path) -> None:
    """All checks, in order."""
    expected = dict(np.load(expected_path))
    dataset = open_dataset(folder)
    check_frames(dataset, expected)
    check_batches(dataset, expected)
    check_windows(folder, expected)
    check_statistics(dataset, expected)
    last = open_dataset(folder, episodes=[dataset.num_episodes - 1])
    assert len(last) == expected["episode_lengths"][-1]
    print(
        f"lerobot reads {dataset.num_episodes} episodes, {len(dataset)} frames, {len(dataset.features)} columns"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
