"""The stored background of a camera that stands still: images are bit for bit those rendered whole."""

from __future__ import annotations

import numpy as np
import pytest

from camshaft import envs
from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering import Camera, Mesh, Renderer, Scene, SceneState, Surface, look_at

OUTPUTS = ("rgb", "depth", "segmentation", "instances")


@pytest.mark.parametrize("task", ["PickAndPlace", "Sort", "GraspClutter"])
@pytest.mark.parametrize("camera", ["front", "overhead"])
def test_images_of_a_table_are_those_rendered_whole(task: str, camera: str) -> None:
    simulation = envs.make_simulation(
        f"camshaft/{task}-v0", 3, obs_mode="+".join(OUTPUTS), camera=camera, randomize="train"
    )
    simulation.reset(seeds=[0, 1, 2])
    for step in range(12):
        if step == 6:
            simulation.reset(worlds=[1], seeds=[7])
        simulation.step(simulation.expert_action())
        observation = simulation.observe()
        state, poses = simulation.camera_views()
        fresh = Renderer(state, simulation.cameras[""], OUTPUTS).render(poses[""])
        for name in OUTPUTS:
            images = observation[name] if name == "rgb" else observation[name][..., 0]
            assert np.array_equal(images, fresh[name]), f"{name} at step {step}"
    simulation.close()


def room(num_worlds: int = 2) -> tuple[SceneState, Renderer, np.ndarray]:
    """A floor that is fixed, a ball that is not, and a camera above."""
    scene = Scene()
    floor = scene.add("floor", Mesh.grid(6.0, 6.0, Surface((0.7, 0.6, 0.5), label="floor")), fixed=True)
    ball = scene.add(
        "ball", Mesh.box(0.5, Surface((0.8, 0.1, 0.1), label="object", specular=0.3, shininess=16))
    )
    state = SceneState(scene, num_worlds)
    for world in range(num_worlds):
        state.place(world, floor, [[0.0, 0.0, 0.0]])
        state.place(world, ball, [[0.2 * world, 0.0, 0.6]])
    renderer = Renderer(state, Camera(48, 32, 60.0), ("rgb", "depth"))
    return state, renderer, np.tile(look_at((3.0, 0.5, 2.0), (0.0, 0.0, 0.0)), (num_worlds, 1, 1))


def fresh(state: SceneState, renderer: Renderer, poses: np.ndarray) -> dict[str, np.ndarray]:
    return Renderer(state, renderer.camera, renderer.outputs).render(poses)


def switch_on(state: SceneState) -> None:
    state.lamp_positions[1, 0], state.lamp_directions[1, 0] = (0.0, 0.0, 3.0), (0.0, 0.0, -1.0)
    state.lamp_colors[1, 0] = (3.0, 3.0, 1.0)


CHANGES = {
    "the sun": lambda state, poses: state.sun_color.__setitem__(1, (0.2, 0.3, 0.9)),
    "the fog": lambda state, poses: state.fog_density.__setitem__(0, 0.1),
    "a lamp": lambda state, poses: switch_on(state),
    "the color of the floor": lambda state, poses: state.colors.__setitem__((0, 0), (0.1, 0.9, 0.4)),
    "the floor's pose": lambda state, poses: state.place(0, state.scene.objects["floor"], [[0.3, 0.0, -0.4]]),
    "the camera": lambda state, poses: poses.__setitem__((1, 2, 3), poses[1, 2, 3] + 0.05),
    "the ball": lambda state, poses: state.place(1, state.scene.objects["ball"], [[0.0, 0.9, 0.4]]),
    "nothing": lambda state, poses: None,
}


@pytest.mark.parametrize("changed", CHANGES)
def test_whatever_changes_is_seen(changed: str) -> None:
    state, renderer, poses = room()
    for _ in range(3):
        before = renderer.render(poses)
    CHANGES[changed](state, poses)
    for _ in range(3):
        now = renderer.render(poses)
        expected = fresh(state, renderer, poses)
        assert all(np.array_equal(now[name], expected[name]) for name in now)
    assert np.array_equal(now["rgb"], before["rgb"]) == (changed == "nothing")


def test_a_world_rendered_twice_in_one_call_and_others_out_of_order_are_right() -> None:
    state, renderer, poses = room()
    poses[1, 2, 3] += 0.3
    for worlds in ([0, 0], [1, 0], [0, 1], [0, 0], [0, 1]):
        images = renderer.render(poses, np.array(worlds))
        expected = Renderer(state, renderer.camera, renderer.outputs).render(poses, np.array(worlds))
        assert all(np.array_equal(images[name], expected[name]) for name in images)


def test_fixed_kinds_come_first() -> None:
    scene = Scene()
    scene.add("ball", Mesh.box(0.5, Surface((0.8, 0.1, 0.1))))
    with pytest.raises(InvalidOption, match="'floor', which are fixed, before"):
        scene.add("floor", Mesh.grid(6.0, 6.0, Surface((0.7, 0.6, 0.5))), fixed=True)
