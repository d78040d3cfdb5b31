"""COLLADA (DAE) mesh files: the subset that robot descriptions use, triangles and polygons in a node hierarchy.

Source: COLLADA 1.4.1 specification (Khronos Group, 2008). Positions are converted to meters by the file's unit; its up
axis is ignored, as in PyBullet. Textures, skins and animations are ignored.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.errors import CorruptFile

PRIMITIVES = ("triangles", "polylist", "polygons")


def read_collada(path: Path) -> list[Any]:
    """Parts of a DAE file as trimesh meshes, in meters.

    Raises:
        CorruptFile: the file is not COLLADA or has no triangle.
    """
    try:
        root = ElementTree.parse(path).getroot()
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
        if root.tag != "COLLADA":
            raise ValueError("it has no COLLADA element")
        parts = _Document(root).parts()
    except Exception as error:
        raise CorruptFile(f"{path} cannot be read as a mesh: {error}") from error
    if not parts:
        raise CorruptFile(f"{path} holds no triangle")
    return parts


class _Document:
    """An XML tree whose elements refer to one another by id."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._named = {element.get("id"): element for element in root.iter() if element.get("id")}
        uses = root.iter("instance_material")
        self._materials = {use.get("symbol"): use for use in uses}

    def parts(self) -> list[Any]:
        """All primitives of all geometries, in the frame of the file."""
        return [
            part
            for matrix, geometry in self._placed()
            for kind in PRIMITIVES
            for primitive in geometry.iter(kind)
            if (part := self._part(primitive, matrix)) is not None
        ]

    def _placed(self) -> Iterator[tuple[NDArray[np.float64], Any]]:
        """Each geometry of the scene and its (4, 4) transform; all geometries if the file has no scene."""
        unit = self._root.find("asset/unit")
        scale = 1.0 if unit is None else float(unit.get("meter", "1"))
        root_transform = np.diag([scale, scale, scale, 1.0])
        scene = self._root.find("scene/instance_visual_scene")
        if scene is None:
            yield from ((root_transform, geometry) for geometry in self._root.iter("geometry"))
            return
        open_nodes = [(root_transform, node) for node in self._target(scene, "url").findall("node")]
        while open_nodes:
            matrix, node = open_nodes.pop(0)
            for child in node:
                matrix = matrix @ _transform(child)
            for instance in node.findall("instance_geometry"):
                yield matrix, self._target(instance, "url")
            inner = [self._target(instance, "url") for instance in node.findall("instance_node")]
            open_nodes += [(matrix, child) for child in node.findall("node") + inner]

    def _part(self, primitive: Any, matrix: NDArray[np.float64]) -> Any:
        """A primitive as a mesh; None if it has no triangle."""
        import trimesh

        inputs = {element.get("semantic"): element for element in reversed(primitive.findall("input"))}
        offsets = {name: int(element.get("offset", "0")) for name, element in inputs.items()}
        stride = 1 + max(int(element.get("offset", "0")) for element in primitive.findall("input"))
        corners = _triangles(primitive, stride)
        if len(corners) == 0:
            return None
        vertices = self._target(inputs["VERTEX"], "source").findall("input")
        position = next(element for element in vertices if element.get("semantic") == "POSITION")
        values = {
            name: self._values(inputs[name])[corners[:, offsets[name]]]
            for name in ("NORMAL", "TEXCOORD")
            if name in inputs
        }
        part = trimesh.Trimesh(
            self._values(position)[corners[:, offsets["VERTEX"]]],
            np.arange(len(corners)).reshape(-1, 3),
            vertex_normals=values.get("NORMAL"),
            process=False,
        )
        part.apply_transform(matrix)
        material = trimesh.visual.material.SimpleMaterial(diffuse=self._color(primitive))
        part.visual = trimesh.visual.TextureVisuals(uv=values.get("TEXCOORD"), material=material)
        return part

    def _color(self, primitive: Any) -> NDArray[np.uint8] | None:
        """Diffuse color, 0..255, of the material of a primitive; None without a material or with a texture."""
        use = self._materials.get(primitive.get("material"))
        if use is None:
            return None
        effect = self._target(self._target(use, "target").find("instance_effect"), "url")
        color = effect.find(".//diffuse/color")
        return None if color is None else np.round(_numbers(color).clip(0.0, 1.0) * 255.0).astype(np.uint8)

    def _values(self, element: Any) -> NDArray[np.float64]:
        """(n, stride) numbers of the source that an input refers to."""
        source = self._target(element, "source")
        stride = int(source.find("technique_common/accessor").get("stride", "1"))
        numbers = _numbers(source.find("float_array"))
        return numbers[: len(numbers) // stride * stride].reshape(-1, stride)

    def _target(self, element: Any, attribute: str) -> Any:
        name = element.get(attribute, "").lstrip("#")
        if name not in self._named:
            raise ValueError(f"it names {name!r}, which is not in it")
        return self._named[name]


def _transform(element: Any) -> NDArray[np.float64]:
    """(4, 4) transform of an element of a node; the identity for other elements."""
    matrix = np.eye(4)
    if element.tag == "matrix":
        return _numbers(element).reshape(4, 4)
    if element.tag == "translate":
        matrix[:3, 3] = _numbers(element)
    elif element.tag == "scale":
        matrix[:3, :3] = np.diag(_numbers(element))
    elif element.tag == "rotate":
        x, y, z, degrees = _numbers(element)
        axis = np.array([x, y, z]) / math.sqrt(x * x + y * y + z * z)
        cross = np.cross(axis, np.eye(3)).T
        angle = math.radians(degrees)
        matrix[:3, :3] += math.sin(angle) * cross + (1.0 - math.cos(angle)) * cross @ cross  # Rodrigues
    return matrix


def _triangles(primitive: Any, stride: int) -> NDArray[np.int64]:
    """(3 F, stride) indices of the corners of a primitive, polygons triangulated as fans."""
    lists = [_numbers(element).astype(np.int64).reshape(-1, stride) for element in primitive.findall("p")]
    if primitive.tag != "triangles":
        counts = primitive.find("vcount")
        if counts is not None and lists:
            lists = np.split(lists[0], np.cumsum(_numbers(counts).astype(np.int64))[:-1])
        lists = [
            polygon[[0, corner, corner + 1]] for polygon in lists for corner in range(1, len(polygon) - 1)
        ]
    return np.concatenate(lists) if lists else np.zeros((0, stride), np.int64)


def _numbers(element: Any) -> NDArray[np.float64]:
    return np.array((element.text or "").split(), np.float64)
