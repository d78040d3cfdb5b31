"""Annotations against finite differences, masks and closed forms."""

from itertools import product

import numpy as np
import pytest
from rendering_scenes import FORWARD, build, clutter, moved, render

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering import Camera, Mesh, Renderer, Scene, SceneState, Surface, look_at, project, rays
from camshaft.envs.rendering.outputs import MOTION_OUTPUTS, OUTPUT_TYPES

CAMERAS = [
    Camera(120, 90, 75.0),
    Camera(120, 90, 75.0, distortion=(-0.25, 0.06, 0.002, -0.001)),
    Camera(120, 90, 170.0, lens="fisheye"),
    Camera(160, 60, 150.0, lens="cylindrical"),
]
NAMES = ["pinhole", "distorted", "fisheye", "cylinder"]


def homogeneous(points):
    return np.concatenate([points, np.ones((*points.shape[:-1], 1))], axis=-1)


@pytest.mark.parametrize("camera", CAMERAS, ids=NAMES)
def test_positions_lie_on_the_ray_at_the_depth(camera):
    state, _ = build(clutter())
    pose = look_at([-1.0, 2.0, 0.5], [5.0, 0.0, 0.0])
    images = render(state, camera, ("positions", "depth"), pose)
    directions = rays(camera)
    if camera.lens == "pinhole":
        directions = directions / directions[..., 2:]
    expected = (directions * images["depth"][..., None]) @ pose[:3, :3].T + pose[:3, 3]
    solid = (images["depth"] > 0.2) & (images["depth"] < 40.0)
    assert solid.mean() > 0.3
    assert images["positions"][solid] == pytest.approx(expected[solid], abs=2e-3)


@pytest.mark.parametrize("camera", CAMERAS, ids=NAMES)
def test_normals_of_a_sphere_point_away_from_its_center(camera):
    center = np.array([4.0, 0.6, -0.4])
    state, _ = build([(Mesh.sphere(1.5, segments=192, rings=96), moved(*center))])
    images = render(state, camera, ("positions", "normals", "world_normals", "depth"))
    solid = images["depth"] < 100.0
    outward = images["positions"][solid] - center
    outward /= np.linalg.norm(outward, axis=-1, keepdims=True)
    assert np.quantile(np.abs(images["world_normals"][solid] - outward).max(axis=-1), 0.97) < 0.03
    in_camera = images["world_normals"] @ FORWARD[:3, :3]
    assert images["normals"] == pytest.approx(in_camera, abs=1e-5)
    assert (images["normals"][~solid] == 0.0).all()


def test_normals_are_those_of_the_depth_gradient():
    state, _ = build(
        [
            (Mesh.grid(60.0, 60.0), moved(6.0, 0.0, -1.2)),
            (Mesh.box([2.0, 2.0, 2.0]), moved(6.0, 0.5, 0.0, 0.5)),
        ]
    )
    camera = Camera(160, 120, 60.0)
    images = render(state, camera, ("positions", "world_normals", "instances"))
    positions, ids = images["positions"].astype(float), images["instances"]
    right, down = positions[1:-1, 2:] - positions[1:-1, :-2], positions[2:, 1:-1] - positions[:-2, 1:-1]
    normals = np.cross(down, right)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True) + 1e-12
    center = ids[1:-1, 1:-1]
    flat = (center > 0) & np.all(
        [ids[1 + dy : 119 + dy, 1 + dx : 159 + dx] == center for dx, dy in product((-1, 0, 1), repeat=2)],
        axis=0,
    )
    agreement = (normals * images["world_normals"][1:-1, 1:-1]).sum(axis=-1)[flat]
    assert flat.sum() > 5000
    assert (agreement > 0.999).mean() > 0.97  # the rest straddles an edge of the box


def moving_scene():
    """A state, the snapshot before everything moved, and the camera poses before and after."""
    state, objects = build(clutter())
    before = state.snapshot()
    moves = [
        moved(),
        moved(0.2, 0.5, 0.1, 0.4),
        moved(-0.3, -0.2, 0.2, 1.0),
        moved(0.1, 0.0, 0.3),
        moved(0.0, -0.4, 0.0),
    ]
    for kind, (_, pose), move in zip(objects, clutter(), moves, strict=True):
        later = pose.copy()
        later[:3, :3] = move[:3, :3] @ pose[:3, :3]
        later[:3, 3] += move[:3, 3]
        state.set_pose(kind, later[None])
    return state, before, FORWARD, look_at([0.15, 0.05, 0.02], [1.0, 0.12, 0.0])


