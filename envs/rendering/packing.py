"""Meshes written into the packed arrays of a scene: vertices, faces with their planes, bounding spheres."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.kernels import kernel
from camshaft.envs.rendering.meshes.mesh import Mesh

if TYPE_CHECKING:
    from camshaft.envs.rendering.scene import Geometry


def write_mesh(
    geometry: Geometry,
    mesh: Mesh,
    vertex: int,
    face: int,
    surface_ids: NDArray[np.int32],
    vertex_splits: NDArray[np.int64],
    face_splits: NDArray[np.int64],
) -> None:
    """Copy a mesh into packed arrays, the corners of faces counted from the first vertex of their chunk.

    Args:
        geometry: to write into.
        mesh: to copy.
        vertex: row of its first vertex.
        face: row of its first face.
        surface_ids: (S,) number in the scene of each of the mesh's surfaces.
        vertex_splits: (C + 1,) where the vertices of chunks begin and end.
        face_splits: (C + 1,) likewise of faces.
    """
    vertices = slice(vertex, vertex + len(mesh.positions))
    geometry.positions[vertices] = mesh.positions
    geometry.normals[vertices] = mesh.normals
    geometry.uvs[vertices] = mesh.uvs
    _write_faces(
        mesh.positions,
        mesh.faces,
        mesh.face_surfaces,
        surface_ids,
        np.array([surface.double_sided for surface in mesh.surfaces]),
        vertex_splits,
        face_splits,
        face,
        geometry.faces,
        geometry.face_surfaces,
        geometry.face_planes,
    )


def bounding_sphere(positions: NDArray[np.float32]) -> NDArray[np.float32]:
    """(4,) center x, y, z and radius of a sphere about the middle of the bounding box."""
    return chunk_bounds(positions, np.array([0, len(positions)]))[0]


def chunk_bounds(positions: NDArray[np.float32], splits: NDArray[np.int64]) -> NDArray[np.float32]:
    """(C, 4) bounding spheres of runs of vertices that begin and end at `splits`, (C + 1,)."""
    bounds = np.empty((len(splits) - 1, 4), np.float32)
    _bound_chunks(np.ascontiguousarray(positions, np.float32), splits, bounds)
    return bounds


def faces_within(
    faces: NDArray[Any], vertex_splits: NDArray[np.int64], face_splits: NDArray[np.int64]
) -> bool:
    """Whether the faces of every chunk use that chunk's vertices only."""
    return bool(_faces_within(faces, vertex_splits, face_splits))


@kernel
def _write_faces(  # type: ignore[no-untyped-def]
    positions,
    faces,
    surfaces,
    surface_ids,
    both_sides,
    vertex_splits,
    face_splits,
    first,
    out,
    out_surfaces,
    planes,
):
    """Planes are those of `Geometry`: 0 where the corners of a face lie on a line."""
    for chunk in range(len(face_splits) - 1):
        base = vertex_splits[chunk]
        for face in range(face_splits[chunk], face_splits[chunk + 1]):
            a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
            row = first + face
            out[row, 0], out[row, 1], out[row, 2] = a - base, b - base, c - base
            surface = surfaces[face]
            out_surfaces[row] = surface_ids[surface]
            x, y, z = np.float64(positions[a, 0]), np.float64(positions[a, 1]), np.float64(positions[a, 2])
            right_x, right_y, right_z = positions[b, 0] - x, positions[b, 1] - y, positions[b, 2] - z
            up_x, up_y, up_z = positions[c, 0] - x, positions[c, 1] - y, positions[c, 2] - z
            normal_x = right_y * up_z - right_z * up_y
            normal_y = right_z * up_x - right_x * up_z
            normal_z = right_x * up_y - right_y * up_x
            length = np.sqrt(normal_x * normal_x + normal_y * normal_y + normal_z * normal_z)
            if length <= 0.0:
                planes[row] = 0.0
                continue
            if both_sides[surface]:
                planes[row, 0], planes[row, 1], planes[row, 2], planes[row, 3] = 0.0, 0.0, 0.0, 1.0
                continue
            normal_x, normal_y, normal_z = normal_x / length, normal_y / length, normal_z / length
            x += (right_x + up_x) / 3.0
            y += (right_y + up_y) / 3.0
            z += (right_z + up_z) / 3.0
            planes[row, 0], planes[row, 1], planes[row, 2] = normal_x, normal_y, normal_z
            planes[row, 3] = -(normal_x * x + normal_y * y + normal_z * z)


@kernel
def _bound_chunks(positions, splits, bounds):  # type: ignore[no-untyped-def]
    for chunk in range(len(splits) - 1):
        start, stop = splits[chunk], splits[chunk + 1]
        for axis in range(3):
            low = high = positions[start, axis]
            for vertex in range(start + 1, stop):
                low, high = min(low, positions[vertex, axis]), max(high, positions[vertex, axis])
            bounds[chunk, axis] = np.float32(0.5) * (low + high)
        largest = 0.0
        for vertex in range(start, stop):
            x = np.float64(positions[vertex, 0]) - bounds[chunk, 0]
            y = np.float64(positions[vertex, 1]) - bounds[chunk, 1]
            z = np.float64(positions[vertex, 2]) - bounds[chunk, 2]
            largest = max(largest, x * x + y * y + z * z)
        bounds[chunk, 3] = np.sqrt(largest) * (1.0 + 1e-5)


@kernel
def _faces_within(faces, vertex_splits, face_splits):  # type: ignore[no-untyped-def]
    for chunk in range(len(face_splits) - 1):
        low, high = vertex_splits[chunk], vertex_splits[chunk + 1]
        for face in range(face_splits[chunk], face_splits[chunk + 1]):
            for corner in range(3):
                if faces[face, corner] < low or faces[face, corner] >= high:
                    return False
    return True
