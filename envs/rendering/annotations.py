"""Labels beyond depth and segmentation: normals, positions, motion, boxes, keypoints; all from one visibility buffer.

Optical flow is exact: the point that a pixel sees is carried along with its object to another moment, and projected
into the camera of that moment (scene flow is its way through the world; Vedula et al., "Three-dimensional scene flow",
1999). A second visibility buffer, of that moment, tells whether it can still be seen.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.kernels import inlined, kernel
from envs.rendering.boxes import to_camera, write_amodal_box, write_box_3d, write_boxes
from envs.rendering.frames import depth_on_ray, draw_frame
from envs.rendering.lens import project_point
from envs.rendering.planes import NORMAL, READY, WITH_NORMALS, at, set_up
from envs.rendering.scratch import Scratch
from envs.rendering.visibility import OUTSIDE, SKY, draw_world, place_views

TOLERANCE = 0.01  # share of the distance by which a point may lie behind a surface and still be on it
KEYPOINT_DEPTH = 0.1  # share of its object's radius by which a visible keypoint may lie inside it
UNSEEN, HIDDEN_BEHIND, VISIBLE = 0.0, 1.0, 2.0  # keypoints, as in COCO

ANNOTATION_TYPES = {
    "normals": np.float32,
    "world_normals": np.float32,
    "positions": np.float32,
    "flow": np.float32,
    "scene_flow": np.float32,
    "occluded": np.uint8,
    "boxes": np.float32,
    "amodal_boxes": np.float32,
    "boxes_3d": np.float32,
    "keypoints": np.float32,
}
MOTIONS = ("flow", "scene_flow", "occluded")


class Moment(NamedTuple):
    """What stood where in all worlds, (N, S, …), as in SceneState."""

    meshes: NDArray[np.int32]
    poses: NDArray[np.float32]
    bounds: NDArray[np.float32]

    def copy(self) -> Moment:
        """The same in memory of its own."""
        return Moment(self.meshes.copy(), self.poses.copy(), self.bounds.copy())


class Annotations(NamedTuple):
    """Annotations to fill; one that nobody asked for has n = 0. S slots, K keypoints."""

    normals: NDArray[np.float32]  # (n, H, W, 3) camera axes
    world_normals: NDArray[np.float32]
    positions: NDArray[np.float32]
    flow: NDArray[np.float32]  # (n, H, W, 2)
    scene_flow: NDArray[np.float32]
    occluded: NDArray[np.uint8]  # (n, H, W)
    boxes: NDArray[np.float32]  # (n, S, 4)
    amodal_boxes: NDArray[np.float32]
    boxes_3d: NDArray[np.float32]  # (n, S, 8, 3)
    keypoints: NDArray[np.float32]  # (n, K, 3)


class Motion(NamedTuple):
    """Buffers of one thread for what has moved."""

    later: Scratch
    camera_from_world: NDArray[np.float64]  # (3, 4) of the other moment
    carried: NDArray[np.float64]  # (S, 3, 4) how the things of each slot move through the world
    carried_ready: NDArray[np.uint8]  # (S,)
    point: NDArray[np.float64]  # (3,)


def make_motion(later: Scratch, slots: int) -> Motion:
    """Buffers for scenes of so many slots."""
    return Motion(later, np.zeros((3, 4)), np.zeros((slots, 3, 4)), np.zeros(slots, np.uint8), np.zeros(3))


@kernel
def draw_annotated_frames(
    start,
    stop,
    worlds,
    geometry,
    now,
    colours,
    instances,
    cameras,
    light,
    shadow_distance,
    lens,
    scratch,
    images,
    annotations,
    keypoints,
    then,
    later_cameras,
    motion,
):  # type: ignore[no-untyped-def]
    """Like `frames.draw_frames`, with annotations."""
    for row in range(start, stop):
        world = worlds[row]
        place_views(cameras[row], lens, scratch)
        draw_frame(
            geometry, now.meshes[world], now.poses[world], now.bounds[world], colours[world], instances, cameras[row],
            light, world, shadow_distance, lens, scratch, images, row,
        )  # fmt: skip
        wants_motion = (
            annotations.flow.shape[0] + annotations.scene_flow.shape[0] + annotations.occluded.shape[0] > 0
        )
        if wants_motion:
            _look_later(geometry, now.poses[world], then, world, later_cameras[row], lens, motion)
        _annotate_pixels(
            geometry, now.poses[world], colours[world], light.sun_direction[world], cameras[row], lens, scratch,
            annotations, row, wants_motion, then.poses[world], colours[world], then.meshes[world], motion,
        )  # fmt: skip
        if annotations.boxes.shape[0] > 0:
            write_boxes(scratch, lens.labels.cells, annotations.boxes[row])
        for slot in range(annotations.amodal_boxes.shape[1] if annotations.amodal_boxes.shape[0] > 0 else 0):
            write_amodal_box(
                geometry, now.meshes[world, slot], now.poses[world, slot], cameras[row], lens,
                annotations.amodal_boxes[row, slot],
            )  # fmt: skip
        for slot in range(annotations.boxes_3d.shape[1] if annotations.boxes_3d.shape[0] > 0 else 0):
            write_box_3d(
                geometry,
                now.meshes[world, slot],
                now.poses[world, slot],
                cameras[row],
                annotations.boxes_3d[row, slot],
            )
        if annotations.keypoints.shape[0] > 0:
            _write_keypoints(
                geometry, now.meshes[world], now.poses[world], now.bounds[world], colours[world],
                light.sun_direction[world], cameras[row], lens, scratch, keypoints,
                annotations.keypoints[row],
            )  # fmt: skip


@inlined
def _look_later(geometry, poses, then, world, camera, lens, motion):  # type: ignore[no-untyped-def]
    """Find what is visible at the other moment."""
    place_views(camera, lens, motion.later)
    draw_world(geometry, then.meshes[world], then.poses[world], then.bounds[world], lens, motion.later)
    motion.carried_ready[:] = 0
    for row in range(3):
        total = 0.0
        for column in range(3):
            motion.camera_from_world[row, column] = camera[column, row]
            total += camera[column, row] * camera[column, 3]
        motion.camera_from_world[row, 3] = -total


@inlined
def _carry(pose, later_pose, result):  # type: ignore[no-untyped-def]
    """Write (3, 4) later world from world of a thing that moved from one pose to another."""
    same = True
    for row in range(3):
        for column in range(4):
            same &= pose[row, column] == later_pose[row, column]
    if same:
        for row in range(3):
            for column in range(4):
                result[row, column] = 1.0 if row == column else 0.0
        return
    a, b, c = np.float64(pose[0, 0]), np.float64(pose[0, 1]), np.float64(pose[0, 2])
    d, e, f = np.float64(pose[1, 0]), np.float64(pose[1, 1]), np.float64(pose[1, 2])
    g, h, i = np.float64(pose[2, 0]), np.float64(pose[2, 1]), np.float64(pose[2, 2])
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    share = 1.0 / determinant if determinant != 0.0 else 0.0
    inverse = (
        ((e * i - f * h) * share, (c * h - b * i) * share, (b * f - c * e) * share),
        ((f * g - d * i) * share, (a * i - c * g) * share, (c * d - a * f) * share),
        ((d * h - e * g) * share, (b * g - a * h) * share, (a * e - b * d) * share),
    )
    for row in range(3):
        x, y, z = (
            np.float64(later_pose[row, 0]),
            np.float64(later_pose[row, 1]),
            np.float64(later_pose[row, 2]),
        )
        first = x * inverse[0][0] + y * inverse[1][0] + z * inverse[2][0]
        second = x * inverse[0][1] + y * inverse[1][1] + z * inverse[2][1]
        third = x * inverse[0][2] + y * inverse[1][2] + z * inverse[2][2]
        result[row, 0], result[row, 1], result[row, 2] = first, second, third
        result[row, 3] = later_pose[row, 3] - (first * pose[0, 3] + second * pose[1, 3] + third * pose[2, 3])


@kernel
def _annotate_pixels(
    geometry,
    poses,
    colours,
    sun,
    camera,
    lens,
    scratch,
    annotations,
    image,
    wants_motion,
    later_poses,
    later_colours,
    later_meshes,
    motion,
):  # type: ignore[no-untyped-def]
    """Fill the annotations of every pixel of one frame."""
    wants_normals = annotations.normals.shape[0] + annotations.world_normals.shape[0] > 0
    wants_positions = annotations.positions.shape[0] > 0
    if not (wants_normals or wants_positions or wants_motion):
        return
    needed = WITH_NORMALS if wants_normals else READY
    cells, ray_x, ray_y, _, _ = lens.labels
    height, width = cells.shape
    for row in range(height):
        for column in range(width):
            cell = cells[row, column]
            triangle = scratch.triangles[cell]
            x, y = ray_x[row, column], ray_y[row, column]
            if triangle >= 0 and not scratch.traits[triangle] & needed:
                set_up(geometry, poses, colours, sun, scratch, triangle, wants_normals)
            if wants_normals:
                _write_normal(annotations, image, row, column, triangle, x, y, camera, lens, scratch)
            if wants_positions or wants_motion:
                depth = np.float64(1.0)
                if triangle >= 0:
                    depth = np.float64(
                        depth_on_ray(scratch.planes[triangle], scratch.inverse_depth[cell], x, y)
                    )
                view = SKY - triangle if triangle < 0 else scratch.drawn[triangle, 4]
                far_away = (
                    0.0 if triangle < 0 else 1.0
                )  # the sky is a direction: it does not move with the camera
                if triangle != OUTSIDE:
                    matrix = scratch.world_from_view[view]
                    for axis in range(3):
                        motion.point[axis] = depth * (
                            matrix[axis, 0] * x + matrix[axis, 1] * y + matrix[axis, 2]
                        ) + far_away * np.float64(camera[axis, 3])
                if wants_positions:
                    for axis in range(3):
                        annotations.positions[image, row, column, axis] = (
                            motion.point[axis] if triangle >= 0 else 0.0
                        )
                if wants_motion:
                    _write_motion(
                        geometry, annotations, image, row, column, triangle, poses, scratch, lens, later_poses,
                        later_colours, later_meshes, sun, motion,
                    )  # fmt: skip


@inlined
def _write_normal(annotations, image, row, column, triangle, x, y, camera, lens, scratch):  # type: ignore[no-untyped-def]
    """Unit normal of a pixel in camera and world axes, 0 for sky."""
    normal_x = normal_y = normal_z = np.float32(0.0)
    view = 0
    if triangle >= 0:
        plane, view = scratch.planes[triangle], scratch.drawn[triangle, 4]
        normal_x, normal_y, normal_z = (
            at(plane, NORMAL, x, y),
            at(plane, NORMAL + 3, x, y),
            at(plane, NORMAL + 6, x, y),
        )
        length = np.sqrt(normal_x * normal_x + normal_y * normal_y + normal_z * normal_z)
        share = np.float32(1.0) / length if length > 0.0 else np.float32(0.0)
        normal_x, normal_y, normal_z = normal_x * share, normal_y * share, normal_z * share
    turn, matrix = lens.views.rotations[view], scratch.world_from_view[view]
    for axis in range(3):
        if annotations.normals.shape[0] > 0:
            annotations.normals[image, row, column, axis] = (
                turn[0, axis] * normal_x + turn[1, axis] * normal_y + turn[2, axis] * normal_z
            )
        if annotations.world_normals.shape[0] > 0:
            annotations.world_normals[image, row, column, axis] = (
                matrix[axis, 0] * normal_x + matrix[axis, 1] * normal_y + matrix[axis, 2] * normal_z
            )


@inlined
def _write_motion(
    geometry,
    annotations,
    image,
    row,
    column,
    triangle,
    poses,
    scratch,
    lens,
    later_poses,
    later_colours,
    later_meshes,
    sun,
    motion,
):  # type: ignore[no-untyped-def]
    """Where the point of a pixel, `motion.point`, is at the other moment."""
    x, y, z = motion.point[0], motion.point[1], motion.point[2]
    gone = triangle == OUTSIDE
    moved_x, moved_y, moved_z = x, y, z
    if triangle >= 0:
        slot = scratch.drawn[triangle, 1]
        gone = later_meshes[slot] < 0
        if not motion.carried_ready[slot]:
            _carry(poses[slot], later_poses[slot], motion.carried[slot])
            motion.carried_ready[slot] = 1
        way = motion.carried[slot]
        moved_x = way[0, 0] * x + way[0, 1] * y + way[0, 2] * z + way[0, 3]
        moved_y = way[1, 0] * x + way[1, 1] * y + way[1, 2] * z + way[1, 3]
        moved_z = way[2, 0] * x + way[2, 1] * y + way[2, 2] * z + way[2, 3]
    if annotations.scene_flow.shape[0] > 0:
        annotations.scene_flow[image, row, column, 0] = moved_x - x
        annotations.scene_flow[image, row, column, 1] = moved_y - y
        annotations.scene_flow[image, row, column, 2] = moved_z - z
    matrix = motion.camera_from_world
    fixed = 1.0 if triangle >= 0 else 0.0
    seen_x = matrix[0, 0] * moved_x + matrix[0, 1] * moved_y + matrix[0, 2] * moved_z + fixed * matrix[0, 3]
    seen_y = matrix[1, 0] * moved_x + matrix[1, 1] * moved_y + matrix[1, 2] * moved_z + fixed * matrix[1, 3]
    seen_z = matrix[2, 0] * moved_x + matrix[2, 1] * moved_y + matrix[2, 2] * moved_z + fixed * matrix[2, 3]
    to_column, to_row, seen = project_point(lens.optics, seen_x, seen_y, seen_z)
    seen = seen and not gone
    if annotations.flow.shape[0] > 0:
        annotations.flow[image, row, column, 0] = to_column - column if seen else 0.0
        annotations.flow[image, row, column, 1] = to_row - row if seen else 0.0
    if annotations.occluded.shape[0] > 0:
        hidden = True
        if seen:
            hidden = behind_something(
                geometry, later_poses, later_colours, sun, lens, motion.later, seen_x, seen_y, seen_z, to_column,
                to_row, triangle < 0,
            )  # fmt: skip
        annotations.occluded[image, row, column] = hidden


@inlined
def behind_something(geometry, poses, colours, sun, lens, scratch, x, y, z, column, row, sky):  # type: ignore[no-untyped-def]
    """Whether a point in camera axes, or a direction to the sky, is out of the picture or covered there."""
    if not (column >= -0.5 and row >= -0.5 and column < lens.width - 0.5 and row < lens.height - 0.5):
        return True
    cell = lens.labels.cells[int(row + 0.5), int(column + 0.5)]
    triangle = scratch.triangles[cell]
    if triangle == OUTSIDE:
        return True
    if triangle < 0:
        return False
    if sky:
        return True
    there, here = _depths(geometry, poses, colours, sun, lens, scratch, triangle, cell, x, y, z)
    return here > there * (1.0 + TOLERANCE)


@inlined
def _depths(geometry, poses, colours, sun, lens, scratch, triangle, cell, x, y, z):  # type: ignore[no-untyped-def]
    """Depth of a triangle on the ray to a point in camera axes, and of that point, in the triangle's view."""
    if not scratch.traits[triangle]:
        set_up(geometry, poses, colours, sun, scratch, triangle, False)
    turn = lens.views.rotations[scratch.drawn[triangle, 4]]
    view_x = turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z
    view_y = turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] * z
    view_z = turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * z
    if view_z <= 0.0:
        return np.inf, view_z
    there = depth_on_ray(
        scratch.planes[triangle],
        scratch.inverse_depth[cell],
        np.float32(view_x / view_z),
        np.float32(view_y / view_z),
    )
    return np.float64(there), view_z


