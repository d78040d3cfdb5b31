"""Several cameras in one environment: rates, sensors, rigs, determinism."""

import gymnasium
import numpy as np
import pytest

from camshaft import envs
from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering import Camera, Sensor, parse_cameras, rays, stereo_rig, surround_rig
from camshaft.envs.rendering.rotations import rotation_z

TASK = "camshaft/LaneKeeping-v0"
CAMERAS = {
    "front": {"width": 40, "height": 24, "sensor": {"motion_blur": 0.5, "full_well": 500.0, "rain": 0.5}},
    "fish": {"lens": "fisheye", "fov_degrees": 180.0, "width": 24, "height": 24, "every": 3},
    "roof": Camera(
        48, 16, 150.0, lens="cylindrical", position=(0.0, 0.0, 1.8), sensor=Sensor(depth_noise=0.01)
    ),
}


def simulate(num_worlds=3, steps=7, seeds=None, cameras=CAMERAS, **options):
    """A simulation after some steps of the expert, and all that it saw on the way."""
    simulation = envs.make_simulation(
        TASK,
        num_worlds,
        obs_mode="rgb+depth+state",
        camera=cameras,
        randomize="train",
        num_threads=1,
        **options,
    )
    simulation.reset(seeds=list(range(num_worlds)) if seeds is None else seeds)
    seen = [simulation.observe()]
    for _ in range(steps):
        simulation.step(simulation.expert_action())
        seen.append(simulation.observe())
    return simulation, seen


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert np.array_equal(one[name], other[name]), name


def test_every_camera_has_parts_of_its_own():
    simulation, seen = simulate(steps=2)
    space = simulation.observation_space
    assert isinstance(space, gymnasium.spaces.Dict)
    assert set(space) == {f"{name}/{part}" for name in CAMERAS for part in ("rgb", "depth")} | {"state"}
    for name, array in seen[-1].items():
        assert all(space[name].contains(row) for row in array), name
    assert seen[-1]["front/rgb"].shape == (3, 24, 40, 3)
    assert seen[-1]["roof/depth"].shape == (3, 16, 48, 1)


def test_a_slow_camera_shows_its_last_picture():
    _, seen = simulate(steps=9)
    changed = [(seen[step]["fish/rgb"] != seen[step - 1]["fish/rgb"]).any() for step in range(1, 10)]
    assert changed == [False, False, True, False, False, True, False, False, True]
    assert all((seen[step]["roof/rgb"] != seen[step - 1]["roof/rgb"]).any() for step in range(1, 10))


def test_a_reset_of_some_worlds_shows_their_first_pictures():
    simulation, seen = simulate(steps=4)
    simulation.reset(worlds=[1], seeds=[77])
    after = simulation.observe()
    assert (after["fish/rgb"][1] != seen[-1]["fish/rgb"][1]).any()
    for world in (0, 2):
        assert np.array_equal(after["fish/rgb"][world], seen[-1]["fish/rgb"][world])
    _, alone = simulate(num_worlds=1, steps=0, seeds=[77])
    for name in after:
        assert np.array_equal(after[name][1], alone[0][name][0]), name


def test_worlds_together_see_what_they_see_alone():
    _, together = simulate(num_worlds=4, steps=5)
    for world in (0, 3):
        _, alone = simulate(num_worlds=1, steps=5, seeds=[world])
        for step in (0, 2, 5):
            for name in alone[step]:
                assert np.array_equal(alone[step][name][0], together[step][name][world]), (step, name)


def test_a_restored_state_goes_on_to_the_bit():
    simulation, _ = simulate(steps=4)
    saved = simulation.get_state()
    runs = []
    for _ in range(2):
        simulation.set_state(saved)
        frames = []
        for _ in range(5):
            simulation.step(simulation.expert_action())
            frames.append(simulation.observe())
        runs.append(frames)
    for one, other in zip(*runs, strict=True):
        assert_same(one, other)


@pytest.mark.parametrize("every", [3, 5])
def test_a_picture_that_was_due_while_nobody_looked_is_taken_when_somebody_does(every):
    cameras = {"fish": {"width": 24, "height": 24, "every": every}}
    _, seen = simulate(steps=7, cameras=cameras)
    assert seen[0]["fish/rgb"].std() > 10
    unwatched = envs.make_simulation(
        TASK, 3, obs_mode="rgb+depth+state", camera=cameras, randomize="train", num_threads=1
    )
    for _ in range(2):  # the second episode shows nothing of the first
        unwatched.reset(seeds=[0, 1, 2])
        for step in range(1, 8):
            unwatched.step(unwatched.expert_action())
            if step % every == 0:
                assert np.array_equal(unwatched.observe()["fish/rgb"], seen[step]["fish/rgb"])
    unwatched.reset(seeds=[5, 6, 7])
    unwatched.step(unwatched.expert_action())
    assert (unwatched.observe()["fish/rgb"] != seen[1]["fish/rgb"]).mean() > 0.5


def test_seeing_twice_in_a_step_sees_the_same():
    simulation, _ = simulate(steps=4)
    assert_same(simulation.observe(), simulation.observe())