@pytest.mark.parametrize("camera", CAMERAS, ids=NAMES)
def test_flow_is_where_the_projected_point_goes(camera):
    state, before, first, second = moving_scene()
    after = state.snapshot()
    outputs = ("positions", "instances", "depth", *MOTION_OUTPUTS)
    images = render(state, camera, outputs, first, snapshot=before, flow_target=(after, second[None]))
    solid = images["depth"] < 30.0
    slots = images["instances"].astype(int)[solid] - 1
    to_world = np.zeros((len(slots), 4, 4))
    for slot in np.unique(slots):
        old, new = np.eye(4), np.eye(4)
        old[:3], new[:3] = before.poses[0, slot], after.poses[0, slot]
        to_world[slots == slot] = new @ np.linalg.inv(old)
    points = homogeneous(images["positions"][solid].astype(float))
    carried = np.einsum("nij,nj->ni", to_world, points)
    assert images["scene_flow"][solid] == pytest.approx((carried - points)[:, :3], abs=2e-5)
    target = project(camera, (carried @ np.linalg.inv(second).T)[:, :3])
    rows, columns = np.nonzero(solid)
    expected = target - np.stack([columns, rows], axis=-1)
    seen = np.isfinite(expected[:, 0])
    assert images["flow"][solid][seen] == pytest.approx(expected[seen], abs=5e-3)
    assert np.abs(images["flow"][solid][seen]).max() > 3.0


@pytest.mark.parametrize("camera", CAMERAS, ids=NAMES)
def test_what_is_not_occluded_is_found_again_by_its_flow(camera):
    state, before, first, second = moving_scene()
    after = state.snapshot()
    outputs = ("instances", "depth", *MOTION_OUTPUTS)
    images = render(state, camera, outputs, first, snapshot=before, flow_target=(after, second[None]))
    later = render(state, camera, ("instances",), second)["instances"]
    rows, columns = np.nonzero(images["depth"] < 30.0)
    target = np.stack([columns, rows], axis=-1) + images["flow"][rows, columns]
    nearest = np.round(target).astype(int)
    inside = (nearest >= 0).all(axis=-1) & (nearest < [camera.width, camera.height]).all(axis=-1)
    hidden = images["occluded"][rows, columns].astype(bool)
    assert hidden[~inside].all()
    same = np.zeros(len(rows), bool)
    same[inside] = later[nearest[inside, 1], nearest[inside, 0]] == images["instances"][rows, columns][inside]
    assert same[~hidden].mean() > 0.97  # outlines fall between pixels
    occluded = hidden & inside
    assert occluded.sum() > 20


def test_the_sky_flows_with_the_turn_of_the_camera_alone():
    state, _ = build([(Mesh.box([1.0, 1.0, 1.0]), moved(5.0, 0.0, -3.0))])
    camera = Camera(80, 60, 70.0)
    before = state.snapshot()
    angle = 0.05
    second = moved(0.7, 0.0, 0.0, angle) @ FORWARD
    images = render(
        state, camera, ("instances", *MOTION_OUTPUTS), flow_target=(before, second[None]), snapshot=before
    )
    sky = images["instances"] == 0
    turned = rays(camera) @ (np.linalg.inv(second)[:3, :3] @ FORWARD[:3, :3]).T
    columns, rows = np.meshgrid(np.arange(80), np.arange(60))
    expected = project(camera, turned) - np.stack([columns, rows], axis=-1)
    assert images["flow"][sky] == pytest.approx(expected[sky], abs=1e-4)
    assert (images["scene_flow"][sky] == 0.0).all()


