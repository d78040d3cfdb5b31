"""What a camera makes of an image: photometry and statistics against their formulas, and nothing else changed."""

import cv2
import numpy as np
import pytest

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering.camera import Camera
from camshaft.envs.rendering.sensor.model import SensorModel
from camshaft.envs.rendering.sensor.sensor import SENSOR_RANGES, Sensor, sample_sensor
from camshaft.envs.rendering.sensor.white_balance import white_balance_gains

WIDTH, HEIGHT = 96, 72
CAMERA = Camera(width=WIDTH, height=HEIGHT, far=100.0)
EVERYTHING = Sensor(
    exposure=-0.5,
    white_balance=5200.0,
    full_well=800.0,
    read_noise=5.0,
    motion_blur=0.5,
    vignetting=0.3,
    rain=0.6,
    spray=0.6,
    jpeg_quality=70,
    depth_noise=0.002,
    depth_holes=0.1,
    depth_range=(0.2, 60.0),
)


def apply(sensor, images, seed=1, frame=0, **more):
    """The images of one world as the sensor delivers them; those given stay as they are."""
    result = {name: image[None].copy() for name, image in images.items()}
    flow = more.pop("flow", np.zeros((HEIGHT, WIDTH, 2), np.float32))
    SensorModel(sensor, CAMERA, 1).apply(result, [0], [seed], [frame], flow[None], **more)
    return {name: image[0] for name, image in result.items()}


def colors(sensor, image, **more):
    return apply(sensor, {"rgb": image}, **more)["rgb"]


def depths(sensor, image, **more):
    return apply(sensor, {"depth": image}, **more)["depth"]


def flat(value):
    return np.full((HEIGHT, WIDTH, 3), value, np.uint8)


def light(image):
    return (image / 255.0) ** 2


