"""Columns of a dataset that hold observations: every camera's frames and labels as images, and vectors.

Labels are images without loss: segmentation gray, instance numbers in red and green, depth in tenths of a millimeter
over all three channels, the first the coarsest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from camshaft.agents.lerobot.format import Feature
from camshaft.agents.lerobot.png import encode_png
from camshaft.envs.arrays import Image, Observation
from camshaft.envs.goal import OBSERVED
from camshaft.envs.simulation import IMAGE_PARTS, Simulation

IMAGES = "observation.images."
FRONT = f"{IMAGES}front"
DISPLACED = f"{IMAGES}displaced"
STATE = "observation.state"
DEPTH_STEP = 1e-4  # meters


def column_of(part: str) -> str:
    """The column that holds a part of an observation; a camera without a name is called front."""
    camera, _, output = part.rpartition("/")
    if output in IMAGE_PARTS:
        return IMAGES + (camera or "front") + ("" if output == "rgb" else f"_{output}")
    return STATE if part in ("state", OBSERVED) else f"observation.{part}"


def output_of(part: str) -> str:
    """The output or sensor of a part, whichever camera it is of: rgb, depth, state."""
    return part.rpartition("/")[2]


def observation_spaces(simulation: Simulation) -> dict[str, spaces.Box]:
    """The space of every part of a simulation's observations."""
    space: Any = simulation.observation_space
    if isinstance(space, spaces.Dict):
        return dict(space.spaces)  # type: ignore[arg-type]
    cameras = list(simulation.cameras) if simulation.obs_mode in IMAGE_PARTS else [""]
    return {f"{cameras[0]}/{simulation.obs_mode}" if cameras[0] else simulation.obs_mode: space}


def observation_parts(simulation: Simulation, observation: Observation) -> dict[str, NDArray[Any]]:
    """A batch of observations by part."""
    if isinstance(observation, dict):
        return observation
    return {next(iter(observation_spaces(simulation))): observation}


def observation_features(simulation: Simulation) -> dict[str, Feature]:
    """The columns that hold the observations of a simulation."""
    features = {}
    for part, space in observation_spaces(simulation).items():
        is_image = output_of(part) in IMAGE_PARTS
        shape = (*space.shape[:2], 3) if is_image else space.shape
        features[column_of(part)] = Feature("image" if is_image else "float32", shape)
    return features


def observation_rows(parts: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Columns of a batch of observations by part; images are encoded."""
    return {
        column_of(part): encode_png(as_images(output_of(part), values))
        if output_of(part) in IMAGE_PARTS
        else values
        for part, values in parts.items()
    }


def as_images(output: str, values: NDArray[Any]) -> Image:
    """(n, H, W, 3) images of what cameras gave, (n, H, W, 3) or (n, H, W, 1)."""
    if output == "rgb":
        return values
    if output == "segmentation":
        return np.repeat(values, 3, axis=-1)
    if output == "depth":
        steps = np.rint(np.minimum(values.astype(np.float64) / DEPTH_STEP, 2**24 - 1))
        digits = steps.astype(np.uint32) >> np.array([16, 8, 0], np.uint32)
    else:
        digits = values.astype(np.uint32) >> np.array([8, 0, 16], np.uint32)
    return (digits & 255).astype(np.uint8)


def from_images(output: str, images: Image) -> NDArray[Any]:
    """What `as_images` was given, (n, H, W, 1); depth to half a DEPTH_STEP, up to 1,677 m."""
    if output == "rgb":
        return images
    if output == "segmentation":
        return images[..., :1]
    digits = images.astype(np.uint32)
    if output == "depth":
        steps = (digits[..., :1] << 16) + (digits[..., 1:2] << 8) + digits[..., 2:]
        return np.asarray((steps * DEPTH_STEP).astype(np.float32))
    return ((digits[..., :1] << 8) + digits[..., 1:2]).astype(np.uint16)
