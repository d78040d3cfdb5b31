"""Placement of objects: kernels that write their poses and bounding spheres."""

from __future__ import annotations

import numpy as np

from camshaft.envs.kernels import kernel


@kernel
def write_upright(placements, variants, mesh_ids, start, mesh_bounds, poses, bounds, meshes):  # type: ignore[no-untyped-def]
    """Write poses, bounding spheres and meshes of upright objects; see `SceneState.set_upright`.

    Args:
        placements: (N, count, 4) x, y, z, heading.
        variants: (N, count), −1 for none.
        mesh_ids: (V,) mesh of each variant.
        start: first slot.
        mesh_bounds: (M, 4) bounding spheres of meshes.
        poses: (N, S, 3, 4) to fill.
        bounds: (N, S, 4) to fill.
        meshes: (N, S) to fill.
    """
    for world in range(placements.shape[0]):
        for number in range(placements.shape[1]):
            slot = start + number
            if variants[world, number] < 0:
                meshes[world, slot] = -1
                continue
            mesh = mesh_ids[variants[world, number]]
            meshes[world, slot] = mesh
            x, y, z = placements[world, number, 0], placements[world, number, 1], placements[world, number, 2]
            cosine, sine = np.cos(placements[world, number, 3]), np.sin(placements[world, number, 3])
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
def write_bounds(worlds, start, stop, poses, meshes, mesh_bounds, bounds):  # type: ignore[no-untyped-def]
    """Write the bounding spheres of slots from their poses.

    Args:
        worlds: (n,) world indices.
        start: first slot.
        stop: end of the slots.
        poses: (N, S, 3, 4).
        meshes: (N, S), negative where hidden.
        mesh_bounds: (M, 4) bounding spheres of meshes.
        bounds: (N, S, 4) to fill.
    """
    for world in worlds:
        for slot in range(start, stop):
            mesh = meshes[world, slot]
            if mesh < 0:
                continue
            pose = poses[world, slot]
            x, y, z = mesh_bounds[mesh, 0], mesh_bounds[mesh, 1], mesh_bounds[mesh, 2]
            squared_scale = pose[0, 0] * pose[0, 0] + pose[1, 0] * pose[1, 0] + pose[2, 0] * pose[2, 0]
            for axis in range(3):
                bounds[world, slot, axis] = (
                    pose[axis, 0] * x + pose[axis, 1] * y + pose[axis, 2] * z + pose[axis, 3]
                )
                column = (
                    pose[0, axis] * pose[0, axis]
                    + pose[1, axis] * pose[1, axis]
                    + pose[2, axis] * pose[2, axis]
                )
                squared_scale = max(squared_scale, column)
            bounds[world, slot, 3] = 1.0001 * np.sqrt(squared_scale) * mesh_bounds[mesh, 3]
