"""Simulated streams: correct labels, variety, disjoint splits, reproducibility, and errors."""

import itertools
import os
import signal

import numpy as np
import pytest
import torch

from camshaft.envs.catalogue import make_simulation
from camshaft.envs.errors import CamshaftError, InvalidOption, UnknownName
from camshaft.envs.rendering import project, rays
from camshaft.perception.data import FrameMaker, FramesConfig, FrameStream, SimulatedFrames
from camshaft.perception.training.config import TrainingConfig
from camshaft.perception.training.objective import Objective
from camshaft.perception.training.trainer import train
from camshaft.perception.zoo import create_model

LANE = "camshaft/LaneKeeping-v0"
SMALL = {"batch_size": 4, "camera": (40, 32), "num_threads": 1}
LABELS = ("rgb", "next_rgb", "depth", "segmentation", "normals", "flow", "occluded", "camera_motion", "state")


@pytest.fixture(scope="module")
def frames():
    with SimulatedFrames(LANE, LABELS, stride=8, frames_per_episode=4, **SMALL) as stream:
        return stream.collect(48)


def test_every_label_comes_with_its_frame(frames):
    shapes = {name: values.shape[1:] for name, values in frames.items()}
    assert shapes == {
        "rgb": (32, 40, 3),
        "next_rgb": (32, 40, 3),
        "depth": (32, 40),
        "segmentation": (32, 40),
        "normals": (32, 40, 3),
        "flow": (32, 40, 2),
        "occluded": (32, 40),
        "camera_motion": (4, 4),
        "state": (10,),
    }
    assert frames["rgb"].dtype == np.uint8 and frames["depth"].dtype == np.float32


def test_flow_is_depth_moved_by_the_camera(frames):
    """On the road, which does not move, flow is determined by depth and the motion of the camera."""
    camera = make_simulation(LANE, 1, camera=SMALL["camera"]).cameras[""]
    directions = rays(camera)
    still = np.isin(frames["segmentation"], (1, 2, 3, 4)) & (frames["depth"] < 60.0)
    errors = []
    for row in range(len(frames["rgb"])):
        points = directions / directions[..., 2:] * frames["depth"][row][..., None]
        motion = np.linalg.inv(frames["camera_motion"][row].astype(np.float64))
        moved = points @ motion[:3, :3].T + motion[:3, 3]
        ahead = still[row] & (moved[..., 2] > 0.5)
        where = project(camera, moved[ahead])
        columns, rows = np.meshgrid(np.arange(40.0), np.arange(32.0))
        expected = where - np.stack([columns, rows], axis=-1)[ahead]
        errors.append(np.linalg.norm(expected - frames["flow"][row][ahead], axis=-1))
    assert np.quantile(np.concatenate(errors), 0.99) < 0.1  # pixels


def test_objects_are_boxes_of_their_visible_parts():
    maker = FrameMaker(
        FramesConfig(
            "camshaft/Following-v0", ("instances", "segmentation", "objects"), max_objects=6, **SMALL
        )
    )
    seen = 0
    for _ in range(3):
        batch = maker.make()
        for instances, labels, objects in zip(*batch.values(), strict=True):
            assert (np.diff(objects[:, 5]) <= 0).all()
            for left, top, right, bottom, kind, pixels in objects[objects[:, 5] > 0].astype(int):
                inside = instances[top:bottom, left:right]
                whole = [
                    number
                    for number in np.unique(
                        inside[[0, -1]]
                    )  # instances at the upper and lower edge of the box
                    if (instances == number).sum() == (inside == number).sum() == pixels
                    and all((edge == number).any() for edge in _edges(inside))
                    and np.bincount(labels[instances == number]).argmax() == kind
                ]
                assert len(whole) == 1 and whole[0] > 0
                seen += 1
    assert seen > 12


def _edges(image):
    return image[0], image[-1], image[:, 0], image[:, -1]


