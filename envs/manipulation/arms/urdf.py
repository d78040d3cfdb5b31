"""URDF files of `pybullet_data`: joints, masses and shapes of links; and files of our own for PyBullet to read."""

from __future__ import annotations

import hashlib
import os
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.errors import CorruptFile
from camshaft.envs.kernels import cache_root
from camshaft.envs.rendering import Mesh
from camshaft.envs.rendering.camera import rotation_x, rotation_y, rotation_z
from camshaft.envs.rendering.meshes.files import texture_files
from camshaft.envs.rendering.simplification.cache import load_levels

Color = tuple[float, float, float]


class Shape(NamedTuple):
    """A mesh on a link: its levels of detail, (4, 4) link from mesh, and its color."""

    levels: tuple[Mesh, ...]
    local: FloatArray
    color: Color


def data_path(file: str) -> Path:
    """A file of `pybullet_data`.

    Raises:
        CorruptFile: it is not there.
    """
    import pybullet_data

    path = Path(pybullet_data.getDataPath()) / file
    if not path.is_file():
        raise CorruptFile(f"no file at {path}; pybullet_data should have it: reinstall pybullet")
    return path


def keep_urdf(name: str, text: str) -> Path:
    """Write a URDF where PyBullet can read it; one file for each content, under the cache's root."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    kept = cache_root() / "urdf" / f"{name}-{digest}.urdf"
    if kept.is_file() and kept.stat().st_size == len(text.encode()):
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=kept.parent, suffix=".part")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    os.replace(part, kept)
    return kept


class UrdfFile:
    """What is needed of a URDF file."""

    def __init__(self, file: str) -> None:
        self._path = data_path(file)
        try:
            self._root = ElementTree.parse(self._path).getroot()
        except ElementTree.ParseError as error:
            raise CorruptFile(f"{self._path} is not a URDF: {error}") from error
        self._links = {link.get("name"): link for link in self._root.iter("link")}
        self._colors = {
            material.get("name"): color.get("rgba", "")
            for material in self._root.iter("material")
            if (color := material.find("color")) is not None
        }

    def chain(self, count: int) -> list[ElementTree.Element]:
        """The first `count` turning joints, one after the other."""
        joints = [
            joint for joint in self._root.findall("joint") if joint.get("type") in ("revolute", "continuous")
        ]
        joints = joints[:count]
        for joint in joints:
            axis = joint.find("axis")
            if axis is None or _numbers(axis.get("xyz", "")).tolist() != [0.0, 0.0, 1.0]:
                raise CorruptFile(f"{self._path}: joint {joint.get('name')} does not turn about its z")
        if len(joints) < count:
            raise CorruptFile(f"{self._path} has {len(joints)} joints that turn, {count} are needed")
        return joints

    def mass(self, link: str | None) -> tuple[float, FloatArray]:
        """Mass (kg) and center of mass (3,) of a link."""
        element = self._links[link].find("inertial")
        mass = None if element is None else element.find("mass")
        if element is None or mass is None:
            return 0.0, np.zeros(3)
        return float(mass.get("value", 0.0)), origin_of(element)[:3, 3]

    def shapes(self, link: str | None, color: Color) -> list[Shape]:
        """What is drawn of a link."""
        shapes = []
        for visual in self._links[link].findall("visual"):
            mesh = visual.find("geometry/mesh")
            if mesh is None:
                continue
            path = self._path.parent / mesh.get("filename", "").removeprefix("package://")
            images = texture_files(path) if path.suffix == ".obj" else []
            levels = load_levels(path, images[0] if images and images[0].is_file() else None)
            shapes.append(Shape(levels, origin_of(visual), self._color(visual, color)))
        return shapes

    def _color(self, visual: ElementTree.Element, default: Color) -> Color:
        material = visual.find("material")
        if material is None:
            return default
        color = material.find("color")
        text = color.get("rgba", "") if color is not None else self._colors.get(material.get("name"), "")
        if not text:
            return default
        red, green, blue = _numbers(text)[:3]
        return default if red == green == blue == 1.0 else (float(red), float(green), float(blue))


def joint_limits(joint: ElementTree.Element) -> tuple[float, float, float]:
    """Lowest and highest angle (rad) and speed (rad/s)."""
    limit = joint.find("limit")
    assert limit is not None
    lower, upper, velocity = (float(limit.get(name, 0.0)) for name in ("lower", "upper", "velocity"))
    return lower, upper, velocity


def origin_of(element: ElementTree.Element) -> FloatArray:
    """(4, 4) of an element's `origin`, which may be missing."""
    origin = element.find("origin")
    if origin is None:
        return np.eye(4)
    return frame_of(_numbers(origin.get("xyz", "0 0 0")), _numbers(origin.get("rpy", "0 0 0")))


def frame_of(position: FloatArray | tuple[float, ...], angles: FloatArray | tuple[float, ...]) -> FloatArray:
    """(4, 4) of URDF's xyz and rpy."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_z(angles[2]) @ rotation_y(angles[1]) @ rotation_x(angles[0])
    matrix[:3, 3] = position
    return matrix


def _numbers(text: str) -> FloatArray:
    return np.array([float(word) for word in text.split()])
