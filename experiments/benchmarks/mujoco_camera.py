"""MuJoCo's renderer on the meshes of a benchmark scene, if the package and an OpenGL driver are available."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camshaft.experiments.benchmarks.parts import FAR, FOV_DEGREES, NEAR, Part, check_images


class MujocoCamera:
    """Color, depth and segmentation of one camera after another.

    Args:
        parts: the scene.
        size: width and height in pixels.
        poses: (n, 4, 4) world from camera, OpenCV axes.

    Raises:
        ImportError: MuJoCo is not installed.
        Exception: of any kind that its OpenGL raises without a display, EGL or OSMesa.
    """

    def __init__(self, parts: Sequence[Part], size: int, poses: NDArray[np.float64]) -> None:
        if sys.platform == "linux":
            os.environ.setdefault("MUJOCO_GL", "egl")
        mujoco: Any = importlib.import_module("mujoco")
        self._model = mujoco.MjModel.from_xml_string(_scene_xml(parts, poses))
        self._data = mujoco.MjData(self._model)
        mujoco.mj_forward(self._model, self._data)
        self._renderer = mujoco.Renderer(self._model, size, size)
        self._renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
        self._renderer.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
        self._count, self._next = len(poses), 0

    def frame(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """rgb, depth in meters and geometry ids of the next camera: three passes, as MuJoCo requires."""
        renderer = self._renderer
        renderer.update_scene(self._data, camera=self._next)
        self._next = (self._next + 1) % self._count
        rgb = renderer.render().copy()
        renderer.enable_depth_rendering()
        depth = renderer.render().copy()
        renderer.disable_depth_rendering()
        renderer.enable_segmentation_rendering()
        segmentation = renderer.render().copy()
        renderer.disable_segmentation_rendering()
        return rgb, depth, segmentation


def mujoco_work(parts: Sequence[Part], size: int, poses: NDArray[np.float64]) -> Callable[[], int]:
    """A function that renders one frame, and returns 1."""
    camera = MujocoCamera(parts, size, poses)
    check_images("MuJoCo", camera.frame())

    def work() -> int:
        camera.frame()
        return 1

    return work


def _scene_xml(parts: Sequence[Part], poses: NDArray[np.float64]) -> str:
    assets, geometries = [], []
    for number, part in enumerate(parts):
        mesh = part.mesh.transformed(part.pose)
        color = _numbers(np.array([*mesh.surfaces[0].color, 1.0]))
        assets.append(
            f'<mesh name="part_{number}" inertia="shell" vertex="{_numbers(mesh.positions)}" '
            f'face="{_numbers(mesh.faces)}"/>'
        )
        geometries.append(
            f'<geom type="mesh" mesh="part_{number}" rgba="{color}" contype="0" conaffinity="0"/>'
        )
    cameras = [
        f'<camera pos="{_numbers(pose[:3, 3])}" fovy="{FOV_DEGREES}" '
        f'xyaxes="{_numbers(pose[:3, 0])} {_numbers(-pose[:3, 1])}"/>'
        for pose in poses
    ]
    return f"""<mujoco>
  <statistic extent="1" center="0 0 0"/>
  <visual><map znear="{NEAR}" zfar="{FAR}"/><quality offsamples="0"/></visual>
  <asset>{"".join(assets)}</asset>
  <worldbody><light pos="1 1 4" dir="-0.2 -0.2 -1"/>{"".join(geometries)}{"".join(cameras)}</worldbody>
</mujoco>"""


def _numbers(array: NDArray[Any]) -> str:
    return " ".join(f"{number:.7g}" for number in np.ravel(array))