def test_frames_are_varied(frames):
    """Frames differ between worlds and over time, and both kinds of restart occur."""
    flat = frames["rgb"].reshape(48, -1).astype(np.float64)
    apart = np.abs(flat[:, None] - flat[None]).mean(axis=-1)
    apart[np.diag_indices(48)] = np.inf
    assert apart.min() > 1.0
    speeds = np.linalg.norm(frames["camera_motion"][:, :3, 3], axis=1)
    assert speeds.std() > 0.01


def test_the_same_arguments_give_the_same_stream_and_another_seed_or_split_another(frames):
    def first(**changes):
        return FrameMaker(FramesConfig(LANE, ("rgb", "state"), **{**SMALL, **changes})).make()

    once, again = first(), first()
    assert all(np.array_equal(once[name], again[name]) for name in once)
    for changes in ({"seed": 1}, {"split": "val"}, {"split": "test"}):
        assert np.abs(first(**changes)["rgb"].astype(float) - once["rgb"]).mean(axis=(1, 2, 3)).min() > 1.0


def test_the_seeds_of_episodes_of_two_splits_are_never_the_same():
    seeds = {}
    for split in ("train", "val", "test"):
        maker = FrameMaker(FramesConfig(LANE, split=split, frames_per_episode=1, **SMALL))
        seen = set()
        for _ in range(6):
            maker.make()
            seen |= {int(seed) for seed in maker.simulation.seeds}
        assert {seed % 4 for seed in seen} == {("train", "val", "test").index(split)}
        seeds[split] = seen
    assert not seeds["train"] & seeds["val"]


def test_a_worker_process_makes_the_stream_of_a_thread():
    options = {"behavior_policy": "expert", **SMALL}
    with SimulatedFrames(LANE, ("rgb", "action"), workers=1, **options) as apart:
        there = apart.collect(12)
    with SimulatedFrames(LANE, ("rgb", "action"), **options) as beside:
        here = beside.collect(12)
    assert all(np.array_equal(here[name], there[name]) for name in here)


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_stream_can_start_at_a_later_batch(workers):
    options = {"workers": workers, "stride": 3, "frames_per_episode": 3, **SMALL}
    with SimulatedFrames(LANE, ("rgb", "state"), **options) as whole:
        first = whole.collect(28)
    with SimulatedFrames(LANE, ("rgb", "state"), first=5, **options) as later:
        rest = later.collect(8)
    assert all(np.array_equal(rest[name], first[name][20:28]) for name in rest)


def test_a_training_on_a_stream_resumes_bit_exactly(tmp_path):
    stream = {"length": 24, "camera": (40, 40), "num_threads": 1}
    config = TrainingConfig(epochs=2, batch_size=4, checkpoint_steps=3, device="cpu", precision="float32")

    def learn(folder, images, **options):
        try:
            return train(
                Direction, Steering(), images, None, config, tmp_path / folder, progress=False, **options
            )
        finally:
            images.close()

    whole = learn("whole", FrameStream(LANE, ("rgb", "state"), **stream))
    with pytest.raises(CamshaftError, match="the stream broke"):
        learn("cut", _Breaking(FrameStream(LANE, ("rgb", "state"), **stream), 8))
    again = learn("cut", FrameStream(LANE, ("rgb", "state"), **stream), resume=True)
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name]), name
    with pytest.raises(InvalidOption, match="other data"):
        learn("cut", FrameStream(LANE, ("rgb", "state"), seed=1, **stream), resume=True)