@pytest.mark.parametrize("camera", CAMERAS, ids=NAMES)
def test_boxes_are_those_of_the_instance_mask(camera):
    state, objects = build(clutter())
    images = render(state, camera, ("instances", "boxes", "amodal_boxes"))
    for kind in objects:
        rows, columns = np.nonzero(images["instances"] == kind.instance)
        expected = (
            [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if len(rows) else [0, 0, 0, 0]
        )
        assert images["boxes"][kind.start].tolist() == expected
        amodal = images["amodal_boxes"][kind.start]
        assert (amodal[:2] <= images["boxes"][kind.start, :2] + 1.0).all()
        assert (amodal[2:] >= images["boxes"][kind.start, 2:] - 1.0).all()


def test_amodal_boxes_are_those_of_the_object_alone():
    placed = clutter()
    wall = (Mesh.box([0.1, 3.0, 1.6]), moved(3.0, 0.0, 0.0))
    state, objects = build([*placed, wall])
    camera = Camera(160, 120, 75.0)
    amodal = render(state, camera, ("boxes", "amodal_boxes"))
    assert (amodal["boxes"][1] != amodal["amodal_boxes"][1]).any()
    for kind, thing in zip(objects[1:], [*placed[1:], wall], strict=True):
        alone, _ = build([thing])
        visible = render(alone, camera, ("boxes",))["boxes"][0]
        assert np.abs(amodal["amodal_boxes"][kind.start] - visible).max() <= 1.0


def test_an_amodal_box_reaches_through_the_near_plane():
    state, _ = build([(Mesh.box([4.0, 0.2, 0.2], Surface(double_sided=True)), moved(1.0, 0.05, -0.3))])
    camera = Camera(100, 80, 90.0, near=0.5)
    images = render(state, camera, ("boxes", "amodal_boxes"))
    assert images["amodal_boxes"][0] == pytest.approx(images["boxes"][0], abs=1.0)


def test_3d_boxes_are_the_corners_in_camera_axes():
    state, objects = build(clutter())
    corners = render(state, outputs=("boxes_3d",))["boxes_3d"]
    for kind, (mesh, pose) in zip(objects, clutter(), strict=True):
        low, high = mesh.positions.min(axis=0), mesh.positions.max(axis=0)
        local = [
            [(low, high)[bits[axis]][axis] for axis in range(3)]
            for bits in [(i & 1, i >> 1 & 1, i >> 2) for i in range(8)]
        ]
        expected = homogeneous(np.array(local)) @ (np.linalg.inv(FORWARD) @ pose).T
        assert corners[kind.start] == pytest.approx(expected[:, :3], abs=1e-5)


def test_keypoints_are_projected_and_known_to_be_occluded():
    corners = [[x, y, z] for x, y, z in product((-0.5, 0.5), repeat=3)]
    state, _ = build([(Mesh.box([1.0, 1.0, 1.0]), moved(5.0, 0.8, 0.6, 0.4))], keypoints=corners)
    camera = Camera(200, 150, 60.0)
    points = render(state, camera, ("keypoints",))["keypoints"]
    world = homogeneous(np.array(corners)) @ moved(5.0, 0.8, 0.6, 0.4).T
    expected = project(camera, (world @ np.linalg.inv(FORWARD).T)[:, :3])
    assert points[:, :2] == pytest.approx(expected, abs=1e-3)
    # From below and from the right of a box: its farthest, upper left corner is the occluded one.
    distances = np.linalg.norm(world[:, :3], axis=1)
    assert points[distances.argmax(), 2] == 1
    assert points[distances.argmin(), 2] == 2
    assert sorted(set(points[:, 2].tolist())) == [1, 2]


def test_keypoints_behind_the_camera_or_something_else():
    state, objects = build(
        [(Mesh.box([1.0, 1.0, 1.0]), moved(5.0)), (Mesh.box([0.2, 4.0, 4.0]), moved(3.0))],
        keypoints=[[0.0, 0.0, 0.49]],
    )
    hidden = render(state, outputs=("keypoints",))["keypoints"]
    assert hidden[:, 2].tolist() == [1, 2]  # the wall hides the box, and its own lies just under its face
    state.set_pose(objects[0], moved(-5.0)[None])
    gone = render(state, outputs=("keypoints",))["keypoints"]
    assert gone[0].tolist() == [0.0, 0.0, 0.0]


def test_keypoints_are_those_of_the_variant_that_is_shown():
    scene = Scene()
    boxes = [[Mesh.box([size, size, size])] for size in (0.4, 0.8)]
    tops = [[[0.0, 0.0, 0.5 * size], [0.0, 0.0, -0.5 * size]] for size in (0.4, 0.8)]
    scene.add("wall", Mesh.box([0.1, 1.0, 1.0]), keypoints=[[0.0, 0.0, 0.0]])
    kind = scene.add("box", boxes, count=2, keypoints=tops)
    state = SceneState(scene, 1)
    state.place(0, kind, [[5.0, 1.0, 0.0], [5.0, -1.0, 0.0]], variant=[1, 0])
    points = render(state, Camera(100, 100, 60.0), ("keypoints",))["keypoints"]
    assert points[0].tolist() == [0.0, 0.0, 0.0]  # the wall is not shown
    heights = points[[2, 4], 1] - points[[1, 3], 1]
    assert heights == pytest.approx(np.array([0.8, 0.4]) / 5.0 * 50.0 / np.tan(np.radians(30.0)), rel=1e-3)
    with pytest.raises(InvalidOption, match=r"\(K, 3\) or \(2, K, 3\), got \(3, 2, 3\)"):
        scene.add("wrong", boxes, keypoints=np.zeros((3, 2, 3)))


def test_annotations_do_not_depend_on_threads_or_on_the_other_outputs():
    placed = clutter()
    state, objects = build(placed, num_worlds=3)
    before = state.snapshot()
    for world in range(3):
        state.set_pose(objects[1], moved(6.0, world - 1.0, 0.0)[None], np.array([world]))
    poses = np.tile(FORWARD, (3, 1, 1))
    options = {"snapshot": before, "flow_target": (state.snapshot(), poses)}
    camera = Camera(64, 48, 70.0)
    together = Renderer(state, camera, tuple(OUTPUT_TYPES), 2).render(poses, **options)
    for name in OUTPUT_TYPES:
        alone = Renderer(state, camera, (name,), 1).render(poses, **options)[name]
        assert np.array_equal(alone, together[name], equal_nan=alone.dtype.kind == "f"), name


def test_motion_without_another_moment_is_refused():
    state, _ = build([(Mesh.box([1.0, 1.0, 1.0], Surface()), moved(5.0))])
    renderer = Renderer(state, Camera(8, 8), ("flow",))
    with pytest.raises(InvalidOption, match="flow_target"):
        renderer.render(FORWARD[None])
    with pytest.raises(InvalidOption, match="camera poses of flow_target"):
        renderer.render(FORWARD[None], flow_target=(state.snapshot(), np.eye(3)[None]))
