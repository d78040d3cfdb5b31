"""Outer shell of a mesh: the faces visible from outside, without the motors and screws inside robot links."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.rendering.camera import Camera, look_at
from camshaft.envs.rendering.cpu.scratch import make_scratch
from camshaft.envs.rendering.cpu.visibility import rasterize_world, set_view_transforms
from camshaft.envs.rendering.lens import make_lens
from camshaft.envs.rendering.meshes.mesh import Mesh
from camshaft.envs.rendering.scene import Scene
from camshaft.envs.rendering.scene_state import SceneState

VIEWS = 32
PIXELS = 256
FOV_DEGREES = 10.0
MIN_FACES = 500  # of a mesh that is worth the search
RINGS = 2  # of neighbors kept around visible faces: triangles smaller than a pixel are easily missed


def outer_shell(mesh: Mesh) -> Mesh:
    """The faces whose front is visible from afar in any direction, and their neighbors.

    Faces seen from behind only, such as the inner wall of a pipe, are removed.
    """
    if len(mesh.faces) < MIN_FACES:
        return mesh
    kept = _visible_faces(mesh)
    _, welded = np.unique(mesh.positions, axis=0, return_inverse=True)
    corners = welded.reshape(-1)[mesh.faces]
    for _ in range(RINGS):
        touched = np.zeros(len(mesh.positions), np.bool_)
        touched[corners[kept]] = True
        kept = np.asarray(touched[corners].any(axis=1))
    if kept.all() or not kept.any():
        return mesh
    used, faces = np.unique(mesh.faces[kept], return_inverse=True)
    return replace(
        mesh,
        positions=mesh.positions[used],
        faces=faces.reshape(-1, 3).astype(np.int32),
        normals=mesh.normals[used],  # type: ignore[index]
        uvs=mesh.uvs[used],  # type: ignore[index]
        face_surfaces=mesh.face_surfaces[kept],  # type: ignore[index]
    )


def _visible_faces(mesh: Mesh) -> NDArray[np.bool_]:
    """(F,) whether a face covers a pixel in any of the views."""
    scene = Scene()
    objects = scene.add("mesh", mesh)
    state = SceneState(scene, 1)
    state.set_pose(objects, np.eye(4)[None])
    center, radius = state.bounds[0, 0, :3].astype(np.float64), float(state.bounds[0, 0, 3])
    distance = 1.02 * radius / np.sin(0.5 * np.radians(FOV_DEGREES))
    near, far = 0.5 * (distance - radius), 2.0 * (distance + radius)
    camera = Camera(width=PIXELS, height=PIXELS, fov_degrees=FOV_DEGREES, near=near, far=far)
    lens = make_lens(camera)
    scratch = make_scratch(lens, scene.num_slots, len(mesh.positions), len(mesh.faces))
    visible = np.zeros(len(mesh.faces), np.bool_)
    for direction in _directions():
        set_view_transforms(look_at(center + distance * direction, center), lens, scratch)
        rasterize_world(state.geometry, state.meshes[0], state.poses[0], state.bounds[0], lens, scratch)
        triangles = np.unique(scratch.triangles[:-1])
        visible[scratch.rendered[triangles[triangles >= 0], 0]] = True
    return visible


def _directions() -> NDArray[np.float64]:
    """(VIEWS, 3) unit directions, evenly spread over the sphere: a spiral of golden angles (Vogel, 1979)."""
    height = 1.0 - (2.0 * np.arange(VIEWS) + 1.0) / VIEWS
    angle = np.arange(VIEWS) * np.pi * (3.0 - np.sqrt(5.0))
    radius = np.sqrt(1.0 - height**2)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), height])