def test_motion_blur_is_that_of_one_frame_however_seldom_one_looks():
    cameras = {"front": {"width": 64, "height": 48, "sensor": {"motion_blur": 1.0}}}
    sharp = {"front": {"width": 64, "height": 48}}
    _, clear = simulate(steps=10, cameras=sharp)
    _, often = simulate(steps=10, cameras=cameras)
    seldom = envs.make_simulation(
        TASK, 3, obs_mode="rgb+depth+state", camera=cameras, randomize="train", num_threads=1
    )
    seldom.reset(seeds=[0, 1, 2])
    for step in range(1, 11):
        seldom.step(seldom.expert_action())
        if step % 5 == 0:
            now = seldom.observe()["front/rgb"].astype(int)
    blur, blur_seldom = (
        np.abs(images - clear[10]["front/rgb"]).mean() for images in (often[10]["front/rgb"].astype(int), now)
    )
    assert blur > 0.5
    assert blur_seldom == pytest.approx(blur, rel=0.1)


def test_displaced_views_leave_no_trace():
    simulation, _ = simulate(steps=4)
    plain, _ = simulate(steps=4)
    displaced, _ = simulation.displaced_views(np.full(3, 0.8), np.full(3, 0.1))
    assert (displaced["fish/rgb"] != plain.observe()["fish/rgb"]).any()
    for _ in range(3):
        for each in (simulation, plain):
            each.step(each.expert_action())
        assert_same(simulation.observe(), plain.observe())


def test_observations_share_no_memory_with_what_is_held():
    simulation, _ = simulate(steps=1)
    first = simulation.observe()
    kept = first["fish/rgb"].copy()
    first["fish/rgb"][:] = 0
    assert np.array_equal(simulation.observe()["fish/rgb"], kept)


def test_motion_blur_blurs_along_the_motion():
    sharp = {"front": {"width": 64, "height": 48}}
    blurred = {"front": {"width": 64, "height": 48, "sensor": {"motion_blur": 1.0}}}
    _, clear = simulate(num_worlds=1, steps=3, cameras=sharp)
    _, smeared = simulate(num_worlds=1, steps=3, cameras=blurred)
    assert np.array_equal(clear[0]["front/rgb"], smeared[0]["front/rgb"])  # nothing has moved yet
    difference = np.abs(clear[3]["front/rgb"].astype(int) - smeared[3]["front/rgb"])
    assert difference[0, 24:].mean() > 3 * difference[0, :12].mean()  # the road rushes by, the sky does not


def test_a_stereo_rig_stands_side_by_side():
    camera = Camera(yaw_degrees=30.0, pitch_degrees=10.0, position=(1.0, 0.5, 1.2))
    rig = stereo_rig(camera, 0.3)
    between = np.linalg.inv(rig["left"].mount) @ rig["right"].mount
    expected = np.eye(4)
    expected[0, 3] = 0.3
    assert between == pytest.approx(expected, abs=1e-12)
    with pytest.raises(InvalidOption, match="baseline"):
        stereo_rig(camera, 0.0)


def test_a_surround_rig_sees_in_every_direction():
    camera = Camera(64, 32, 90.0, position=(0.5, 0.0, 1.0))
    rig = surround_rig(camera, 4, radius=0.5)
    ahead = [each.mount[:3, 2] for each in rig.values()]
    for index, direction in enumerate(ahead):
        assert direction == pytest.approx(rotation_z(index * np.pi / 2) @ ahead[0], abs=1e-12)
    centers = np.array([each.position for each in rig.values()])
    assert centers.mean(axis=0) == pytest.approx([0.0, 0.0, 1.0], abs=1e-12)
    edge = rays(camera)[16, -1]
    assert np.degrees(np.arctan2(edge[0], edge[2])) == pytest.approx(45.0, abs=1.0)
    with pytest.raises(InvalidOption, match="at least 2"):
        surround_rig(camera, 1)


def test_a_rig_is_a_camera_option():
    simulation, seen = simulate(num_worlds=1, steps=0, cameras=stereo_rig(Camera(32, 24), 0.4))
    assert set(simulation.cameras) == {"left", "right"}
    assert (seen[0]["left/rgb"] != seen[0]["right/rgb"]).any()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"front": {"widht": 3}}, "widht"),
        ({"a/b": {}}, "a/b"),
        ({"front": 3}, "front"),
        ({"front": {"sensor": {"rian": 1}}}, "rian"),
        ({"front": {"every": 0}}, "every"),
        ({"front": {"sensor": 3}}, "sensor"),
    ],
)
def test_wrong_camera_options_are_named(option, message):
    with pytest.raises(InvalidOption, match=message):
        parse_cameras(option, {"": Camera()})


def test_options_start_from_the_default_of_their_name():
    defaults = {"front": Camera(10, 10), "wrist": Camera(20, 20)}
    parsed = parse_cameras({"wrist": {"height": 30}, "top": {"width": 5}}, defaults)
    assert (parsed["wrist"].width, parsed["wrist"].height) == (20, 30)
    assert (parsed["top"].width, parsed["top"].height) == (5, 10)
    assert parse_cameras(None, defaults) == defaults
    assert parse_cameras((7, 8), {"": Camera()})[""] == Camera(7, 8)
