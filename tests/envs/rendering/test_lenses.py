"""Lenses against OpenCV's camera models and against closed forms."""

import cv2
import numpy as np
import pytest
from rendering_scenes import FORWARD, build, clutter, moved, render

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering import Camera, Mesh, Surface, look_at, project, rays

GLOWING = Surface((1.0, 1.0, 1.0), emissive=True)
PINHOLES = [(), (-0.25, 0.06, 0.002, -0.001), (-0.2, 0.03, 0.001, -0.0005, 0.002, 0.01, 0.02, 0.003)]
FISHEYES = [(), (-0.02, 0.003, 0.001, -0.0005)]
LENSES = [
    Camera(120, 90, 75.0),
    Camera(120, 90, 75.0, distortion=PINHOLES[1]),
    Camera(120, 75, 110.0, distortion=(-0.2, 0.03, 0.0, 0.0)),
    Camera(120, 90, 180.0, lens="fisheye"),
    Camera(120, 120, 200.0, lens="fisheye", distortion=FISHEYES[1]),
    Camera(160, 60, 150.0, lens="cylindrical"),
    Camera(200, 40, 360.0, lens="cylindrical"),
]
NAMES = ["pinhole", "distorted", "wide", "fisheye", "distorted fisheye", "cylinder", "panorama"]


def points_ahead(count, spread, seed=0):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count, 3)) * [spread, spread, 1.0]
    points[:, 2] = np.abs(points[:, 2]) + 1.0
    return points


@pytest.mark.parametrize("distortion", PINHOLES)
def test_a_distorted_pinhole_projects_as_opencv_does(distortion):
    camera = Camera(160, 120, 80.0, distortion=distortion)
    points = points_ahead(200, 0.5)
    zero = np.zeros(3)
    expected = cv2.projectPoints(points[:, None], zero, zero, camera.intrinsics, np.array(distortion))[0][
        :, 0
    ]
    assert project(camera, points) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("distortion", FISHEYES)
def test_a_fisheye_projects_as_opencv_does(distortion):
    camera = Camera(160, 120, 180.0, lens="fisheye", distortion=distortion)
    points = points_ahead(200, 2.0)
    coefficients = np.array(distortion or (0.0,) * 4)
    zero = np.zeros(3)
    expected = cv2.fisheye.projectPoints(points[:, None], zero, zero, camera.intrinsics, coefficients)[0][
        :, 0
    ]
    assert project(camera, points) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("camera", LENSES, ids=NAMES)
def test_rays_and_projection_undo_each_other(camera):
    directions = rays(camera)
    seen = np.isfinite(directions[..., 0])
    assert seen.mean() > 0.7
    columns, rows = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    back = project(camera, directions[seen] * 7.0)
    assert back == pytest.approx(np.stack([columns, rows], axis=-1)[seen], abs=0.01)


def test_a_cylindrical_image_is_the_remap_of_the_fisheye_image():
    state, _ = build(clutter())
    cylinder = Camera(180, 60, 130.0, lens="cylindrical")
    fisheye = Camera(700, 700, 190.0, lens="fisheye")
    direct = render(state, cylinder, ("rgb", "instances"))
    source = render(state, fisheye, ("rgb", "instances"))
    where = project(fisheye, rays(cylinder)).astype(np.float32)
    remapped = cv2.remap(source["rgb"], where[..., 0], where[..., 1], cv2.INTER_LINEAR)
    same = (
        cv2.remap(source["instances"], where[..., 0], where[..., 1], cv2.INTER_NEAREST) == direct["instances"]
    )
    assert same.mean() > 0.985
    inside = cv2.erode(same.astype(np.uint8), np.ones((3, 3))) > 0
    assert np.abs(remapped.astype(int) - direct["rgb"])[inside].mean() < 1.0


def test_yaw_shifts_a_cylindrical_image():
    state, _ = build(clutter())
    camera = Camera(180, 60, 120.0, lens="cylindrical", near=0.3)
    shift = 15
    angle = shift / camera.focal_length
    straight = render(state, camera, ("depth", "instances"))
    turned = render(state, camera, ("depth", "instances"), pose=moved(yaw=angle) @ FORWARD)
    # A turn to the left moves what is seen to the right.
    same = turned["instances"][:, shift:] == straight["instances"][:, :-shift]
    assert same.mean() > 0.97  # outlines fall on other cells
    error = np.abs(turned["depth"][:, shift:] / straight["depth"][:, :-shift] - 1.0)[same]
    assert np.quantile(error, 0.98) < 1e-3


@pytest.mark.parametrize("camera", LENSES, ids=NAMES)
def test_depth_of_a_sphere_is_analytic_through_every_lens(camera):
    center, radius = np.array([4.0, 0.6, -0.4]), 1.5
    state, _ = build([(Mesh.sphere(radius, GLOWING, 192, 96), moved(*center))])
    depth = render(state, camera, ("depth",))["depth"]
    directions = rays(camera) @ FORWARD[:3, :3].T
    along = directions @ center
    root = along**2 - (center @ center - radius**2)
    hit = (root > 0.2) & (along > 0.0)
    distance = along[hit] - np.sqrt(root[hit])
    expected = distance if camera.lens != "pinhole" else distance * rays(camera)[hit][:, 2]
    assert hit.sum() > 60
    # Another facet of the sphere may lie under the middle of the pixel than in the cell that it looks up.
    error = np.abs(depth[hit] - expected)
    assert np.quantile(error, 0.95) < 5e-3
    assert error.max() < 0.04
    assert (depth[np.isfinite(directions[..., 0]) & ~(root > -0.2)] == camera.far).all()


