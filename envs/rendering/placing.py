"""Placing many objects at once."""

from __future__ import annotations

import numpy as np

from camshaft.envs.kernels import kernel


@kernel
def stand_upright(places, variants, ids, start, mesh_bounds, poses, bounds, meshes):  # type: ignore[no-untyped-def]
    """Write poses, bounding spheres and meshes of objects that stand upright; see `SceneState.set_upright`.

    Args:
        places: (N, count, 4) x, y, z, heading.
        variants: (N, count), −1 for none.
        ids: (V,) mesh of each variant.
        start: first slot.
        mesh_bounds: (M, 4) bounding spheres of meshes.
        poses: (N, S, 3, 4) to fill.
        bounds: (N, S, 4) to fill.
        meshes: (N, S) to fill.
    """
    for world in range(places.shape[0]):
        for number in range(places.shape[1]):
            slot = start + number
            if variants[world, number] < 0:
                meshes[world, slot] = -1
                continue
            mesh = ids[variants[world, number]]
            meshes[world, slot] = mesh
            x, y, z = places[world, number, 0], places[world, number, 1], places[world, number, 2]
            cosine, sine = np.cos(places[world, number, 3]), np.sin(places[world, number, 3])
            pose = poses[world, slot]
            pose[0, 0], pose[0, 1], pose[0, 2], pose[0, 3] = cosine, -sine, 0.0, x
            pose[1, 0], pose[1, 1], pose[1, 2], pose[1, 3] = sine, cosine, 0.0, y
            pose[2, 0], pose[2, 1], pose[2, 2], pose[2, 3] = 0.0, 0.0, 1.0, z
            center_x, center_y = mesh_bounds[mesh, 0], mesh_bounds[mesh, 1]
            bounds[world, slot, 0] = x + cosine * center_x - sine * center_y
            bounds[world, slot, 1] = y + sine * center_x + cosine * center_y
            bounds[world, slot, 2] = z + mesh_bounds[mesh, 2]
            bounds[world, slot, 3] = 1.0001 * mesh_bounds[mesh, 3]


@kernel
def bound_slots(worlds, first, last, poses, meshes, mesh_bounds, bounds):  # type: ignore[no-untyped-def]
    """Move the bounding spheres of the slots from `first` up to `last` of some worlds along with their poses.

    Args:
        worlds: (n,) which worlds.
        first: slot.
        last: slot.
        poses: (N, S, 3, 4).
        meshes: (N, S), those below 0 hidden.
        mesh_bounds: (M, 4) bounding spheres of meshes.
        bounds: (N, S, 4) to fill.
    """
    for world in worlds:
        for slot in range(first, last):
            mesh = meshes[world, slot]
            if mesh < 0:
                continue
            pose = poses[world, slot]
            x, y, z = mesh_bounds[mesh, 0], mesh_bounds[mesh, 1], mesh_bounds[mesh, 2]
            stretch = pose[0, 0] * pose[0, 0] + pose[1, 0] * pose[1, 0] + pose[2, 0] * pose[2, 0]
            for axis in range(3):
                bounds[world, slot, axis] = (
                    pose[axis, 0] * x + pose[axis, 1] * y + pose[axis, 2] * z + pose[axis, 3]
                )
                column = (
                    pose[0, axis] * pose[0, axis]
                    + pose[1, axis] * pose[1, axis]
                    + pose[2, axis] * pose[2, axis]
                )
                stretch = max(stretch, column)
            bounds[world, slot, 3] = 1.0001 * np.sqrt(stretch) * mesh_bounds[mesh, 3]
