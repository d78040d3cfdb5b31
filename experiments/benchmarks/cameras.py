"""Camera frames per second, with and without labels and shadows, compared with other renderers."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pybullet
from numpy.typing import NDArray
from pybullet_utils.bullet_client import BulletClient
from rich.table import Table

from camshaft.envs import make_simulation
from camshaft.envs.errors import InvalidOption
from camshaft.envs.kernels import kernel
from camshaft.envs.rendering import Camera, Renderer, SceneState
from camshaft.envs.simulation import Simulation
from camshaft.experiments.benchmarks.bullet_camera import (
    BulletCamera,
    egl_client,
    egl_plugin,
    filled_client,
    parts_filler,
)
from camshaft.experiments.benchmarks.measure import (
    OwnProcess,
    Rate,
    interleaved,
    pinned,
    rate_of,
    write_result,
)
from camshaft.experiments.benchmarks.mujoco_camera import mujoco_work
from camshaft.experiments.benchmarks.panda_table import (
    fill_table,
    table_bodies,
    table_client,
    table_parts,
    table_state,
)
from camshaft.experiments.benchmarks.parts import (
    FAR,
    FOV_DEGREES,
    NEAR,
    Part,
    camera_poses,
    check_images,
    decimated,
    parts_state,
    primitives,
    triangles,
)
from camshaft.experiments.terminal.console import Console

LABELED = "rgb+depth+segmentation"
CONTENTS = {"rgb": ("rgb", False), "labels": (LABELED, False), "labels, shadows": (LABELED, True)}
STREET_SHADOW_DISTANCE = 50.0  # meters
SHADOW_DISTANCE = 4.0  # meters, in the other scenes
STREET = "camshaft/LaneKeeping-v0"
STREET_WARM_UP = 40  # control steps, so that worlds are spread along their roads
LENSES: Mapping[str, dict[str, Any]] = {
    "pinhole": {},
    "fisheye 180°": {"lens": "fisheye", "fov_degrees": 180.0},
    "cylindrical 180°": {"lens": "cylindrical", "fov_degrees": 180.0},
}
MANY_WORLDS = 64
LOOP = 400_000  # iterations of the plain loop per call
OURS, TINY, EGL, MUJOCO = "Camshaft", "TinyRenderer", "PyBullet EGL", "MuJoCo"
PANDA, FEW = "Panda table", "Panda, decimated"


@dataclass(frozen=True)
class CamerasConfig:
    """Measure camera frames per second on three scenes: primitives, PyBullet's Panda table, and a street.

    "rgb" is color alone, "labels" is color, depth and segmentation; the other renderers are measured with labels,
    without shadows. PyBullet's EGL plugin and MuJoCo are included where they are available.

    For example: camshaft bench cameras --sizes 84 --repeats 3
    """

    sizes: tuple[int, ...] = (84, 224)
    """Side lengths of the square image in pixels."""
    worlds: int = 8
    """Worlds rendered per call, one camera each."""
    faces: int = 2000
    """Triangles of the decimated Panda table."""
    seconds: float = 0.5
    """Length of one measurement in seconds."""
    repeats: int = 5
    """Measurements per renderer, after one of warm-up."""
    out: Path = Path("runs/bench/cameras.json")
    """Results file, with machine, versions and commit."""


@dataclass(frozen=True)
class Subject:
    """One renderer on one scene.

    Attributes:
        scene, renderer, content, lens: names of what is measured.
        cores: number of cores that it may use.
        triangles: of the scene at its finest level of detail, if known.
    """

    scene: str
    renderer: str
    content: str = "labels"
    lens: str = "pinhole"
    cores: int = 1
    triangles: int | None = None


def run(config: CamerasConfig) -> None:
    """Measure, print the tables and write the file."""
    if config.worlds < 1 or config.repeats < 1 or config.seconds <= 0 or not config.sizes:
        raise InvalidOption("worlds and repeats must be at least 1, seconds more than 0, sizes not empty")
    console = Console()
    rates: dict[int, dict[Subject, Rate]] = {}
    with tempfile.TemporaryDirectory() as folder:
        scenes = _Scenes(config, Path(folder), console)
        for size in config.sizes:
            console.print(f"Measuring {size} × {size} …")
            with contextlib.ExitStack() as stack:
                works = scenes.subjects(size)
                scenes.add_others(works, size, stack)
                rates[size] = _measured(works, config.repeats)
        scaling = _scaling(scenes, config)
    _print(console, rates)
    ratios = _ratios(rates, scaling)
    for line, value in ratios.items():
        console.print(f"{line}: {value:.2f}")
    figures: list[dict[str, Any]] = [
        {**asdict(subject), "size": size, **rate.to_dict()}
        for size, row in rates.items()
        for subject, rate in row.items()
    ]
    figures += [{"name": name, **rate.to_dict()} for name, rate in scaling.items()]
    figures += [{"name": name, "ratio": value} for name, value in ratios.items()]
    write_result(config.out, {**asdict(config), "out": str(config.out)}, figures)
    console.print(f"Figures and ranges in {config.out}")


class _Scenes:
    """The scenes, loaded once, and the renderers to measure at each size."""

    def __init__(self, config: CamerasConfig, folder: Path, console: Console) -> None:
        self._config, self._console = config, console
        self._poses = camera_poses(config.worlds)
        self._table = table_client()
        bodies = table_bodies(self._table)
        full = table_parts(bodies)
        self.few = decimated(full, config.faces)
        blocks = primitives()
        self._states = {
            "primitives": parts_state(blocks, config.worlds),
            PANDA: table_state(bodies, config.worlds),
            FEW: parts_state(self.few, config.worlds),
        }
        self._triangles = {"primitives": triangles(blocks), PANDA: triangles(full), FEW: triangles(self.few)}
        self._parts: dict[str, list[Part]] = {"primitives": blocks, FEW: self.few}
        fillers: dict[str, Callable[[BulletClient], None]] = {PANDA: fill_table}
        for name, parts in self._parts.items():
            (folder / name).mkdir()
            fillers[name] = parts_filler(parts, folder / name)
        self._clients = {name: filled_client(fill) for name, fill in fillers.items()}
        plugin = egl_plugin()
        if plugin is None:
            console.print(f"{EGL}: the plugin does not load here")
        self._egl = (
            {} if plugin is None else {name: egl_client(plugin, fill) for name, fill in fillers.items()}
        )

    def subjects(self, size: int) -> dict[Subject, Callable[[], float]]:
        """Functions that measure our frames per second, by subject."""
        works: dict[Subject, Callable[[], int]] = {}
        for cores in dict.fromkeys((1, _all_cores())):
            for content, (outputs, shadows) in CONTENTS.items():
                for scene, state in self._states.items():
                    reach = SHADOW_DISTANCE if shadows else 0.0
                    subject = Subject(scene, OURS, content, cores=cores, triangles=self._triangles[scene])
                    works[subject] = still_camera(
                        state, size, outputs.split("+"), self._poses, cores, shadow_distance=reach
                    )
                reach = STREET_SHADOW_DISTANCE if shadows else 0.0
                works[Subject("street", OURS, content, cores=cores)] = self._street(
                    size, outputs, cores, shadow_distance=reach
                )
        for lens, fields in LENSES.items():
            if fields:
                works[Subject("street", OURS, "labels", lens)] = self._street(size, LABELED, 1, **fields)
        seconds = self._config.seconds
        return {subject: _timed(work, subject.cores, seconds) for subject, work in works.items()}

    def add_others(
        self, rates: dict[Subject, Callable[[], float]], size: int, stack: contextlib.ExitStack
    ) -> None:
        """Add functions that measure the other renderers; the stack closes their resources."""
        seconds = self._config.seconds
        for scene, client in self._clients.items():
            tiny = BulletCamera(client, size, self._poses)
            rates[self._subject(scene, TINY)] = _timed(_one_frame(TINY, tiny.frame), 1, seconds)
        for scene, client in self._egl.items():
            egl = BulletCamera(client, size, self._poses, pybullet.ER_BULLET_HARDWARE_OPENGL)
            rates[self._subject(scene, EGL)] = _timed(_one_frame(EGL, egl.frame), 1, seconds)
        for scene, parts in self._parts.items():
            try:
                process = stack.enter_context(OwnProcess(mujoco_work, parts, size, self._poses))
            except RuntimeError as error:
                self._console.print(f"{MUJOCO}: not measured ({error})", markup=False)
                break
            rates[self._subject(scene, MUJOCO)] = functools.partial(process.rate, seconds, 1)

    def _subject(self, scene: str, renderer: str) -> Subject:
        return Subject(scene, renderer, triangles=self._triangles[scene])

    def _street(self, size: int, outputs: str, cores: int, **fields: Any) -> Callable[[], int]:
        worlds = self._config.worlds
        simulation: Simulation = make_simulation(
            STREET,
            worlds,
            obs_mode=outputs,
            camera={"width": size, "height": size, **fields},
            randomize="train",
            num_threads=cores,
        )
        simulation.reset(seeds=list(range(worlds)))
        for _ in range(STREET_WARM_UP):
            simulation.step(simulation.expert_action())

        def work() -> int:
            simulation.observe()
            return worlds

        return work


def still_camera(
    state: SceneState,
    size: int,
    outputs: Sequence[str],
    poses: NDArray[np.float64],
    cores: int,
    **fields: Any,
) -> Callable[[], int]:
    """A function that renders every world of a state once, and returns their number."""
    camera = Camera(width=size, height=size, fov_degrees=FOV_DEGREES, near=NEAR, far=FAR)
    renderer = Renderer(state, replace(camera, **fields), outputs, cores)
    images = renderer.render(poses)

    def work() -> int:
        renderer.render(poses, out=images)
        return len(poses)

    return work


def _scaling(scenes: _Scenes, config: CamerasConfig) -> dict[str, Rate]:
    """Frames per second of many worlds, and iterations per second of a plain loop, on one and on all cores."""
    cores, size = _all_cores(), config.sizes[0]
    state, poses = parts_state(scenes.few, MANY_WORLDS), camera_poses(MANY_WORLDS)
    works: dict[str, tuple[Callable[[], int], int]] = {}
    for count in dict.fromkeys((1, cores)):
        frames = still_camera(state, size, LABELED.split("+"), poses, count)
        works[f"{MANY_WORLDS} worlds, {size} × {size}, frames/s on {count} of {cores} cores"] = frames, count
        works[f"plain loop, iterations/s of {count} copies"] = _loops(count), count
    pairs = {name: _timed(work, count, config.seconds) for name, (work, count) in works.items()}
    return interleaved(pairs, 2 * config.repeats)


def _loops(copies: int) -> Callable[[], int]:
    """A function that runs a plain loop in several threads at once."""
    results = np.zeros(8 * copies)

    def work() -> int:
        threads = [
            threading.Thread(target=_iterate, args=(LOOP, results[8 * copy : 8 * copy + 1]))
            for copy in range(copies)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return LOOP * copies

    return work


@kernel
def _iterate(iterations, result):  # type: ignore[no-untyped-def]
    value = 1.0
    for _ in range(iterations):
        value = value * 0.999 + 0.1
    result[0] = value


def _one_frame(renderer: str, frame: Callable[[], Any]) -> Callable[[], int]:
    check_images(renderer, frame())

    def work() -> int:
        frame()
        return 1

    return work


def _measured(works: Mapping[Subject, Callable[[], float]], repeats: int) -> dict[Subject, Rate]:
    numbers = {str(number): subject for number, subject in enumerate(works)}
    rates = interleaved({number: works[subject] for number, subject in numbers.items()}, repeats)
    return {subject: rates[number] for number, subject in numbers.items()}


def _timed(work: Callable[[], int], cores: int, seconds: float) -> Callable[[], float]:
    def measure() -> float:
        with pinned(cores):
            return rate_of(work, seconds)

    return measure


def _ratios(rates: Mapping[int, Mapping[Subject, Rate]], scaling: Mapping[str, Rate]) -> dict[str, float]:
    """Ratios of rates, which do not depend on the current speed of the machine."""
    ratios = {}
    for size, row in rates.items():
        medians = {replace(subject, triangles=None): rate.median for subject, rate in row.items()}
        for subject in medians:
            if subject.renderer != OURS:
                ours = medians[replace(subject, renderer=OURS)]
                ratios[f"{subject.scene}, {size}²: {OURS} ÷ {subject.renderer}"] = ours / medians[subject]
            elif subject.lens != "pinhole":
                plain = medians[replace(subject, lens="pinhole")]
                ratios[f"{subject.scene}, {size}²: time of {subject.lens} ÷ pinhole"] = (
                    plain / medians[subject]
                )
    if len(scaling) == 4:
        one, loop, all_cores, loops = (rate.median for rate in scaling.values())
        ratios["speed-up by all cores: frames"] = all_cores / one
        ratios["speed-up by all cores: plain loop"] = loops / loop
        ratios["speed-up by all cores: frames ÷ plain loop × cores"] = (
            all_cores / one / (loops / loop) * _all_cores()
        )
    return ratios


def _print(console: Console, rates: Mapping[int, Mapping[Subject, Rate]]) -> None:
    """One table per scene."""
    subjects = list(next(iter(rates.values())))
    for scene in dict.fromkeys(subject.scene for subject in subjects):
        own = [subject for subject in subjects if subject.scene == scene]
        count = "" if own[0].triangles is None else f", {own[0].triangles:,} triangles"
        table = Table(title=f"{scene}{count}: frames/s, median")
        for heading in ("renderer", "content", "cores", *(f"{size}²" for size in rates)):
            table.add_column(heading, justify="left" if heading in ("renderer", "content") else "right")
        for subject in own:
            content = subject.content if subject.lens == "pinhole" else f"{subject.content}, {subject.lens}"
            medians = [f"{row[subject].median:,.0f}" for row in rates.values()]
            table.add_row(subject.renderer, content, str(subject.cores), *medians)
        console.print(table)


def _all_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
