"""Day, dusk and night on the road, headlights, lit windows."""

import numpy as np
import pytest

from camshaft.envs import make_simulation
from camshaft.envs.driving import assets
from camshaft.envs.driving.light import (
    LAMP_POSITIONS,
    TIMES_OF_DAY,
    Conditions,
    point_headlights,
    sample_light,
)
from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering import LABELS, Camera, Renderer, Scene, SceneState, look_at

TASK = "camshaft/LaneKeeping-v0"
FRONT = {"width": 96, "height": 72}
BACK = {"width": 96, "height": 72, "yaw_degrees": 180.0, "position": (-2.4, 0.0, 1.4)}


def simulate(time_of_day, camera=None, obs_mode="rgb+segmentation", steps=3, **options):
    simulation = make_simulation(
        TASK, 3, obs_mode=obs_mode, camera=camera or FRONT, time_of_day=time_of_day, **options
    )
    simulation.reset(seeds=[1, 2, 3])
    for _ in range(steps):
        simulation.step(simulation.expert_action())
    return simulation


@pytest.mark.parametrize("randomize", [None, "train", "test"])
def test_the_sky_darkens_from_day_to_night_and_nothing_moves(randomize):
    seen = {time: simulate(time, randomize=randomize).observe() for time in TIMES_OF_DAY}
    for time in ("dusk", "night"):
        same = seen[time]["segmentation"] == seen["day"]["segmentation"]
        assert same.mean() > 0.999
    sky = (seen["day"]["segmentation"] == LABELS["sky"])[..., 0]
    brightness = {time: seen[time]["rgb"][sky].mean() for time in TIMES_OF_DAY}
    assert brightness["night"] < 0.3 * brightness["dusk"] and brightness["dusk"] < 0.9 * brightness["day"]


def test_headlights_light_the_road_ahead_and_leave_that_behind_dark():
    simulation = simulate("night", {"front": FRONT, "back": BACK})
    seen = simulation.observe()
    roads = {
        name: seen[f"{name}/rgb"][(seen[f"{name}/segmentation"] == LABELS["road"])[..., 0]]
        for name in ("front", "back")
    }
    assert np.percentile(roads["front"], 90) > 80
    assert roads["back"].max() < 50


def test_headlights_follow_the_car():
    simulation = simulate("night", steps=0)
    for _ in range(3):
        for _ in range(20):
            simulation.step(simulation.expert_action())
        simulation.observe()
        state = simulation._scene_now().state
        zeros = np.zeros(3)
        cars = simulation._car_poses(np.arange(3), zeros, zeros)
        own = np.linalg.inv(cars)
        for world in range(3):
            positions = state.lamp_positions[world] @ own[world, :3, :3].T + own[world, :3, 3]
            assert positions == pytest.approx(LAMP_POSITIONS, abs=1e-3)
            forward = state.lamp_directions[world] @ own[world, :3, :3].T
            assert (forward[:, 0] > 0.9).all() and np.abs(forward[:, 1]).max() < 1e-3


def test_by_day_lamps_are_off():
    simulation = simulate("day")
    simulation.observe()
    assert not simulation._scene_now().state.lamp_colors.any()


def test_at_night_a_car_ahead_shows_red_lamps():
    image = simulate("night").render_frames([0])[0].astype(int)
    red = (image[..., 0] > 150) & (image[..., 1] < 60) & (image[..., 2] < 70)
    rows, columns = np.nonzero(red)
    assert red.sum() > 100
    assert (columns < 320).any() and (columns > 320).any() and np.ptp(rows) < 40


def test_light_takes_the_same_samples_at_any_time_of_day():
    draws = []
    for time in TIMES_OF_DAY:
        rng = np.random.default_rng(4)
        state = SceneState(Scene(), 1)
        sample_light(state, 0, rng, "train", Conditions(time))
        draws.append((state.fog_density[0], rng.random()))
        assert np.linalg.norm(state.sun_direction[0]) == pytest.approx(1.0, abs=1e-6)
    assert draws[0] == draws[1] == draws[2]


def test_headlights_of_some_worlds_leave_the_others_alone():
    state = SceneState(Scene(), 4)
    before = state.lamp_positions.copy()
    point_headlights(state, np.array([1, 3]), np.tile(np.eye(4), (2, 1, 1)))
    assert np.array_equal(state.lamp_positions[[0, 2]], before[[0, 2]])
    assert (state.lamp_colors[[1, 3]] > 1.0).all() and not state.lamp_colors[[0, 2]].any()


def house_pictures(variant, yaw):
    images = []
    for lit in (False, True):
        scene = Scene()
        house = scene.add("house", [assets.house(variant, lit)[:1]])
        state = SceneState(scene, 1)
        state.place(0, house, [[0.0, 0.0, 0.0]], yaw)
        state.sun_color[:] = 0.0
        state.sky_zenith[:] = state.sky_horizon[:] = state.ground_light[:] = 1.0
        camera = Camera(240, 160, 50.0)
        images.append(Renderer(state, camera).render(look_at([-24.0, 0, 3.0], [0, 0, 3.0])[None])["rgb"][0])
    return [image.astype(float).mean(axis=-1) for image in images]


def test_light_shines_from_painted_windows_only():
    lit_walls = 0
    for variant in range(8):
        for yaw in (0.0, 0.5 * np.pi):
            dark, lit = house_pictures(variant, yaw)
            panes = np.abs(lit - dark) > 40
            if panes.sum() > 20:
                lit_walls += 1
                wall = (dark > 0) & ~panes
                assert np.median(dark[panes]) < 0.8 * np.percentile(dark[wall], 60)
    assert lit_walls >= 10


@pytest.mark.parametrize(("option", "value"), [("time_of_day", "noon"), ("foliage", "plastic")])
def test_unknown_options_are_refused_by_name(option, value):
    with pytest.raises(InvalidOption, match=f"{option}.*{value}"):
        make_simulation(TASK, 1, **{option: value})


def test_cut_out_foliage_changes_only_plants():
    camera = {"width": 192, "height": 144}
    seen = [
        make_simulation(TASK, 3, obs_mode="rgb+segmentation", camera=camera, foliage=foliage)
        for foliage in ("solid", "cut_out")
    ]
    for simulation in seen:
        simulation.reset(seeds=[3, 4, 12])
        for _ in range(80):
            simulation.step(simulation.expert_action())
    solid, cut = (simulation.observe() for simulation in seen)
    changed = (
        np.abs(solid["rgb"].astype(int) - cut["rgb"]).max(axis=-1) > 12
    )  # the background may change its mip level
    plants = [(view["segmentation"] == LABELS["vegetation"])[..., 0] for view in (solid, cut)]
    assert changed.sum() > 500
    assert not (changed & ~plants[0] & ~plants[1]).any()
