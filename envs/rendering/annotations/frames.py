"""Frames with annotations: rendering and the annotations of pixels, boxes and keypoints, from one visibility buffer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.kernels import kernel
from camshaft.envs.rendering.annotations.boxes import write_amodal_box, write_box_3d, write_boxes
from camshaft.envs.rendering.annotations.keypoints import write_keypoints
from camshaft.envs.rendering.annotations.motion import rasterize_target
from camshaft.envs.rendering.annotations.pixels import annotate_pixels
from camshaft.envs.rendering.cpu.frames import render_frame
from camshaft.envs.rendering.cpu.visibility import set_view_transforms


class Annotations(NamedTuple):
    """Annotations to fill, of n worlds, S slots and K keypoints; n = 0 for those that are not wanted."""

    normals: NDArray[np.float32]  # (n, H, W, 3) camera axes
    world_normals: NDArray[np.float32]  # (n, H, W, 3)
    positions: NDArray[np.float32]  # (n, H, W, 3)
    flow: NDArray[np.float32]  # (n, H, W, 2)
    scene_flow: NDArray[np.float32]  # (n, H, W, 3)
    occluded: NDArray[np.uint8]  # (n, H, W)
    boxes: NDArray[np.float32]  # (n, S, 4)
    amodal_boxes: NDArray[np.float32]  # (n, S, 4)
    boxes_3d: NDArray[np.float32]  # (n, S, 8, 3)
    keypoints: NDArray[np.float32]  # (n, K, 3)


@kernel
def render_annotated_frames(
    start,
    stop,
    worlds,
    geometry,
    current,
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
    target,
    target_cameras,
    motion,
):  # type: ignore[no-untyped-def]
    """Like `frames.render_frames`, with annotations.

    Args:
        start: first row.
        stop: end of the rows.
        worlds: (n,) world of each row.
        geometry: packed geometry.
        current: `SceneSnapshot` to render.
        colors: (N, S, 3).
        instances: (S,).
        cameras: (n, 4, 4) world from camera.
        light: of all worlds.
        shadow_distance: meters.
        lens: of the camera.
        scratch: buffers.
        images: `Images` to fill.
        annotations: `Annotations` to fill.
        keypoints: of the scene.
        target: `SceneSnapshot` of the target frame of motion.
        target_cameras: (n, 4, 4) world from camera in the target frame.
        motion: buffers for motion.
    """
    for row in range(start, stop):
        world = worlds[row]
        set_view_transforms(cameras[row], lens, scratch)
        render_frame(
            geometry, current.meshes[world], current.poses[world], current.bounds[world], colors[world], instances,
            cameras[row], light, world, shadow_distance, lens, scratch, images, row,
        )  # fmt: skip
        wants_motion = (
            annotations.flow.shape[0] + annotations.scene_flow.shape[0] + annotations.occluded.shape[0] > 0
        )
        if wants_motion:
            rasterize_target(geometry, target, world, target_cameras[row], lens, motion)
        annotate_pixels(
            geometry, current.poses[world], colors[world], light.sun_direction[world], cameras[row], lens, scratch,
            annotations, row, wants_motion, target.poses[world], target.meshes[world], motion,
        )  # fmt: skip
        if annotations.boxes.shape[0] > 0:
            write_boxes(scratch, lens.labels.cells, annotations.boxes[row])
        for slot in range(annotations.amodal_boxes.shape[1] if annotations.amodal_boxes.shape[0] > 0 else 0):
            write_amodal_box(
                geometry, current.meshes[world, slot], current.poses[world, slot], cameras[row], lens,
                annotations.amodal_boxes[row, slot],
            )  # fmt: skip
        for slot in range(annotations.boxes_3d.shape[1] if annotations.boxes_3d.shape[0] > 0 else 0):
            write_box_3d(
                geometry, current.meshes[world, slot], current.poses[world, slot], cameras[row],
                annotations.boxes_3d[row, slot],
            )  # fmt: skip
        if annotations.keypoints.shape[0] > 0:
            write_keypoints(
                geometry, current.meshes[world], current.poses[world], current.bounds[world], colors[world],
                light.sun_direction[world], cameras[row], lens, scratch, keypoints, annotations.keypoints[row],
            )  # fmt: skip
