"""Overhead of `EncodeCamera` beyond the encoder itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from rich.table import Table

from camshaft import envs
from camshaft.envs.errors import InvalidOption
from camshaft.experiments.benchmarks.measure import Rate, interleaved, write_result
from camshaft.experiments.terminal.console import Console
from camshaft.perception.encode_camera import EncodeCamera
from camshaft.perception.training.hardware import choose_hardware
from camshaft.perception.zoo import create_model

ENCODER, WRAPPER, ENVIRONMENT = "encoder alone", "EncodeCamera's part of a step", "the environment without it"


@dataclass(frozen=True)
class EncodeConfig:
    """Measure the overhead of EncodeCamera per step, compared with the encoder alone on the same frames.

    Figures are steps of all worlds per second of CPU time, which is robust to other load on the machine; on a GPU, of
    wall time.

    For example: camshaft bench encode --model policy_resnet --worlds 16
    """

    model: str = "policy_resnet"
    """Encoder."""
    task: str = "camshaft/LaneKeeping-v0"
    """Task whose frames are encoded."""
    size: int = 84
    """Width and height of the frames in pixels."""
    worlds: int = 16
    """Worlds of the vector environment."""
    seconds: float = 2.0
    """Length of one measurement in seconds."""
    repeats: int = 7
    """Measurements per subject, after one of warm-up."""
    threads: int = 1
    """Threads of PyTorch."""
    device: str = "auto"
    """auto, cpu or cuda."""
    out: Path = Path("runs/bench/encode.json")
    """Results file, with machine, versions and commit."""


def run(config: EncodeConfig) -> None:
    """Measure, print the table and write the file."""
    if min(config.worlds, config.repeats, config.threads) < 1 or config.seconds <= 0:
        raise InvalidOption("worlds, repeats and threads must be at least 1, seconds more than 0")
    task = envs.find_task(config.task).id
    torch.set_num_threads(config.threads)
    hardware = choose_hardware(config.device, "float32")
    options: dict[str, Any] = {
        "num_envs": config.worlds,
        "camera": (config.size, config.size),
        "num_threads": 1,
        "randomize": "train",
    }
    plain = gymnasium.make_vec(task, **options)
    network = create_model(config.model)
    wrapped: Any = EncodeCamera(gymnasium.make_vec(task, **options), network, device=hardware.device.type)
    frames, _ = plain.reset(seed=0)
    wrapped.reset(seed=0)
    encoder = network.eval()
    actions = np.zeros_like(plain.action_space.sample())

    @torch.inference_mode()
    def encode() -> None:
        encoder(torch.from_numpy(frames).to(hardware.device)).cpu()

    clock = time.process_time if hardware.device.type == "cpu" else time.perf_counter
    subjects: dict[str, Callable[[], float]] = {
        ENCODER: _Timed(encode, config.seconds, clock),
        WRAPPER: _Timed(lambda: wrapped.observations(frames), config.seconds, clock),
        ENVIRONMENT: _Timed(lambda: plain.step(actions), config.seconds, clock),
    }
    rates = interleaved(subjects, config.repeats)
    figures = [
        {"name": name, **rate.to_dict(), "added_to_encoder": rates[ENCODER].median / rate.median - 1.0}
        for name, rate in rates.items()
    ]
    _print(config, rates)
    write_result(config.out, {**asdict(config), "out": str(config.out)}, figures)
    Console().print(f"Figures in {config.out}")


class _Timed:
    """Measurement of calls per second of a clock."""

    def __init__(self, work: Callable[[], object], seconds: float, clock: Callable[[], float]) -> None:
        self._work, self._seconds, self._clock = work, seconds, clock

    def __call__(self) -> float:
        done, start = 0, self._clock()
        while (elapsed := self._clock() - start) < self._seconds or done == 0:
            self._work()
            done += 1
        return done / elapsed


def _print(config: EncodeConfig, rates: dict[str, Rate]) -> None:
    table = Table(title=f"{config.model}, {config.worlds} worlds, {config.size} × {config.size} pixels")
    table.add_column("part")
    table.add_column("batches/s, median (range)", justify="right")
    table.add_column("ms per batch", justify="right")
    table.add_column("beyond the encoder", justify="right")
    for name, rate in rates.items():
        beyond = f"{rates[ENCODER].median / rate.median - 1.0:+.1%}" if name == WRAPPER else ""
        table.add_row(name, str(rate), f"{1000.0 / rate.median:.2f}", beyond)
    Console().print(table)
