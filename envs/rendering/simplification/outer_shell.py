"""The outside of a mesh: robots are drawn with motors and screws inside, which cost triangles and are not seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.rendering.camera import Camera, look_at
from camshaft.envs.rendering.meshes.mesh import Mesh

VIEWS = 32
PIXELS = 256
FOV_DEGREES = 10.0
FEW_FACES = 500  # not worth the search
RINGS = 2  # of faces about those seen that are kept: triangles smaller than a pixel are easily missed


def outer_shell(mesh: Mesh) -> Mesh:
    """The faces that are seen from afar, from directions all around, and those next to them.

    A face whose front cannot be seen is left out, such as the inside of a pipe's wall.
    """
    if len(mesh.faces) < FEW_FACES:
        return mesh
    seen = _seen_faces(mesh)
    _, welded = np.unique(mesh.positions, axis=0, return_inverse=True)
    corners = welded.reshape(-1)[mesh.faces]
    for _ in range(RINGS):
        touched = np.zeros(len(mesh.positions), np.bool_)
        touched[corners[seen]] = True
        seen = np.asarray(touched[corners].any(axis=1))
    if seen.all() or not seen.any():
        return mesh
    used, faces = np.unique(mesh.faces[seen], return_inverse=True)
    return replace(
        mesh,
        positions=mesh.positions[used],
        faces=faces.reshape(-1, 3).astype(np.int32),
        normals=mesh.normals[used],  # type: ignore[index]
        uvs=mesh.uvs[used],  # type: ignore[index]
        face_surfaces=mesh.face_surfaces[seen],  # type: ignore[index]
    )


def _seen_faces(mesh: Mesh) -> NDArray[np.bool_]:
    """(F,) whether a face covers a pixel of any of the views."""
    from camshaft.envs.rendering.renderer import Renderer  # scenes are made of meshes
    from camshaft.envs.rendering.scene import Scene
    from camshaft.envs.rendering.scene_state import SceneState

    scene = Scene()
    objects = scene.add("mesh", mesh)
    state = SceneState(scene, 1)
    state.set_pose(objects, np.eye(4)[None])
    center, radius = state.bounds[0, 0, :3].astype(np.float64), float(state.bounds[0, 0, 3])
    distance = 1.02 * radius / np.sin(0.5 * np.radians(FOV_DEGREES))
    near, far = 0.5 * (distance - radius), 2.0 * (distance + radius)
    camera = Camera(width=PIXELS, height=PIXELS, fov_degrees=FOV_DEGREES, near=near, far=far)
    renderer = Renderer(state, camera, ("depth",), num_threads=1)
    seen = np.zeros(len(mesh.faces), np.bool_)
    for direction in _directions():
        renderer.render(look_at(center + distance * direction, center)[None])
        scratch = renderer._scratches[0]  # what the first pass has left of the one world
        triangles = np.unique(scratch.triangles[:-1])
        seen[scratch.drawn[triangles[triangles >= 0], 0]] = True
    return seen


def _directions() -> NDArray[np.float64]:
    """(VIEWS, 3) unit, spread evenly over the sphere: a spiral of golden angles (Vogel, 1979)."""
    height = 1.0 - (2.0 * np.arange(VIEWS) + 1.0) / VIEWS
    turn = np.arange(VIEWS) * np.pi * (3.0 - np.sqrt(5.0))
    across = np.sqrt(1.0 - height**2)
    return np.column_stack([across * np.cos(turn), across * np.sin(turn), height])