@kernel
def _write_keypoints(geometry, meshes, poses, bounds, colours, sun, camera, lens, scratch, keypoints, result):  # type: ignore[no-untyped-def]
    """Column, row and visibility of every keypoint."""
    for index in range(keypoints.slots.shape[0]):
        slot, spot = keypoints.slots[index], result[index]
        spot[:] = 0.0
        if meshes[slot] < 0:
            continue
        point = keypoints.points[keypoints.first[meshes[slot]] + keypoints.numbers[index]]
        x = to_camera(camera, poses[slot], point, 0)
        y = to_camera(camera, poses[slot], point, 1)
        z = to_camera(camera, poses[slot], point, 2)
        column, row, seen = project_point(lens.optics, x, y, z)
        if not seen or not (
            column >= -0.5 and row >= -0.5 and column < lens.width - 0.5 and row < lens.height - 0.5
        ):
            continue
        spot[0], spot[1], spot[2] = column, row, VISIBLE
        cell = lens.labels.cells[int(row + 0.5), int(column + 0.5)]
        triangle = scratch.triangles[cell]
        if triangle < 0:
            continue
        there, here = _depths(geometry, poses, colours, sun, lens, scratch, triangle, cell, x, y, z)
        inside = KEYPOINT_DEPTH * bounds[slot, 3] if scratch.drawn[triangle, 1] == slot else 0.0
        if here > there * (1.0 + TOLERANCE) + inside:
            spot[2] = HIDDEN_BEHIND


def annotation_shapes(height: int, width: int, slots: int, keypoints: int) -> dict[str, tuple[int, ...]]:
    """Shape of each annotation of one world."""
    return {
        "normals": (height, width, 3),
        "world_normals": (height, width, 3),
        "positions": (height, width, 3),
        "flow": (height, width, 2),
        "scene_flow": (height, width, 3),
        "occluded": (height, width),
        "boxes": (slots, 4),
        "amodal_boxes": (slots, 4),
        "boxes_3d": (slots, 8, 3),
        "keypoints": (keypoints, 3),
    }
