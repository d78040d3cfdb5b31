"""How observations are kept as columns of a dataset: every camera's frames and labels as pictures, and the state.

Labels are pictures without loss: segmentation gray, instance numbers in red and green, depth in tenths of a millimeter
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
from camshaft.envs.arrays import Observation
from camshaft.envs.goal import OBSERVED
from camshaft.envs.simulation import IMAGE_PARTS, Simulation

IMAGES = "observation.images."
FRONT = f"{IMAGES}front"
DISPLACED = f"{IMAGES}displaced"
STATE = "observation.state"
DEPTH_STEP = 1e-4  # meters


def column_of(part: str) -> str:
    """The column that a part of an observation is kept in; a camera without a name is called front."""
    camera, _, output = part.rpartition("/")
    if output in IMAGE_PARTS:
        return IMAGES + (camera or "front") + ("" if output == "rgb" else f"_{output}")
    return STATE if part in ("state", OBSERVED) else f"observation.{part}"


def frame_columns(features: Mapping[str, Feature]) -> list[str]:
    """The columns of a dataset that hold what cameras saw in color, one a camera."""
    labels = tuple(f"_{output}" for output in IMAGE_PARTS if output != "rgb")
    return [
        name
        for name in features
        if name.startswith(IMAGES) and name != DISPLACED and not name.endswith(labels)
    ]


def observation_features(simulation: Simulation) -> dict[str, Feature]:
    """The columns that hold what is observed of a simulation."""
    features = {}
    for part, space in _spaces(simulation).items():
        picture = _output(part) in IMAGE_PARTS
        shape = (*space.shape[:2], 3) if picture else space.shape
        features[column_of(part)] = Feature("image" if picture else "float32", shape)
    return features


def observation_rows(simulation: Simulation, observation: Observation) -> dict[str, Any]:
    """Columns of a batch of observations; pictures are encoded."""
    parts = observation if isinstance(observation, dict) else {next(iter(_spaces(simulation))): observation}
    return {
        column_of(part): encode_png(as_pictures(_output(part), values))
        if _output(part) in IMAGE_PARTS
        else values
        for part, values in parts.items()
    }


def as_pictures(output: str, images: NDArray[Any]) -> NDArray[np.uint8]:
    """(n, H, W, 3) pictures of what cameras gave, (n, H, W, 3) or (n, H, W, 1)."""
    if output == "rgb":
        return images
    if output == "segmentation":
        return np.repeat(images, 3, axis=-1)
    if output == "depth":
        images = np.rint(np.minimum(images.astype(np.float64) / DEPTH_STEP, 2**24 - 1))
        digits = images.astype(np.uint32) >> np.array([16, 8, 0], np.uint32)
    else:
        digits = images.astype(np.uint32) >> np.array([8, 0, 16], np.uint32)
    return (digits & 255).astype(np.uint8)


def from_pictures(output: str, pictures: NDArray[np.uint8]) -> NDArray[Any]:
    """What `as_pictures` was given, (n, H, W, 1); depth to half a DEPTH_STEP, up to 1,677 m."""
    if output == "rgb":
        return pictures
    if output == "segmentation":
        return pictures[..., :1]
    digits = pictures.astype(np.uint32)
    if output == "depth":
        steps = (digits[..., :1] << 16) + (digits[..., 1:2] << 8) + digits[..., 2:]
        return np.asarray((steps * DEPTH_STEP).astype(np.float32))
    return ((digits[..., :1] << 8) + digits[..., 1:2]).astype(np.uint16)


def _spaces(simulation: Simulation) -> dict[str, spaces.Box]:
    space: Any = simulation.observation_space
    if isinstance(space, spaces.Dict):
        return dict(space.spaces)  # type: ignore[arg-type]
    cameras = list(simulation.cameras) if simulation.obs_mode in IMAGE_PARTS else [""]
    return {f"{cameras[0]}/{simulation.obs_mode}" if cameras[0] else simulation.obs_mode: space}


def _output(part: str) -> str:
    return part.rpartition("/")[2]
