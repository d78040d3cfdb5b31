"""The task is in the image: gripper, objects and goals of every arm task, from each camera, at 64 × 64 pixels."""

from __future__ import annotations

import numpy as np
import pytest
from arm_simulations import ARM_TASKS

from camshaft import envs
from camshaft.envs.manipulation.simulation import ManipulationSimulation
from camshaft.envs.rendering import LABELS

PIXELS = 12  # an object or goal of which this many are seen can be found
# The goal in the air hides some of the cube below it; some of the clutter is thin.
SHARES = {"camshaft/PickAndPlace-v0": 0.98, "camshaft/GraspClutter-v0": 0.97}
RESETS, WORLDS = 200, 50


def visible_pixels(task: str, camera: str, split: str | None, arm: bool) -> dict[str, np.ndarray]:
    """(RESETS,) pixels of every body in the first frame; without the arm, those that it hides count too."""
    simulation = envs.make_simulation(
        task, WORLDS, obs_mode="instances", camera={camera: (64, 64)}, randomize=split
    )
    assert isinstance(simulation, ManipulationSimulation)
    counts: dict[str, list[np.ndarray]] = {body.name: [] for body in simulation.bodies}
    for first in range(0, RESETS, WORLDS):
        simulation.reset(seeds=list(range(first, first + WORLDS)))
        if not arm:
            simulation.kinematics.frames[..., 2, 3] += 100.0
        observation = simulation.observe()
        images = observation["instances"] if isinstance(observation, dict) else observation
        scene = simulation._scene
        assert scene is not None
        for body, (base, slider) in zip(simulation.bodies, scene._body_slots, strict=True):
            instance = scene.state.instances[slider if base is None else base]
            counts[body.name].append((images == instance).reshape(WORLDS, -1).sum(axis=1))
    simulation.close()
    return {name: np.concatenate(parts) for name, parts in counts.items()}


@pytest.mark.parametrize("split", [None, "train", "test"])
@pytest.mark.parametrize("camera", ["front", "overhead"])
@pytest.mark.parametrize("task", ARM_TASKS)
def test_fixed_cameras_show_every_object_and_goal(task: str, camera: str, split: str | None) -> None:
    for name, pixels in visible_pixels(task, camera, split, arm=False).items():
        assert (pixels >= PIXELS).mean() >= SHARES.get(task, 0.99), f"{name}: {np.sort(pixels)[:10]}"


@pytest.mark.parametrize("camera", ["front", "overhead"])
@pytest.mark.parametrize("task", ARM_TASKS)
def test_fixed_cameras_show_the_gripper_at_its_start(task: str, camera: str) -> None:
    simulation = envs.make_simulation(
        task, RESETS, obs_mode="segmentation", camera={camera: (64, 64)}, randomize="train"
    )
    simulation.reset(seeds=list(range(RESETS)))
    observation = simulation.observe()
    images = observation[f"{camera}/segmentation"] if isinstance(observation, dict) else observation
    pixels = (images == LABELS["robot"]).reshape(RESETS, -1).sum(axis=1)
    simulation.close()
    assert (pixels >= PIXELS).mean() >= 0.99, np.sort(pixels)[:10]


@pytest.mark.parametrize("task", ARM_TASKS)
def test_the_arm_at_its_start_hides_little_from_the_front_camera(task: str) -> None:
    for name, pixels in visible_pixels(task, "front", "train", arm=True).items():
        in_the_air = name == "goal" and task.partition("/")[2].startswith(("Reach", "PickAndPlace"))
        assert (pixels >= PIXELS).mean() >= (0.8 if in_the_air else 0.97), f"{name}: {np.sort(pixels)[:10]}"


@pytest.mark.parametrize("task", [task for task in ARM_TASKS if "Slide" not in task and "Reach" not in task])
def test_the_wrist_camera_sees_what_is_on_the_table(task: str) -> None:
    for name, pixels in visible_pixels(task, "wrist", "train", arm=True).items():
        if name != "goal":
            assert (pixels >= PIXELS).mean() >= 0.9, f"{name}: {np.sort(pixels)[:20]}"