def scene(seed=0):
    """Blocks of random colors, and depth with steps."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3))
    rgb = np.kron(blocks, np.ones((8, 8, 1), int)).astype(np.uint8)
    depth = np.kron(rng.uniform(1.0, 20.0, (HEIGHT // 8, WIDTH // 8)), np.ones((8, 8))).astype(np.float32)
    return {"rgb": rgb, "depth": depth}


def test_a_default_sensor_changes_nothing():
    images = scene()
    result = apply(Sensor(), images)
    assert all((result[name] == images[name]).all() for name in images)
    assert not Sensor().changes_colors and not Sensor().changes_depth


def test_bytes_survive_the_way_to_light_and_back():
    every = np.resize(np.arange(256, dtype=np.uint8), (HEIGHT, WIDTH, 3))
    assert (colors(Sensor(motion_blur=1.0), every) == every).all()


@pytest.mark.parametrize("stops", [-3.0, -1.0, 0.5, 1.0])
def test_a_stop_doubles_the_light(stops):
    before = np.resize(np.arange(256, dtype=np.uint8), (HEIGHT, WIDTH, 3))
    expected = np.sqrt(np.minimum(light(before) * 2.0**stops, 1.0)) * 255.0
    assert np.abs(colors(Sensor(exposure=stops), before) - expected).max() <= 0.501


def test_white_balance_is_neutral_for_daylight_and_corrects_lamplight():
    assert white_balance_gains(6500.0) == (1.0, 1.0)
    temperatures = np.linspace(2500.0, 20000.0, 50)
    red, blue = np.transpose([white_balance_gains(temperature) for temperature in temperatures])
    assert (np.diff(red) > 0.0).all() and (np.diff(blue) < 0.0).all()
    # Chromaticities of black bodies from CIE tables: of 2856 K (illuminant A), and of 6500 K.
    to_rgb = np.array([[3.2405, -1.5371, -0.4985], [-0.9693, 1.8760, 0.0416], [0.0556, -0.2040, 1.0572]])
    lamp, daylight = (
        to_rgb @ [x / y, 1.0, (1.0 - x - y) / y] for x, y in [(0.4476, 0.4074), (0.3135, 0.3237)]
    )
    red, blue = white_balance_gains(2856.0)
    corrected = lamp * [red, 1.0, blue] / daylight
    assert np.ptp(corrected) / corrected.mean() < 0.02


def test_gains_of_white_balance_act_on_light():
    red, blue = white_balance_gains(8000.0)
    gray = light(colors(Sensor(white_balance=8000.0), flat(128)))[0, 0]
    np.testing.assert_allclose(gray / light(128), [red, 1.0, blue], atol=0.01)
    assert red > 1.0 > blue


@pytest.mark.parametrize("value", [70, 110, 150, 190])
@pytest.mark.parametrize(
    ("full_well", "read_noise"), [(2000.0, 0.0), (2000.0, 30.0), (500.0, 0.0), (500.0, 8.0)]
)
def test_noise_has_the_variance_of_photons_and_readout(value, full_well, read_noise):
    seen = light(colors(Sensor(full_well=full_well, read_noise=read_noise), flat(value)))
    signal = light(value)
    rounding = 4.0 * signal / 255.0**2 / 12.0
    expected = signal / full_well + (read_noise / full_well) ** 2 + rounding
    assert seen.var() == pytest.approx(expected, rel=0.06)
    assert seen.mean() == pytest.approx(signal, abs=5.0 * np.sqrt(expected / seen.size))


def test_noise_is_gaussian_and_independent_of_its_neighbors():
    noise = light(colors(Sensor(full_well=200.0), flat(128))) - light(128)
    later = light(colors(Sensor(full_well=200.0), flat(128), frame=1)) - light(128)
    noise, later = noise / noise.std(), later / later.std()
    assert (noise**4).mean() == pytest.approx(3.0, abs=0.15)
    bound = 4.5 / np.sqrt(noise.size / 3)
    for one, other in [
        (noise[1:], noise[:-1]),
        (noise[:, 1:], noise[:, :-1]),
        (noise[..., 0], noise[..., 1]),
        (noise, later),
    ]:
        assert abs((one * other).mean()) < bound


def test_white_balance_amplifies_noise():
    blue = colors(Sensor(full_well=500.0, white_balance=3500.0), flat(60))[..., 2]
    gain = white_balance_gains(3500.0)[1]
    assert light(blue).var() == pytest.approx(gain**2 * light(60) / 500.0, rel=0.1)


def test_vignetting_takes_its_share_in_the_corners_and_nothing_in_the_middle():
    seen = light(colors(Sensor(vignetting=0.4), flat(200))) / light(200)
    assert seen[0, 0] == pytest.approx(0.6, abs=0.01)
    assert seen[-1, -1] == pytest.approx(0.6, abs=0.01)
    assert seen[HEIGHT // 2, WIDTH // 2] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(("shutter", "speed"), [(0.5, 12.0), (1.0, 10.0), (0.25, -16.0), (1.0, 5.5)])
def test_a_moving_edge_becomes_a_ramp_as_wide_as_its_way(shutter, speed):
    image, edge = flat(0), 48
    image[:, edge:] = 255
    flow = np.full((HEIGHT, WIDTH, 2), (speed, 0.0), np.float32)
    seen = light(colors(Sensor(motion_blur=shutter), image, flow=flow))[20, :, 0]
    way = abs(shutter * speed)
    expected = np.clip((np.arange(WIDTH) + 0.5 - edge) / way + 0.5, 0.0, 1.0)
    assert np.abs(seen - expected).max() < 0.6 / way + 0.01
    assert abs((seen - expected).sum()) < 0.6  # the edge stays where it was


def test_motion_blur_without_motion_and_with_senseless_flow_does_nothing():
    image = scene()["rgb"]
    for value in (0.0, np.nan, np.inf):
        flow = np.full((HEIGHT, WIDTH, 2), value, np.float32)
        assert (colors(Sensor(motion_blur=1.0), image, flow=flow) == image).all()


def test_motion_blur_needs_the_flow():
    model = SensorModel(Sensor(motion_blur=0.5), CAMERA, 1)
    assert model.needs_flow and not SensorModel(Sensor(rain=1.0), CAMERA, 1).needs_flow
    with pytest.raises(InvalidOption, match="motion_blur needs the optical flow"):
        model.apply({"rgb": flat(0)[None]}, [0], [1], [0])


@pytest.mark.parametrize("quality", [5, 60, 95])
def test_compression_is_that_of_a_jpeg_file(quality):
    image = scene()["rgb"]
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    expected = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
    assert (colors(Sensor(jpeg_quality=quality), image) == expected).all()


def changed(sensor, **more):
    """Pixels that an effect alters visibly."""
    image = scene()["rgb"]
    return (np.abs(colors(sensor, image, **more).astype(int) - image) > 8).any(-1)


def test_more_rain_changes_more_of_the_image_and_is_new_in_every_frame():
    light_rain, downpour = changed(Sensor(rain=0.2)).mean(), changed(Sensor(rain=1.0)).mean()
    assert 0.02 < light_rain < 0.2
    assert 2.5 * light_rain < downpour < 0.7
    one, other = changed(Sensor(rain=0.2)), changed(Sensor(rain=0.2), frame=1)
    assert (one & other).sum() < 0.5 * one.sum()


def test_streaks_stand_upright_at_rest_and_point_away_from_the_middle_at_speed():
    def uprightness(speed):
        """Wet pixels above each other, to those side by side, at the left edge of the image."""
        above, beside = 0, 0
        for frame in range(40):
            image = colors(Sensor(rain=0.1), flat(128), frame=frame, speeds=[speed])
            wet = image[HEIGHT // 3 : 2 * HEIGHT // 3, : WIDTH // 4, 1] != 128
            above += (wet[1:] & wet[:-1]).sum()
            beside += (wet[:, 1:] & wet[:, :-1]).sum()
        return above / beside

    assert uprightness(0.0) > 1.25
    assert uprightness(30.0) < 0.8


def test_drops_on_the_lens_stay_for_some_frames():
    assert 0.01 < changed(Sensor(spray=0.2)).mean() < changed(Sensor(spray=1.0)).mean() < 0.8
    image, sensor = scene()["rgb"], Sensor(spray=0.5)
    first, second, late = (colors(sensor, image, frame=frame).astype(int) for frame in (100, 101, 1000))
    effect = np.abs(first - image).mean()
    assert np.abs(second - first).mean() < 0.25 * effect
    assert np.abs(late - first).mean() > 0.6 * effect


@pytest.mark.parametrize("distance", [0.5, 2.0, 8.0])
def test_depth_noise_grows_with_the_square_of_distance(distance):
    seen = depths(Sensor(depth_noise=0.0014), np.full((HEIGHT, WIDTH), distance, np.float32))
    sigma = 0.0014 * distance**2
    assert seen.std() == pytest.approx(sigma, rel=0.05)
    assert seen.mean() == pytest.approx(distance, abs=5.0 * sigma / np.sqrt(seen.size) + sigma**2 / distance)


def test_noisy_depth_stays_between_zero_and_far_and_leaves_the_sky():
    far = np.linspace(1.0, 200.0, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)
    far = np.minimum(far, CAMERA.far).astype(np.float32)
    seen = depths(Sensor(depth_noise=0.05), far)
    assert np.isfinite(seen).all() and (seen > 0.0).all() and (seen <= CAMERA.far).all()
    assert (seen[far == CAMERA.far] == CAMERA.far).all()


@pytest.mark.parametrize("share", [0.02, 0.1, 0.4, 1.0])
def test_as_many_pixels_as_asked_have_no_depth(share):
    depth = scene()["depth"]
    seen = depths(Sensor(depth_holes=share), depth)
    assert (seen == 0.0).mean() == pytest.approx(share, abs=0.005)
    assert (seen[seen > 0.0] == depth[seen > 0.0]).all()


def test_holes_come_in_patches_and_first_beside_nearer_things():
    depth = np.full((HEIGHT, WIDTH), 10.0, np.float32)
    depth[:, 30:60] = 2.0
    holes = np.mean(
        [depths(Sensor(depth_holes=0.1), depth, frame=frame) == 0.0 for frame in range(20)], axis=0
    )
    assert holes[:, 28:30].mean() > 2.0 * holes[:, :20].mean() > 0.0
    assert holes[:, 28:30].mean() > 2.0 * holes[:, 30:32].mean()
    one = depths(Sensor(depth_holes=0.1), np.full((HEIGHT, WIDTH), 5.0, np.float32)) == 0.0
    assert (one[:, 1:] & one[:, :-1]).mean() > 3.0 * one.mean() ** 2


def test_what_is_out_of_range_has_no_depth():
    depth = scene()["depth"]
    seen = depths(Sensor(depth_range=(3.0, 12.0)), depth)
    inside = (depth >= 3.0) & (depth <= 12.0)
    assert (seen == np.where(inside, depth, 0.0)).all()


def batch(num_worlds):
    scenes = [scene(world) for world in range(num_worlds)]
    return {name: np.stack([images[name] for images in scenes]) for name in ("rgb", "depth")}


def test_a_world_depends_on_its_seed_frame_and_image_alone():
    seeds, frames, speeds = (
        np.array([5, 6, -7, 2**62]),
        np.array([0, 3, 9, 500]),
        np.array([0.0, 4.0, 8.0, 12.0]),
    )
    flow = np.random.default_rng(0).uniform(-5.0, 5.0, (4, HEIGHT, WIDTH, 2)).astype(np.float32)
    together = batch(4)
    SensorModel(EVERYTHING, CAMERA, 4, num_threads=1).apply(
        together, np.arange(4), seeds, frames, flow, speeds
    )
    for threads in (2, 3):
        again = batch(4)
        SensorModel(EVERYTHING, CAMERA, 4, num_threads=threads).apply(
            again, np.arange(4), seeds, frames, flow, speeds
        )
        assert all((again[name] == together[name]).all() for name in again)
    order, model = np.array([3, 1, 2]), SensorModel(EVERYTHING, CAMERA, 4, num_threads=2)
    for _ in range(2):
        some = {name: image[order] for name, image in batch(4).items()}
        model.apply(some, order, seeds, frames[order], flow[order], speeds[order])
        assert all((some[name] == together[name][order]).all() for name in some)
    for world in range(4):
        alone = apply(
            EVERYTHING,
            scene(world),
            seed=seeds[world],
            frame=frames[world],
            flow=flow[world],
            speeds=[speeds[world]],
        )
        assert all((alone[name] == together[name][world]).all() for name in alone)


@pytest.mark.parametrize(
    "sensor",
    [
        Sensor(full_well=500.0),
        Sensor(rain=0.5),
        Sensor(spray=0.5),
        Sensor(depth_noise=0.01),
        Sensor(depth_holes=0.2),
    ],
)
def test_another_seed_or_camera_gives_another_image(sensor):
    images = scene()
    name = "rgb" if sensor.changes_colors else "depth"
    one = apply(sensor, images)[name]
    assert (one == apply(sensor, images)[name]).all()
    assert (one != apply(sensor, images, seed=2)[name]).any()
    assert (one != apply(sensor, images, frame=200)[name]).any()
    other = {name: images[name][None].copy()}
    SensorModel(sensor, CAMERA, 1, camera_number=1).apply(other, [0], [1], [0])
    assert (one != other[name][0]).any()


def test_worlds_may_have_sensors_of_their_own_and_labels_stay():
    model, images = SensorModel(Sensor(), CAMERA, 3), batch(3)
    images["segmentation"] = np.ones((3, HEIGHT, WIDTH), np.uint8)
    model.change(1, Sensor(exposure=1.0, depth_holes=0.5, jpeg_quality=30))
    model.apply(images, np.arange(3), np.arange(3), np.zeros(3, int))
    clean = batch(3)
    for world in (0, 2):
        assert all((images[name][world] == clean[name][world]).all() for name in clean)
    alone = apply(Sensor(exposure=1.0, depth_holes=0.5, jpeg_quality=30), scene(1), seed=1)
    assert all((images[name][1] == alone[name]).all() for name in alone)
    assert (images["segmentation"] == 1).all()
    model.change(1, Sensor())
    images = batch(3)
    model.apply(images, np.arange(3), np.arange(3), np.zeros(3, int))
    assert all((images[name] == clean[name]).all() for name in clean)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 2), (40, 1), (1, 30)])
def test_the_smallest_images_work(width, height):
    camera = Camera(width=width, height=height)
    images = {
        "rgb": np.full((1, height, width, 3), 99, np.uint8),
        "depth": np.full((1, height, width), 3.0, np.float32),
    }
    flow = np.full((1, height, width, 2), 3.0, np.float32)
    SensorModel(EVERYTHING, camera, 1).apply(images, [0], [0], [0], flow, [5.0])
    assert np.isfinite(images["depth"]).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("exposure", np.nan),
        ("exposure", 11),
        ("white_balance", 100.0),
        ("white_balance", None),
        ("full_well", 0.0),
        ("read_noise", -1.0),
        ("motion_blur", 1.5),
        ("vignetting", "much"),
        ("rain", True),
        ("spray", -0.1),
        ("jpeg_quality", 0),
        ("jpeg_quality", 50.5),
        ("depth_noise", np.inf),
        ("depth_holes", 2.0),
        ("depth_range", (2.0, 1.0)),
        ("depth_range", 3.0),
    ],
)
def test_a_bad_value_is_refused_by_name(name, value):
    with pytest.raises(InvalidOption, match=f"sensor {name} must be"):
        Sensor(**{name: value})


def test_read_noise_needs_full_well():
    with pytest.raises(InvalidOption, match="read_noise is in electrons and needs full_well"):
        Sensor(read_noise=3.0)


@pytest.mark.parametrize(
    ("images", "frames", "message"),
    [
        ({"rgb": np.zeros((1, 4, 4, 3), np.uint8)}, [0], "rgb must be"),
        ({"rgb": np.zeros((1, HEIGHT, WIDTH, 3))}, [0], "rgb must be"),
        ({"rgb": np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)}, [0, 1], "one frame number an image"),
        ({"depth": np.zeros((1, WIDTH, HEIGHT), np.float32).swapaxes(1, 2)}, [0], "depth must be"),
    ],
)
def test_images_of_another_shape_are_refused(images, frames, message):
    with pytest.raises(InvalidOption, match=message):
        SensorModel(Sensor(exposure=1.0, depth_holes=0.1), CAMERA, 1).apply(images, [0], [0], frames)


def test_random_sensors_of_the_splits_are_disjoint():
    rng = np.random.default_rng(0)
    for name, span in SENSOR_RANGES.items():
        bins = {}
        for split in ("train", "test"):
            values = np.array([getattr(sample_sensor(rng, split), name) for _ in range(300)])
            values = values[values != 0.0]
            bins[split] = set(np.floor((values - span.low) / (span.high - span.low) * span.bins).astype(int))
        assert bins["train"] and bins["test"] and bins["train"].isdisjoint(bins["test"])


def test_a_random_sensor_without_split_is_the_base_and_takes_as_many_draws():
    one, other = np.random.default_rng(1), np.random.default_rng(1)
    base = Sensor(jpeg_quality=80)
    assert sample_sensor(one, None, base) == base
    assert sample_sensor(other, "train", base).jpeg_quality == 80
    assert one.random() == other.random()
