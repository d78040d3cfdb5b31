"""Film of a policy's rollout with the saliency and activation maps of its network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from tyro.conf import Positional, arg

from camshaft.envs.arrays import Image
from camshaft.experiments.cli.outputs import default_output
from camshaft.experiments.terminal.console import Console
from camshaft.experiments.terminal.progress import progress_bar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camshaft.agents.policies.vision import VisionPolicy


VIEW_HEIGHT = 240  # pixels of a camera frame in the film
MAPS, MAP_TILE = 6, 56


@dataclass(frozen=True)
class ShowRolloutConfig:
    """Film a policy's rollout: camera frames, the pixels that the action depends on, and activation maps.

    For example: camshaft show rollout runs/driving_cloning/demo/seed-0/policy --seconds 20
    """

    policy: Annotated[Path, Positional, arg(metavar="POLICY")]
    """Folder of the policy, or of the run that trained it."""
    method: Literal["visual_back_prop", "grad_cam", "guided", "guided_grad_cam"] = "visual_back_prop"
    """Saliency method."""
    seconds: float = 20.0
    """Length of the film in seconds."""
    seed: int = 0
    """Seed of the episode."""
    randomize: Literal["train", "test", "none"] = "test"
    """Split that appearance and dynamics are sampled from; none for the nominal ones."""
    out: Path | None = None
    """Film to write, by default in runs/show under a name of its own."""


def run(config: ShowRolloutConfig) -> None:
    """Roll out and film."""
    from camshaft.agents.lerobot.video import write_video
    from camshaft.agents.policies.loading import find_policy
    from camshaft.agents.policies.vision import VisionPolicy
    from camshaft.envs.catalogue import make_simulation
    from camshaft.envs.errors import InvalidOption

    out = config.out or default_output("rollout", config.policy, suffix=".mp4")
    policy = VisionPolicy.load(find_policy(config.policy))
    if policy.task is None:
        raise InvalidOption(f"{config.policy} does not name the task that it was trained for")
    if config.seconds <= 0:
        raise InvalidOption("seconds must be more than 0")
    options = {
        **policy.env_options,
        "randomize": None if config.randomize == "none" else config.randomize,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    with closing(make_simulation(policy.task, 1, **options)) as simulation:
        steps = max(1, round(config.seconds * simulation.control_frequency))
        with progress_bar("Filming") as progress:
            frames = _frames(config, simulation, policy, steps, progress)
            write_video(out, frames, round(simulation.control_frequency))
    Console().print(f"{steps} steps in {out}", soft_wrap=True)


def _frames(
    config: ShowRolloutConfig, simulation: Any, policy: VisionPolicy, steps: int, progress: Any
) -> Iterator[Image]:
    from itertools import islice

    from camshaft.agents.rollout import rollout
    from camshaft.experiments.cli.show_models import policy_subject

    subject = policy_subject(policy)
    (part,) = policy.parts
    seeds = [config.seed + episode for episode in range(steps)]  # an upper bound: one episode per step
    for number, step in enumerate(islice(rollout(simulation, policy, seeds), steps)):
        observation: Any = step.decision.observation
        frame = (observation[part] if isinstance(observation, dict) else observation)[0]
        action = np.atleast_1d(step.decision.chosen[0])
        yield frame_of(frame, subject, config.method, action)
        progress(number + 1, steps)


def frame_of(frame: Image, subject: Any, method: str, action: NDArray[np.float32]) -> Image:
    """One frame of the film: camera image, saliency overlay, and the strongest activation maps of each layer."""
    import cv2
    import torch

    from camshaft.perception.insight.activations import activation_maps
    from camshaft.perception.insight.canvas import heat, heated
    from camshaft.perception.insight.saliency import saliency

    image = torch.from_numpy(np.ascontiguousarray(frame))[None]
    target = None if method == "visual_back_prop" else 0
    seen = saliency(subject, image, method, target)[0]
    width = round(VIEW_HEIGHT * frame.shape[1] / frame.shape[0])
    views = [
        cv2.resize(view, (width, VIEW_HEIGHT), interpolation=cv2.INTER_NEAREST)
        for view in (frame, heated(frame, seen))
    ]
    top = np.concatenate(views, axis=1)
    middle, reach = width // 2, round(0.45 * width)
    cv2.line(
        top,
        (middle, VIEW_HEIGHT - 8),
        (middle - round(reach * float(action[0])), VIEW_HEIGHT - 8),
        (255, 210, 60),
        5,
    )
    layers = activation_maps(subject.encoder, image, MAPS)
    strip = np.full((MAP_TILE * len(layers), top.shape[1], 3), 20, np.uint8)
    for row, maps in enumerate(layers):
        wide = min(top.shape[1] // MAPS, round(MAP_TILE * maps.shape[2] / maps.shape[1]))
        for column, values in enumerate(maps):
            tile = cv2.resize(heat(values), (wide, MAP_TILE - 4), interpolation=cv2.INTER_NEAREST)
            left = column * (wide + 4)
            if left + wide <= strip.shape[1]:
                strip[row * MAP_TILE : (row + 1) * MAP_TILE - 4, left : left + wide] = tile
    return np.concatenate([top, strip], axis=0)
