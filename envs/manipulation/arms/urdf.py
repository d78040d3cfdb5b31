"""URDF files of arms: joints, masses and visual shapes of links."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import NamedTuple

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.errors import CorruptFile
from camshaft.envs.manipulation.bodies import Color
from camshaft.envs.manipulation.physics.pybullet.library import data_path
from camshaft.envs.manipulation.transforms import rigid_transform
from camshaft.envs.rendering import Mesh
from camshaft.envs.rendering.meshes.files import texture_files
from camshaft.envs.rendering.simplification.cache import load_levels


class VisualShape(NamedTuple):
    """A mesh on a link: its levels of detail, (4, 4) link from mesh, and its color."""

    levels: tuple[Mesh, ...]
    local: FloatArray
    color: Color


class UrdfFile:
    """A URDF file of `pybullet_data`.

    Args:
        file: path relative to `pybullet_data`.

    Raises:
        CorruptFile: the file is missing or not XML.
    """

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
        """The first `count` revolute joints, each of which must turn about its z axis."""
        joints = [
            joint for joint in self._root.findall("joint") if joint.get("type") in ("revolute", "continuous")
        ]
        joints = joints[:count]
        for joint in joints:
            axis = joint.find("axis")
            if axis is None or _numbers(axis.get("xyz", "")).tolist() != [0.0, 0.0, 1.0]:
                raise CorruptFile(f"{self._path}: joint {joint.get('name')} does not turn about its z axis")
        if len(joints) < count:
            raise CorruptFile(f"{self._path} has {len(joints)} revolute joints, {count} are needed")
        return joints

    def mass(self, link: str | None) -> tuple[float, FloatArray]:
        """Mass (kg) and center of mass (3,) of a link, in its frame."""
        element = self._links[link].find("inertial")
        mass = None if element is None else element.find("mass")
        if element is None or mass is None:
            return 0.0, np.zeros(3)
        return float(mass.get("value", 0.0)), origin_of(element)[:3, 3]

    def shapes(self, link: str | None, color: Color) -> list[VisualShape]:
        """Visual meshes of a link, in `color` where the file gives none."""
        shapes = []
        for visual in self._links[link].findall("visual"):
            mesh = visual.find("geometry/mesh")
            if mesh is None:
                continue
            path = self._path.parent / mesh.get("filename", "").removeprefix("package://")
            images = texture_files(path) if path.suffix == ".obj" else []
            levels = load_levels(path, images[0] if images and images[0].is_file() else None)
            shapes.append(VisualShape(levels, origin_of(visual), self._color(visual, color)))
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


def joint_limits(joint: ElementTree.Element) -> tuple[float, float]:
    """Lower and upper angle in rad."""
    limit = joint.find("limit")
    assert limit is not None
    return float(limit.get("lower", 0.0)), float(limit.get("upper", 0.0))


def origin_of(element: ElementTree.Element) -> FloatArray:
    """(4, 4) transform of an element's `origin`; the identity without one."""
    origin = element.find("origin")
    if origin is None:
        return np.eye(4)
    return rigid_transform(_numbers(origin.get("xyz", "0 0 0")), _numbers(origin.get("rpy", "0 0 0")))


def _numbers(text: str) -> FloatArray:
    return np.array([float(word) for word in text.split()])
