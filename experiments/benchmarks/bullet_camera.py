"""PyBullet's renderers (TinyRenderer and the EGL plugin) on a scene of the camera benchmark."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pybullet
from numpy.typing import NDArray
from pybullet_utils.bullet_client import BulletClient

from camshaft.experiments.benchmarks.parts import FAR, FOV_DEGREES, NEAR, Part

PLUGIN_SYMBOL = "_eglRendererPlugin"
PROBE = """
import sys, pybullet
pybullet.connect(pybullet.DIRECT)
if pybullet.loadPlugin(sys.argv[1], sys.argv[2]) < 0:
    sys.exit(1)
view = pybullet.computeViewMatrix((1, 0, 0), (0, 0, 0), (0, 0, 1))
lens = pybullet.computeProjectionMatrixFOV(60, 1, 0.1, 10)
pybullet.getCameraImage(8, 8, view, lens, renderer=pybullet.ER_BULLET_HARDWARE_OPENGL)
"""
PROBE_SECONDS = 60.0


class BulletCamera:
    """Color, depth and segmentation of one camera after another, without shadows.

    Args:
        client: PyBullet with a scene.
        size: width and height in pixels.
        poses: (n, 4, 4) world from camera, OpenCV axes.
        renderer: `pybullet.ER_TINY_RENDERER`, or ER_BULLET_HARDWARE_OPENGL for the EGL plugin.
    """

    def __init__(
        self,
        client: BulletClient,
        size: int,
        poses: NDArray[np.float64],
        renderer: int = pybullet.ER_TINY_RENDERER,
    ) -> None:
        self._client, self._size, self._renderer = client, size, renderer
        self._views = [client.computeViewMatrix(*_eye_target_up(pose)) for pose in poses]
        self._lens = client.computeProjectionMatrixFOV(FOV_DEGREES, 1.0, NEAR, FAR)
        self._next = 0

    def frame(self) -> tuple[Any, Any, Any]:
        """RGBA, depth buffer and body ids of the next camera."""
        view = self._views[self._next]
        self._next = (self._next + 1) % len(self._views)
        image = self._client.getCameraImage(
            self._size, self._size, view, self._lens, shadow=0, renderer=self._renderer
        )
        return image[2], image[3], image[4]


def parts_filler(parts: Sequence[Part], folder: Path) -> Callable[[BulletClient], None]:
    """A function that loads these meshes into a client, through OBJ files in `folder`."""
    for number, part in enumerate(parts):
        _write_obj(folder / f"part_{number}.obj", part.mesh.transformed(part.pose))

    def fill(client: BulletClient) -> None:
        for number, part in enumerate(parts):
            shape = client.createVisualShape(
                pybullet.GEOM_MESH,
                fileName=str(folder / f"part_{number}.obj"),
                rgbaColor=(*part.mesh.surfaces[0].color, 1.0),
            )
            client.createMultiBody(0, -1, shape)

    return fill


def filled_client(fill: Callable[[BulletClient], None]) -> BulletClient:
    """A client with the scene that `fill` loads."""
    client = BulletClient(pybullet.DIRECT)
    fill(client)
    return client


def egl_plugin() -> str | None:
    """The path of the EGL plugin, or None if it does not load; probed in a subprocess, because loading may crash."""
    spec = importlib.util.find_spec("eglRenderer")
    if spec is None or spec.origin is None:
        return None
    try:
        tried = subprocess.run(
            [sys.executable, "-c", PROBE, spec.origin, PLUGIN_SYMBOL],
            capture_output=True,
            timeout=PROBE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return None
    return spec.origin if tried.returncode == 0 else None


def egl_client(plugin: str, fill: Callable[[BulletClient], None]) -> BulletClient:
    """A client that renders through EGL, with the scene that `fill` loads."""
    client = BulletClient(pybullet.DIRECT)
    with _silent():
        client.loadPlugin(plugin, PLUGIN_SYMBOL)
        fill(client)
    return client


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Suppress output that libraries write directly to file descriptor 1."""
    sys.stdout.flush()
    kept = os.dup(1)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _eye_target_up(pose: NDArray[np.float64]) -> tuple[list[float], list[float], list[float]]:
    eye, forward, down = pose[:3, 3], pose[:3, 2], pose[:3, 1]
    return eye.tolist(), (eye + forward).tolist(), (-down).tolist()


def _write_obj(path: Path, mesh: Any) -> None:
    lines = [f"v {x:.7g} {y:.7g} {z:.7g}" for x, y, z in mesh.positions]
    lines += [f"vn {x:.5g} {y:.5g} {z:.5g}" for x, y, z in mesh.normals]
    lines += [f"f {a}//{a} {b}//{b} {c}//{c}" for a, b, c in (mesh.faces + 1).tolist()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
