"""Labels beyond depth and segmentation: normals, positions, motion, boxes, keypoints; from one visibility buffer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.kernels import inlined, kernel
from camshaft.envs.rendering.annotations.boxes import to_camera, write_amodal_box, write_box_3d, write_boxes
from camshaft.envs.rendering.annotations.motion import look_later, write_motion
from camshaft.envs.rendering.annotations.occlusion import TOLERANCE, depths_of_point
from camshaft.envs.rendering.cpu.frames import depth_on_ray, draw_frame
from camshaft.envs.rendering.cpu.planes import NORMAL, READY, WITH_NORMALS, at, set_up
from camshaft.envs.rendering.cpu.visibility import OUTSIDE, SKY, place_views
from camshaft.envs.rendering.lens import project_point

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


@kernel
def draw_annotated_frames(
    start,
    stop,
    worlds,
    geometry,
    now,
    colors,
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
            geometry, now.meshes[world], now.poses[world], now.bounds[world], colors[world], instances, cameras[row],
            light, world, shadow_distance, lens, scratch, images, row,
        )  # fmt: skip
        wants_motion = (
            annotations.flow.shape[0] + annotations.scene_flow.shape[0] + annotations.occluded.shape[0] > 0
        )
        if wants_motion:
            look_later(geometry, now.poses[world], then, world, later_cameras[row], lens, motion)
        _annotate_pixels(
            geometry, now.poses[world], colors[world], light.sun_direction[world], cameras[row], lens, scratch,
            annotations, row, wants_motion, then.poses[world], colors[world], then.meshes[world], motion,
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
                geometry, now.meshes[world], now.poses[world], now.bounds[world], colors[world],
                light.sun_direction[world], cameras[row], lens, scratch, keypoints,
                annotations.keypoints[row],
            )  # fmt: skip


@kernel
def _annotate_pixels(
    geometry,
    poses,
    colors,
    sun,
    camera,
    lens,
    scratch,
    annotations,
    image,
    wants_motion,
    later_poses,
    later_colors,
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
                set_up(geometry, poses, colors, sun, scratch, triangle, wants_normals)
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
                    write_motion(
                        geometry, annotations, image, row, column, triangle, poses, scratch, lens, later_poses,
                        later_colors, later_meshes, sun, motion,
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


@kernel
def _write_keypoints(geometry, meshes, poses, bounds, colors, sun, camera, lens, scratch, keypoints, result):  # type: ignore[no-untyped-def]
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
        there, here = depths_of_point(geometry, poses, colors, sun, lens, scratch, triangle, cell, x, y, z)
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
