"""Packed geometry of a scene: meshes, surfaces and textures in flat arrays, as the kernels read them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.kernels import kernel
from camshaft.envs.rendering.meshes.labels import LABELS
from camshaft.envs.rendering.meshes.mesh import Mesh
from camshaft.envs.rendering.meshes.surface import Surface, Texture

MAX_ERROR_PIXELS = 0.5  # deviation of a level of detail from the original shape, in the image
NO_LEVEL = -1  # in `mesh_coarser`
LEVELS = 16  # mip levels of each texture in `texture_levels`
LEVEL_FIELDS = 3  # numbers of each mip level there

DOUBLE_SIDED, EMISSIVE, MASKED, METALLIC, UNTINTED = 1, 2, 4, 8, 16  # bits of `surface_flags`
HAS_MASKED, NO_SHADOW = 1, 2  # bits of `mesh_flags`


class Geometry(NamedTuple):
    """Meshes, surfaces and textures in flat arrays.

    Attributes (V vertices, F faces, M meshes, S surfaces, T textures):
        positions, normals: (V, 3) object frame.
        uvs: (V, 2) texture coordinates.
        faces: (F, 3) vertex indices, counted from the first vertex of the mesh.
        face_surfaces: (F,) number of the surface.
        face_planes: (F, 4) outward unit normal and offset, positive at points (x, y, z, 1) in front of the face; 0, 0,
            0, 1 for double-sided faces, and 0 for faces without area.
        mesh_ranges: (M, 4) first vertex, vertices, first face, faces.
        mesh_bounds: (M, 4) bounding sphere, center and radius.
        mesh_coarser: (M,) next coarser level of detail, or NO_LEVEL.
        mesh_pixels: (M,) radius in pixels below which that level is used.
        mesh_boxes: (M, 6) lowest and highest x, y, z; lowest above highest for arenas.
        mesh_flags: (M,) HAS_MASKED, NO_SHADOW.
        surface_colors: (S, 3) display colors.
        surface_flags: (S,) DOUBLE_SIDED and so on.
        surface_specular: (S, 2) reflectance at normal incidence, and log2 of the shininess.
        surface_labels: (S,) semantic labels.
        surface_textures: (S,) number of the texture, 0 for none.
        texture_levels: (T + 1, LEVELS, LEVEL_FIELDS) offset into `texels`, log2 width and log2 height of each mip
            level; the last level is repeated. Texture 0 is a single white texel.
        texels: red in the lowest byte, then green, blue and alpha.
    """

    positions: NDArray[np.float32]
    normals: NDArray[np.float32]
    uvs: NDArray[np.float32]
    faces: NDArray[np.int32]
    face_surfaces: NDArray[np.int32]
    face_planes: NDArray[np.float32]
    mesh_ranges: NDArray[np.int32]
    mesh_bounds: NDArray[np.float32]
    mesh_coarser: NDArray[np.int32]
    mesh_pixels: NDArray[np.float32]
    mesh_boxes: NDArray[np.float32]
    mesh_flags: NDArray[np.int32]
    surface_colors: NDArray[np.float32]
    surface_flags: NDArray[np.int32]
    surface_specular: NDArray[np.float32]
    surface_labels: NDArray[np.uint8]
    surface_textures: NDArray[np.int32]
    texture_levels: NDArray[np.int32]
    texels: NDArray[np.uint32]


def pack_geometry(
    meshes: Sequence[Mesh],
    coarser: Sequence[int],
    surfaces: Sequence[Surface],
    spare: tuple[int, int, int] = (0, 0, 0),
) -> Geometry:
    """Pack meshes into flat arrays.

    Args:
        meshes: the meshes in the order of their ids.
        coarser: id of the next coarser level of detail of each mesh, or NO_LEVEL.
        surfaces: all surfaces in the order of their numbers.
        spare: numbers of empty vertices, faces and meshes after the packed ones.
    """
    geometry = _empty_geometry(
        sum(len(mesh.positions) for mesh in meshes) + spare[0],
        sum(len(mesh.faces) for mesh in meshes) + spare[1],
        len(meshes) + spare[2],
        list(surfaces) or [Surface()],
    )
    numbers = {surface: number for number, surface in enumerate(surfaces)}
    vertex = face = 0
    for index, mesh in enumerate(meshes):
        surface_ids = np.array([numbers[surface] for surface in mesh.surfaces], np.int32)
        whole = np.array([0, len(mesh.positions)]), np.array([0, len(mesh.faces)])
        write_mesh(geometry, mesh, vertex, face, surface_ids, *whole)
        geometry.mesh_ranges[index] = (vertex, len(mesh.positions), face, len(mesh.faces))
        geometry.mesh_bounds[index] = bounding_sphere(mesh.positions)
        geometry.mesh_boxes[index] = [*mesh.positions.min(axis=0), *mesh.positions.max(axis=0)]
        geometry.mesh_coarser[index] = coarser[index]
        masked = any(_surface_flags(surface) & MASKED for surface in mesh.surfaces)
        geometry.mesh_flags[index] = HAS_MASKED if masked else 0
        if coarser[index] != NO_LEVEL:
            geometry.mesh_pixels[index] = _level_pixels(
                float(geometry.mesh_bounds[index, 3]), meshes[coarser[index]]
            )
        vertex += len(mesh.positions)
        face += len(mesh.faces)
    return geometry


def write_mesh(
    geometry: Geometry,
    mesh: Mesh,
    vertex: int,
    face: int,
    surface_ids: NDArray[np.int32],
    vertex_splits: NDArray[np.int64],
    face_splits: NDArray[np.int64],
) -> None:
    """Copy the vertices and faces of a mesh into packed arrays, as one or several chunks.

    Args:
        geometry: arrays to write to.
        mesh: mesh to copy.
        vertex: row of its first vertex.
        face: row of its first face.
        surface_ids: (S,) number in the scene of each surface of the mesh.
        vertex_splits: (C + 1,) first vertex of each chunk, and the end of the last chunk.
        face_splits: (C + 1,) likewise for faces.
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
    """(4,) center x, y, z and radius of a sphere around the center of the bounding box."""
    return bounding_spheres(positions, np.array([0, len(positions)]))[0]