class Direction(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = create_model("nature_cnn", size=(40, 40), out_dim=8)
        self.head = torch.nn.Linear(8, 1)

    def forward(self, frames):
        return self.head(self.encoder(frames))


class Steering(Objective):
    labels = ("state",)
    score = "none"

    def check(self, targets):
        pass

    def loss(self, outputs, targets):
        return {"error": (outputs[:, 0] - targets["state"][:, 0]).square().mean()}

    def metrics(self):
        raise NotImplementedError


class _Breaking:
    """A stream that breaks after some batches."""

    def __init__(self, stream, after):
        self._stream, self._after = stream, after

    def __len__(self):
        return len(self._stream)

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def batches(self, *arguments):
        for batch in self._stream.batches(*arguments):
            self._after -= 1
            if self._after < 0:
                raise CamshaftError("the stream broke")
            yield batch


def test_buffers_are_reused_but_never_while_they_are_in_use():
    with SimulatedFrames(LANE, buffers=2, **SMALL) as stream:
        addresses, before = set(), None
        for batch in itertools.islice(stream, 8):
            addresses.add(batch["rgb"].data_ptr())
            kept = batch["rgb"].clone()
            torch.manual_seed(0)
            torch.randn(200, 200) @ torch.randn(200, 200)  # time for the thread to continue
            assert torch.equal(batch["rgb"], kept)
            assert before is None or not torch.equal(before, kept)
            before = kept
    assert len(addresses) == 2


def test_a_training_can_be_resumed_with_another_number_of_threads():
    one, two = (FrameStream(LANE, num_threads=number).fingerprint() for number in (1, 2))
    assert one == two == FrameStream(LANE).fingerprint()
    assert one != FrameStream(LANE, seed=1).fingerprint()


def test_a_worker_that_dies_is_named():
    with SimulatedFrames(LANE, workers=1, **SMALL) as stream:
        next(stream)
        (pid,) = stream._prefetcher.process_ids
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(CamshaftError, match=rf"worker 0 \(process {pid}\).*died: killed by signal 9"):
            for _ in range(8):
                next(stream)
        with pytest.raises(CamshaftError, match="closed"):
            next(stream)


def test_an_error_of_a_maker_is_raised_by_the_stream():
    with SimulatedFrames(LANE, **SMALL) as stream:
        next(stream)
        maker_step = type(make_simulation(LANE, 1)).step
        try:
            type(make_simulation(LANE, 1)).step = _fail
            with pytest.raises(CamshaftError, match="the wheel came off"):
                for _ in range(8):
                    next(stream)
        finally:
            type(make_simulation(LANE, 1)).step = maker_step


def _fail(*_):
    raise CamshaftError("the wheel came off")


def test_discrete_actions_and_terminated_worlds_are_part_of_the_stream():
    options = {
        "task_options": {"control_mode": "discrete"},
        "behavior_policy": "random",
        "frames_per_episode": 6,
    }
    maker = FrameMaker(FramesConfig("camshaft/Following-v0", ("rgb", "state"), **options, **SMALL))
    restarts = ends = 0
    for _ in range(16):
        ends += int(maker._ended.sum())
        before = list(maker.simulation.seeds)
        maker.make()
        restarts += sum(now != then for now, then in zip(maker.simulation.seeds, before, strict=True))
    assert restarts > 8 and ends > 0


@pytest.mark.parametrize(
    ("task", "options", "error", "words"),
    [
        ("camshaft/LaneKeping-v0", {}, UnknownName, "LaneKeeping"),
        (LANE, {"labels": ("rgb", "deepth")}, UnknownName, "'depth'"),
        (LANE, {"labels": ()}, InvalidOption, "labels"),
        (LANE, {"labels": ("rgb", "rgb")}, InvalidOption, "labels"),
        (LANE, {"split": "training"}, UnknownName, "train"),
        (LANE, {"randomize": "always"}, InvalidOption, "randomize"),
        (LANE, {"behavior_policy": "human"}, UnknownName, "mixed"),
        (LANE, {"batch_size": 0}, InvalidOption, "batch_size"),
        (LANE, {"stride": 2, "interval": 3}, InvalidOption, "interval"),
        (LANE, {"workers": -1}, InvalidOption, "workers"),
        (LANE, {"buffers": 1}, InvalidOption, "buffers"),
        (LANE, {"camera": {"left": (32, 32), "right": (32, 32)}}, InvalidOption, "one camera"),
    ],
)
def test_bad_options_are_named(task, options, error, words):
    with pytest.raises(error, match=words):
        SimulatedFrames(task, **options)
