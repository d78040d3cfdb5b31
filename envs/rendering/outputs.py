"""Outputs of the renderer: names, data types and shapes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from camshaft.envs.rendering.camera import Camera

IMAGE_TYPES: Mapping[str, type] = {
    "rgb": np.uint8,
    "depth": np.float32,
    "segmentation": np.uint8,
    "instances": np.uint16,
}
ANNOTATION_TYPES: Mapping[str, type] = {
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
OUTPUT_TYPES: Mapping[str, type] = {**IMAGE_TYPES, **ANNOTATION_TYPES}
MOTION_OUTPUTS = ("flow", "scene_flow", "occluded")
CHANNELS = {"rgb": 3, "normals": 3, "world_normals": 3, "positions": 3, "flow": 2, "scene_flow": 3}


def output_shapes(camera: Camera, slots: int, keypoints: int) -> dict[str, tuple[int, ...]]:
    """Shape of every output of one world.

    Args:
        camera: camera that gives the image size.
        slots: number of slots of the scene.
        keypoints: number of keypoints of the scene.
    """
    per_object: dict[str, tuple[int, ...]] = {
        "boxes": (slots, 4),
        "amodal_boxes": (slots, 4),
        "boxes_3d": (slots, 8, 3),
        "keypoints": (keypoints, 3),
    }
    return {name: per_object.get(name) or image_shape(camera, name) for name in OUTPUT_TYPES}


def image_shape(camera: Camera, output: str) -> tuple[int, ...]:
    """(H, W) or (H, W, C) of an image output."""
    size = (camera.height, camera.width)
    return (*size, CHANNELS[output]) if output in CHANNELS else size