@pytest.mark.parametrize("camera", LENSES, ids=NAMES)
def test_small_things_appear_where_the_lens_projects_them(camera):
    for direction in ([1.0, 0.2, 0.1], [1.0, -0.55, -0.3], [1.0, 0.4, -0.35]):
        point = 5.0 * np.array(direction)
        state, _ = build([(Mesh.sphere(0.25, GLOWING), moved(*point))])
        seen = np.argwhere(render(state, camera, ("instances",))["instances"] == 1)
        column, row = project(camera, (np.linalg.inv(FORWARD) @ [*point, 1.0])[:3])
        if not (3 < column < camera.width - 4 and 3 < row < camera.height - 4):
            continue
        assert seen.mean(axis=0) == pytest.approx([row, column], abs=0.75)


def test_what_a_fisheye_cannot_see_is_black():
    state, _ = build(clutter())
    camera = Camera(100, 100, 180.0, lens="fisheye")
    images = render(state, camera, ("rgb", "depth", "segmentation", "instances"))
    outside = np.isnan(rays(camera)[..., 0])
    assert 0.02 < outside.mean() < 0.2
    assert (images["rgb"][outside] == 0).all()
    assert (images["instances"][outside] == 0).all()
    assert (images["segmentation"][outside] == 0).all()
    assert (images["depth"][outside] == camera.far).all()


def test_supersampling_smooths_colors_and_leaves_labels_exact():
    state, _ = build(clutter())
    plain = Camera(96, 72, 70.0)
    fine = Camera(96, 72, 70.0, supersampling=2)
    large = Camera(192, 144, 70.0)
    once, twice, reference = (
        render(state, camera, ("rgb", "depth", "instances")) for camera in (plain, fine, large)
    )
    light = (reference["rgb"] / 255.0) ** 2
    mean = np.sqrt(light.reshape(72, 2, 96, 2, 3).mean(axis=(1, 3))) * 255.0
    assert np.abs(twice["rgb"] - mean).max() <= 1.0
    same = twice["instances"] == once["instances"]
    assert same.mean() > 0.95
    inside = same & (once["depth"] < 50.0)
    error = np.abs(twice["depth"][inside] / once["depth"][inside] - 1.0)
    assert np.quantile(error, 0.98) < 1e-3  # at an edge, a sample may show another facet
    assert error.max() < 0.1


def test_a_stereo_pair_has_disparity_focal_length_times_baseline_over_depth():
    state, _ = build(clutter())
    camera, baseline = Camera(240, 180, 70.0), 0.2
    left = render(state, camera, ("depth", "instances"))
    right_pose = FORWARD.copy()
    right_pose[:3, 3] += FORWARD[:3, :3] @ [baseline, 0.0, 0.0]
    right = render(state, camera, ("depth", "instances"), pose=right_pose)
    rows, columns = np.nonzero(left["depth"] < 20.0)
    disparity = camera.focal_length * baseline / left["depth"][rows, columns]
    there = np.round(columns - disparity).astype(int)
    inside = there >= 0
    matched = (
        right["instances"][rows[inside], there[inside]] == left["instances"][rows[inside], columns[inside]]
    )
    assert matched.mean() > 0.93  # the rest is hidden from one of the two
    depths = right["depth"][rows[inside], there[inside]][matched]
    error = np.abs(depths - left["depth"][rows[inside], columns[inside]][matched])
    assert np.median(error) < 0.01


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lens": "fish"}, "fisheye"),
        ({"lens": "fisheye", "fov_degrees": 220.0}, "200"),
        ({"lens": "pinhole", "fov_degrees": 175.0}, "170"),
        ({"distortion": (0.1, 0.2)}, "distortion"),
        ({"lens": "cylindrical", "distortion": (0.1, 0.2, 0.0, 0.0)}, "distortion"),
        ({"distortion": (float("nan"), 0.2, 0.0, 0.0)}, "finite"),
        ({"supersampling": 3}, "supersampling"),
        ({"shadow_distance": -1.0}, "shadow_distance"),
    ],
)
def test_impossible_cameras_are_refused_by_name(fields, message):
    with pytest.raises(InvalidOption, match=message):
        Camera(**fields)


def test_a_lens_that_folds_ends_where_it_folds():
    # Strong barrel distortion: beyond some radius, points would come back toward the middle.
    camera = Camera(120, 90, 100.0, distortion=(-0.45, 0.0, 0.0, 0.0))
    state, _ = build(clutter())
    image = render(state, camera, ("rgb", "instances"))
    outside = np.isnan(rays(camera)[..., 0])
    assert outside.any()
    assert (image["rgb"][outside] == 0).all()
    far_out = np.array([3.0, 0.0, 1.0])
    assert np.isnan(project(camera, far_out)).all()


def test_looking_straight_down_is_no_special_case():
    state, _ = build([(Mesh.grid(10.0, 10.0), moved())])
    depth = render(state, Camera(32, 32, 60.0), ("depth",), pose=look_at([0, 0, 3.0], [0, 0, 0.0]))["depth"]
    assert depth == pytest.approx(np.full((32, 32), 3.0), rel=1e-5)
