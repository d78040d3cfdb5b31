"""Camera images of the table: names, other views of stored states, disjoint splits, shadows."""

from dataclasses import replace

import gymnasium
import numpy as np
from arm_simulations import make

from camshaft import envs
from camshaft.envs.manipulation.scene.cameras import VIEW
from camshaft.envs.rendering import LABELS, Renderer


def test_cameras_have_names():
    env = gymnasium.make("camshaft/Lift-v0", obs_mode="rgb+segmentation", camera=("front", "wrist"))
    observation, _ = env.reset(seed=0)
    assert set(observation) == {"front/rgb", "front/segmentation", "wrist/rgb", "wrist/segmentation"}
    before = observation["wrist/rgb"]
    for _ in range(6):
        observation, *_ = env.step(env.unwrapped.simulation.expert_action()[0])
    assert (observation["wrist/rgb"] != before).mean() > 0.3
    overhead = gymnasium.make("camshaft/Lift-v0", obs_mode="rgb", camera="overhead")
    assert overhead.reset(seed=0)[0].shape == (84, 84, 3)


def test_stored_states_can_be_seen_through_other_cameras():
    recorded = make("camshaft/Lift-v0", 2, obs_mode="rgb", randomize="train")
    kept = []
    for step in range(12):
        recorded.step(recorded.expert_action())
        if step % 4 == 3:
            kept.append((recorded.get_state(), recorded.joints.copy(), recorded.poses.copy()))
    other = envs.make_simulation(
        "camshaft/Lift-v0", 2, obs_mode="rgb+depth", camera=("wrist", "overhead"), randomize="train"
    )
    frames = []
    for state, joints, poses in kept:
        other.set_state(state)
        assert np.array_equal(other.joints, joints) and np.array_equal(other.poses, poses)
        frames.append(other.observe())
    assert set(frames[0]) == {"wrist/rgb", "wrist/depth", "overhead/rgb", "overhead/depth"}
    assert (frames[0]["wrist/rgb"] != frames[2]["wrist/rgb"]).mean() > 0.1


def test_splits_share_nothing():
    seen = {}
    for split in ("train", "test"):
        simulation = make("camshaft/Lift-v0", 24, obs_mode="rgb", randomize=split, camera=(32, 32))
        simulation.observe()
        state, room = simulation._scene.state, simulation._scene._room
        seen[split] = {
            "table": set(state.meshes[:, room["table"].start].tolist()),
            "floor": set(state.meshes[:, room["floor"].start].tolist()),
            "latency": set(simulation._latency.tolist()),
            "masses": np.floor((simulation._masses[:, 0] / 0.2 - 0.7) / (0.7 / 8)) % 2,
        }
    assert not seen["train"]["table"] & seen["test"]["table"]
    assert not seen["train"]["floor"] & seen["test"]["floor"]
    assert seen["train"]["latency"] == {0, 2, 4} and seen["test"]["latency"] == {1, 3, 5}
    assert (seen["train"]["masses"] == 0).all() and (seen["test"]["masses"] == 1).all()


def test_walls_are_not_speckled_by_shadows_of_their_own():
    simulation = make("camshaft/Lift-v0", 1, obs_mode="rgb", randomize="train")
    simulation.reset(seeds=[2])  # the sun shines on a wall aslant
    state, _ = simulation.camera_views()
    without = replace(VIEW, shadow_distance=0.0)
    shaded, plain = (
        Renderer(state, view, ("rgb",)).render(VIEW.mount[None])["rgb"][0].astype(int)
        for view in (VIEW, without)
    )
    labels = Renderer(state, replace(VIEW, supersampling=1), ("segmentation",)).render(VIEW.mount[None])
    wall = labels["segmentation"][0] == LABELS["wall"]
    dark = wall & ((plain - shaded).mean(axis=2) > 3.0)
    speckles = dark[:, 1:-1] & ~dark[:, :-2] & ~dark[:, 2:]
    assert wall.mean() > 0.1
    assert speckles.sum() < 0.01 * wall.sum()
