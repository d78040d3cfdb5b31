"""Camera frames per second, with colour, depth and segmentation, beside PyBullet's TinyRenderer."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from envs import make_simulation
from envs.errors import InvalidOption
from envs.simulation import Simulation
from experiments.benchmarks.measure import Rate, interleaved, pinned, rate_of, write_result
from experiments.benchmarks.panda_table import (
    BulletCamera,
    PartsCamera,
    camera_poses,
    decimated,
    parts_client,
    table_client,
    table_parts,
    triangles,
)

STREET_WARM_UP = 40  # control steps, so that every world stands somewhere along its road


@dataclass(frozen=True)
class CamerasConfig:
    """Measure camera frames per second, each with colour, depth and segmentation.

    Two scenes: the street of camshaft/LaneKeeping-v0, and the Panda table that PyBullet ships, as it is and
    decimated, each beside PyBullet's TinyRenderer on the same meshes.

    For example: camshaft bench cameras --sizes 64 128
    """

    sizes: tuple[int, ...] = (64, 84, 128, 224)
    """Width and height of the square image in pixels."""
    worlds: int = 8
    """Cameras drawn in one call, each in a world of its own."""
    faces: int = 2000
    """Triangles of the decimated Panda table."""
    seconds: float = 1.0
    """Length of one measurement."""
    repeats: int = 5
    """Measurements of each renderer, after one of warm-up."""
    out: Path = Path("runs/bench/cameras.json")
    """File for the figures, with machine, versions and commit."""


def run(config: CamerasConfig) -> None:
    """Measure, print the table and write the file."""
    if config.worlds < 1 or config.repeats < 1 or config.seconds <= 0 or not config.sizes:
        raise InvalidOption("worlds and repeats must be at least 1, seconds more than 0, sizes not empty")
    with tempfile.TemporaryDirectory() as folder:
        bench = _Bench(config, Path(folder))
        rates = {size: interleaved(bench.subjects(size), config.repeats) for size in config.sizes}
    _print(config, rates, bench.triangles)
    figures = [
        {"name": name, "size": size, "triangles": bench.triangles[name], **rate.to_dict()}
        for size, row in rates.items()
        for name, rate in row.items()
    ]
    write_result(config.out, {**asdict(config), "out": str(config.out)}, figures)
    Console().print(f"Figures and ranges in {config.out}", highlight=False)


class _Bench:
    """The scenes, loaded once, and the renderers to measure at each size."""

    def __init__(self, config: CamerasConfig, folder: Path) -> None:
        self._config = config
        self._poses = camera_poses(config.worlds)
        self._client = table_client()
        self._parts = table_parts(self._client)
        self._few_parts = decimated(self._parts, config.faces)
        self._few_client = parts_client(self._few_parts, folder)
        self.triangles: dict[str, int | None] = {}

    def subjects(self, size: int) -> dict[str, Callable[[], float]]:
        """Renderer by name, each measuring its frames per second."""
        all_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        subjects: dict[str, Callable[[], float]] = {}
        for cores in dict.fromkeys((1, all_cores)):
            label = f"{cores} core{'s' * (cores > 1)}"
            self._add(subjects, f"street, camshaft, {label}", None, cores, self._street(size, cores))
            for name, parts in (("Panda table", self._parts), ("Panda table decimated", self._few_parts)):
                camera = PartsCamera(parts, size, self._poses, cores)
                self._add(subjects, f"{name}, camshaft, {label}", triangles(parts), cores, camera.frames)
        for name, client, parts in (
            ("Panda table", self._client, self._parts),
            ("Panda table decimated", self._few_client, self._few_parts),
        ):
            rival = BulletCamera(client, size, self._poses)
            self._add(subjects, f"{name}, TinyRenderer, 1 core", triangles(parts), 1, rival.frames)
        return subjects

    def _street(self, size: int, cores: int) -> Callable[[], Any]:
        simulation: Simulation = make_simulation(
            "camshaft/LaneKeeping-v0",
            self._config.worlds,
            obs_mode="rgb+depth+segmentation",
            camera=(size, size),
            randomize="train",
            num_threads=cores,
        )
        simulation.reset(seeds=list(range(self._config.worlds)))
        for _ in range(STREET_WARM_UP):
            simulation.step(simulation.expert_action())
        return simulation.observe

    def _add(
        self,
        subjects: dict[str, Callable[[], float]],
        name: str,
        count: int | None,
        cores: int,
        frames: Callable[[], Any],
    ) -> None:
        def work() -> int:
            frames()
            return self._config.worlds

        def measure() -> float:
            with pinned(cores):
                return rate_of(work, self._config.seconds)

        self.triangles[name] = count
        subjects[name] = measure


def _print(
    config: CamerasConfig, rates: Mapping[int, Mapping[str, Rate]], counts: Mapping[str, int | None]
) -> None:
    table = Table(title="Frames per second, each with colour, depth and segmentation; median")
    table.add_column("scene, renderer, cores")
    table.add_column("triangles", justify="right")
    for size in config.sizes:
        table.add_column(f"{size} × {size}", justify="right")
    for name, count in counts.items():
        row = [f"{rates[size][name].median:,.0f}" for size in config.sizes]
        table.add_row(name, "" if count is None else f"{count:,}", *row)
    Console().print(table)
