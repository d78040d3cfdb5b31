"""Camera frames per second on a GPU, with images left in its memory and compared with the CPU's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.errors import CamshaftError, InvalidOption
from camshaft.envs.rendering import Camera, Mesh, Renderer, Scene, SceneState, Surface
from camshaft.experiments.benchmarks.measure import interleaved, rate_of, write_result
from camshaft.experiments.benchmarks.panda_table import table_bodies, table_client, table_state
from camshaft.experiments.benchmarks.parts import FAR, FOV_DEGREES, NEAR, camera_poses
from camshaft.experiments.terminal.console import Console

OUTPUTS = ("rgb", "depth")
CHECKED_OUTPUTS = ("rgb", "depth", "segmentation", "instances")
CALLS = 10  # renderings between two synchronizations
MOST_UNEQUAL = 0.001  # share of pixels that may differ by more than one gray level
SAME_DEPTH = 1e-3  # share of the depth


@dataclass(frozen=True)
class CudaCamerasConfig:
    """Measure camera frames per second on a GPU, with color and depth; all poses are uploaded for every frame.

    There are two scenes: primitives on a floor, and PyBullet's Panda table. The images of each are first compared with
    the CPU's.

    For example: camshaft bench cuda --sizes 64 128
    """

    sizes: tuple[int, ...] = (64, 84, 128)
    """Side lengths of the square image in pixels."""
    worlds: int = 4096
    """Worlds rendered per call, one camera each."""
    checked: int = 64
    """Worlds whose images are compared with the CPU's."""
    seconds: float = 2.0
    """Length of one measurement in seconds."""
    repeats: int = 5
    """Measurements per scene, after one of warm-up."""
    out: Path = Path("runs/bench/cuda_cameras.json")
    """Results file, with machine, versions and commit."""


def run(config: CudaCamerasConfig) -> None:
    """Compare, measure, print and write the file.

    Raises:
        CamshaftError: there is no GPU, or its images differ from the CPU's.
    """
    if min(config.worlds, config.repeats, config.checked) < 1 or config.seconds <= 0 or not config.sizes:
        raise InvalidOption(
            "worlds, repeats and checked must be at least 1, seconds more than 0, sizes not empty"
        )
    from camshaft.envs.rendering.cuda.renderer import require_gpu

    require_gpu()
    console = Console()
    poses = camera_poses(config.worlds)
    scenes = {
        "primitives": primitives(config.worlds),
        "Panda table": table_state(table_bodies(table_client()), config.worlds),
    }
    figures = []
    for size in config.sizes:
        camera = Camera(size, size, FOV_DEGREES, near=NEAR, far=FAR)
        unequal = {
            name: compare(state, camera, poses, min(config.checked, config.worlds))
            for name, state in scenes.items()
        }
        subjects = {name: _subject(state, camera, poses, config.seconds) for name, state in scenes.items()}
        for name, rate in interleaved(subjects, config.repeats).items():
            console.print(f"{name}, {size} × {size}: {rate} frames/s")
            figures.append(
                {
                    "name": name,
                    "size": size,
                    "triangles": visible_triangles(scenes[name]),
                    "unequal": unequal[name],
                    **rate.to_dict(),
                }
            )
    write_result(config.out, {**asdict(config), "out": str(config.out), "gpu": gpu_name()}, figures)
    console.print(f"Figures and ranges in {config.out}")


def primitives(num_worlds: int) -> SceneState:
    """Boxes, balls, cylinders and a cone on a floor, at random poses and in random colors in every world."""
    scene = Scene()
    floor = scene.add("floor", Mesh.grid(4.0, 4.0, Surface((0.5, 0.5, 0.55), label="terrain"), 2))
    things = [
        scene.add("box", Mesh.box([0.2, 0.3, 0.25]), 3),
        scene.add("ball", Mesh.sphere(0.15, segments=16, rings=8), 2),
        scene.add("cylinder", Mesh.cylinder(0.1, 0.4), 2),
        scene.add("cone", Mesh.cone(0.15, 0.35)),
    ]
    state = SceneState(scene, num_worlds)
    rng = np.random.default_rng(0)
    for world in range(num_worlds):
        state.place(world, floor, [[0.35, 0.0, -0.2]])
        for thing in things:
            positions = np.column_stack(
                [rng.uniform([-0.3, -0.6], [1.0, 0.6], (thing.count, 2)), [0.0] * thing.count]
            )
            state.place(
                world,
                thing,
                positions,
                yaw=rng.uniform(-np.pi, np.pi, thing.count),
                colors=rng.uniform(0.3, 1.4, (thing.count, 3)),
            )
    return state


def compare(state: SceneState, camera: Camera, poses: NDArray[np.float64], count: int) -> dict[str, float]:
    """Fraction of pixels that differ from the CPU's, by output; colors by more than one gray level.

    Raises:
        CamshaftError: the fraction is above MOST_UNEQUAL.
    """
    chosen = np.linspace(0, state.num_worlds - 1, count).astype(np.int64)
    expected = Renderer(state, camera, CHECKED_OUTPUTS).render(poses[chosen], chosen)
    found: Any = Renderer(state, camera, CHECKED_OUTPUTS, device="cuda").render(poses[chosen], chosen)
    shares = {}
    for name, image in expected.items():
        far = np.abs(image.astype(np.float64) - found[name].copy_to_host())
        allowed: Any = {"rgb": 1.0, "depth": SAME_DEPTH * image}.get(name, 0.0)
        unequal = far > allowed
        shares[name] = float((unequal.any(axis=-1) if name == "rgb" else unequal).mean())
    if max(shares.values()) > MOST_UNEQUAL:
        raise CamshaftError(f"the images differ from the CPU's; fractions of unequal pixels: {shares}")
    return shares


def visible_triangles(state: SceneState) -> int:
    """Triangles of one world."""
    return state.max_visible()[1]


def gpu_name() -> str:
    """Name of the GPU."""
    from numba import cuda

    name = cuda.get_current_device().name
    return name.decode() if isinstance(name, bytes) else str(name)


def _subject(
    state: SceneState, camera: Camera, poses: NDArray[np.float64], seconds: float
) -> Callable[[], float]:
    """A function that measures the frames per second of one scene."""
    from numba import cuda

    renderer = Renderer(state, camera, OUTPUTS, device="cuda")

    def work() -> int:
        for _ in range(CALLS):
            renderer.render(poses)
        cuda.synchronize()
        return CALLS * len(poses)

    return lambda: rate_of(work, seconds)