def bounding_spheres(positions: NDArray[np.float32], splits: NDArray[np.int64]) -> NDArray[np.float32]:
    """(C, 4) bounding spheres of C runs of vertices, whose first rows and end are `splits`, (C + 1,)."""
    bounds = np.empty((len(splits) - 1, 4), np.float32)
    _write_bounding_spheres(np.ascontiguousarray(positions, np.float32), splits, bounds)
    return bounds


def faces_within(
    faces: NDArray[Any], vertex_splits: NDArray[np.int64], face_splits: NDArray[np.int64]
) -> bool:
    """Whether the faces of every chunk use vertices of the same chunk only."""
    return bool(_faces_within(faces, vertex_splits, face_splits))


def _empty_geometry(vertices: int, faces: int, meshes: int, surfaces: Sequence[Surface]) -> Geometry:
    textures = list(dict.fromkeys(surface.texture for surface in surfaces if surface.texture is not None))
    texture_levels, texels = _pack_textures(textures)
    numbers: dict[Texture | None, int] = {None: 0}
    numbers.update({texture: number for number, texture in enumerate(textures, start=1)})
    return Geometry(
        positions=np.zeros((vertices, 3), np.float32),
        normals=np.zeros((vertices, 3), np.float32),
        uvs=np.zeros((vertices, 2), np.float32),
        faces=np.zeros((faces, 3), np.int32),
        face_surfaces=np.zeros(faces, np.int32),
        face_planes=np.zeros((faces, 4), np.float32),
        mesh_ranges=np.zeros((meshes, 4), np.int32),
        mesh_bounds=np.zeros((meshes, 4), np.float32),
        mesh_coarser=np.full(meshes, NO_LEVEL, np.int32),
        mesh_pixels=np.zeros(meshes, np.float32),
        mesh_boxes=np.tile(np.array([1, 1, 1, -1, -1, -1], np.float32), (meshes, 1)),
        mesh_flags=np.full(meshes, NO_SHADOW, np.int32),
        surface_colors=np.array([surface.color for surface in surfaces], np.float32),
        surface_flags=np.array([_surface_flags(surface) for surface in surfaces], np.int32),
        surface_specular=np.array(
            [(surface.specular, math.log2(surface.shininess)) for surface in surfaces], np.float32
        ),
        surface_labels=np.array([LABELS[surface.label] for surface in surfaces], np.uint8),
        surface_textures=np.array([numbers[surface.texture] for surface in surfaces], np.int32),
        texture_levels=texture_levels,
        texels=texels,
    )


def _level_pixels(radius: float, coarser: Mesh) -> float:
    """Radius in pixels below which the next coarser level of a mesh of `radius` meters is accurate enough."""
    if coarser.error > 0.0:
        return MAX_ERROR_PIXELS * radius / coarser.error
    return 2.0 * math.sqrt(len(coarser.faces))


def _surface_flags(surface: Surface) -> int:
    masked = surface.texture is not None and surface.texture.has_alpha
    return (
        DOUBLE_SIDED * surface.double_sided
        + EMISSIVE * surface.emissive
        + MASKED * masked
        + METALLIC * surface.metallic
        + UNTINTED * (not surface.tinted)
    )


def _pack_textures(textures: Sequence[Texture]) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
    """The `texture_levels` and `texels` of textures that are numbered from 1 on."""
    white = np.array([np.iinfo(np.uint32).max], np.uint32)
    table = np.zeros((len(textures) + 1, LEVELS, LEVEL_FIELDS), np.int32)
    words, offset = [white], len(white)
    for number, texture in enumerate(textures, start=1):
        for index in range(LEVELS):
            if index < len(texture.levels):
                level = texture.levels[index].astype(np.uint32)
                channels = level << np.arange(0, 8 * level.shape[2], 8, dtype=np.uint32)
                words.append(np.bitwise_or.reduce(channels, axis=2).ravel())
                height, width = level.shape[:2]
                table[number, index] = (offset, width.bit_length() - 1, height.bit_length() - 1)
                offset += height * width
            else:
                table[number, index] = table[number, index - 1]
    return table, np.concatenate(words)


@kernel
def _write_faces(  # type: ignore[no-untyped-def]
    positions,
    faces,
    surfaces,
    surface_ids,
    double_sided,
    vertex_splits,
    face_splits,
    first_row,
    out,
    out_surfaces,
    planes,
):
    """Write faces, their surfaces and planes, as `Geometry` describes them."""
    for chunk in range(len(face_splits) - 1):
        base = vertex_splits[chunk]
        for face in range(face_splits[chunk], face_splits[chunk + 1]):
            a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
            row = first_row + face
            out[row, 0], out[row, 1], out[row, 2] = a - base, b - base, c - base
            surface = surfaces[face]
            out_surfaces[row] = surface_ids[surface]
            x, y, z = np.float64(positions[a, 0]), np.float64(positions[a, 1]), np.float64(positions[a, 2])
            b_x, b_y, b_z = positions[b, 0] - x, positions[b, 1] - y, positions[b, 2] - z
            c_x, c_y, c_z = positions[c, 0] - x, positions[c, 1] - y, positions[c, 2] - z
            normal_x = b_y * c_z - b_z * c_y
            normal_y = b_z * c_x - b_x * c_z
            normal_z = b_x * c_y - b_y * c_x
            length = np.sqrt(normal_x * normal_x + normal_y * normal_y + normal_z * normal_z)
            if length <= 0.0:
                planes[row] = 0.0
                continue
            if double_sided[surface]:
                planes[row, 0], planes[row, 1], planes[row, 2], planes[row, 3] = 0.0, 0.0, 0.0, 1.0
                continue
            normal_x, normal_y, normal_z = normal_x / length, normal_y / length, normal_z / length
            x += (b_x + c_x) / 3.0
            y += (b_y + c_y) / 3.0
            z += (b_z + c_z) / 3.0
            planes[row, 0], planes[row, 1], planes[row, 2] = normal_x, normal_y, normal_z
            planes[row, 3] = -(normal_x * x + normal_y * y + normal_z * z)


@kernel
def _write_bounding_spheres(positions, splits, bounds):  # type: ignore[no-untyped-def]
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
