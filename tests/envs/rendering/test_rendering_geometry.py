"""The renderer against closed forms and independent computations."""

from dataclasses import replace

import numpy as np
import pytest

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering import (
    LABELS,
    Camera,
    Mesh,
    Renderer,
    Scene,
    SceneState,
    Surface,
    Texture,
    look_at,
)

ALL = ("rgb", "depth", "segmentation", "instances")
FORWARD = look_at([0.0, 0.0, 0.0], [1.0, 0.0, 0.0])  # looks along x, y to the left, z up
GLOWING = Surface((1.0, 1.0, 1.0), emissive=True)


def render(meshes, camera=None, pose=FORWARD, outputs=ALL, setup=None, threads=1):
    """Outputs of one world that holds these meshes where they are, by name, without the batch axis."""
    scene = Scene()
    placed = [scene.add(str(index), mesh) for index, mesh in enumerate(meshes)]
    state = SceneState(scene, 1)
    for objects in placed:
        state.set_pose(objects, np.eye(4)[None])
    if setup:
        setup(state)
    images = Renderer(state, camera or Camera(64, 48, 70.0), outputs, threads).render(np.asarray(pose)[None])
    return {name: image[0] for name, image in images.items()}


def rays(camera):
    """(H, W, 3) directions through the pixel centers, camera axes, depth 1."""
    columns, rows = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    points = np.stack([columns, rows, np.ones_like(columns)], axis=-1)
    return points @ np.linalg.inv(camera.intrinsics).T


def triangle(corners, surface=GLOWING):
    return Mesh(np.array(corners, float), np.array([[0, 1, 2]]), surfaces=(surface,))


@pytest.mark.parametrize("point", [(5.0, 0.0, 0.0), (6.0, 2.0, 1.0), (9.0, -4.0, -2.5), (3.0, 1.5, -1.2)])
def test_a_point_appears_where_the_pinhole_formula_puts_it(point):
    camera = Camera(240, 180, 80.0)
    cube = Mesh.box(0.04 * point[0], GLOWING).translated(point)
    seen = np.argwhere(render([cube], camera)["instances"] == 1)
    x, y, z = (np.linalg.inv(FORWARD) @ [*point, 1.0])[:3]
    column, row, _ = camera.intrinsics @ [x / z, y / z, 1.0]
    assert len(seen) > 4
    assert seen.mean(axis=0) == pytest.approx([row, column], abs=0.75)


@pytest.mark.parametrize("tilt", [0.0, 0.4, -0.9])
def test_depth_of_a_tilted_plane_is_analytic(tilt):
    camera = Camera(64, 48, 70.0)
    # The plane x = 6 + tilt·y - 0.3·z, as a large sheet.
    corners = [[6 + tilt * y - 0.3 * z, y, z] for y, z in ((-40, -40), (40, -40), (40, 40), (-40, 40))]
    sheet = Mesh(np.array(corners), np.array([[0, 1, 2], [0, 2, 3]]), surfaces=(Surface(double_sided=True),))
    depth = render([sheet], camera)["depth"]
    directions = rays(camera) @ FORWARD[:3, :3].T
    expected = 6.0 / (directions @ [1.0, -tilt, 0.3])
    inside = (expected > 0.2) & (expected < 20.0)
    assert inside.mean() > 0.4
    assert depth[inside] == pytest.approx(expected[inside], rel=2e-5)


def test_area_of_a_sphere_is_that_of_the_perspective_ellipse():
    camera = Camera(400, 400, 60.0)
    center, radius = np.array([5.0, 1.2, 0.4]), 0.9
    seen = render([Mesh.sphere(radius, GLOWING, 96, 48).translated(center)], camera)["instances"] == 1
    # A cone of half angle a about a ray at angle b to the axis cuts the image plane in an ellipse.
    distance = np.linalg.norm(center)
    half, tilt = np.arcsin(radius / distance), np.arccos(center[0] / distance)
    scale = np.cos(tilt) ** 2 - np.sin(half) ** 2
    expected = np.pi * np.sin(half) ** 2 * np.cos(half) / scale**1.5 * camera.focal_length**2
    assert seen.sum() == pytest.approx(expected, rel=0.004)


def test_depth_of_a_sphere_equals_ray_casting():
    camera = Camera(160, 120, 50.0)
    center, radius = np.array([4.0, 0.3, -0.2]), 1.0
    depth = render([Mesh.sphere(radius, GLOWING, 192, 96).translated(center)], camera)["depth"]
    directions = rays(camera) @ FORWARD[:3, :3].T
    a, b = (directions**2).sum(-1), directions @ center
    root = b**2 - a * (center @ center - radius**2)
    inside = root > 0.15
    expected = (b - np.sqrt(np.maximum(root, 0.0))) / a
    assert inside.sum() > 2000
    assert depth[inside] == pytest.approx(expected[inside], abs=4e-3)


def test_moving_the_world_and_the_camera_alike_changes_nothing():
    meshes = [
        Mesh.box([1.0, 2.0, 0.7], Surface((0.8, 0.3, 0.2))).translated([6, 1, 0]),
        Mesh.sphere(0.8, Surface((0.2, 0.4, 0.9))).translated([5, -1, 0.3]),
        Mesh.cone(0.6, 1.5, Surface((0.1, 0.7, 0.3))).translated([8, -2.5, -1]),
    ]
    turn = 2.1
    motion = np.eye(4)
    motion[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    motion[:3, 3] = [12.0, -7.0, 3.0]

    def turned_sun(state):
        state.sun_direction[:] = state.sun_direction @ motion[:3, :3].T

    before = render(meshes)
    after = render([mesh.transformed(motion) for mesh in meshes], pose=motion @ FORWARD, setup=turned_sun)
    same = before["instances"] == after["instances"]
    assert same.mean() > 0.997
    solid = same & (before["instances"] > 0)
    assert before["depth"][solid] == pytest.approx(after["depth"][solid], rel=1e-4)
    assert np.abs(before["rgb"][same].astype(int) - after["rgb"][same]).max() <= 2


def test_a_triangle_through_the_near_plane_is_cut_there():
    # Corners at depth 2, 2 and -2 under the camera: the cut at depth 1 halves the slanted edges near the far side.
    camera = Camera(100, 100, 90.0, near=1.0)
    corners = [[2.0, 1.0, -0.5], [-2.0, 0.0, -0.5], [2.0, -1.0, -0.5]]
    image = render([triangle(corners)], camera)
    rows, columns = np.nonzero(image["instances"])
    # Depth d of the plane z = -0.5 is seen at row 50 + 50·0.5/d: from 62.5 at depth 2 to 75 at depth 1.
    assert rows.min() == 62
    assert rows.max() == 74
    # At depth d the triangle spans |y| <= (d + 2)/4, so |column - 50| <= 50·(d + 2)/(4 d).
    for row in (63, 68, 73):
        depth = 25.0 / (row + 0.5 - 50.0)
        half = 50.0 * (depth + 2.0) / (4.0 * depth)
        span = columns[rows == row]
        assert span.min() == pytest.approx(50.0 - half, abs=1.01)
        assert span.max() + 1 == pytest.approx(50.0 + half, abs=1.01)
        assert image["depth"][row, 50] == pytest.approx(depth, rel=1e-5)


def test_texture_coordinates_are_perspective_correct():
    camera = Camera(200, 120, 70.0)
    checks = np.kron(np.indices((2, 2)).sum(0) % 2, np.ones((64, 64)))[..., None] * np.full(3, 255)
    surface = Surface((1.0, 1.0, 1.0), Texture(checks.astype(np.uint8)), emissive=True)
    ground = Mesh.grid(16.0, 16.0, surface, cells=1).translated([9.0, 0.0, -1.0])
    image = render([ground], camera)
    directions = rays(camera) @ FORWARD[:3, :3].T
    with np.errstate(divide="ignore", invalid="ignore"):
        points = directions * (-1.0 / directions[..., 2:])
    u, v = (points[..., 0] - 1.0) / 16.0, (points[..., 1] + 8.0) / 16.0
    inside = image["instances"] == 1
    near = inside & (points[..., 0] < 5.0)
    # Texels near the boundary of a check blend; leave them out.
    sharp = near & (np.minimum(np.abs(u * 2 % 1 - 0.5), np.abs(v * 2 % 1 - 0.5)) < 0.4)
    sharp &= (np.abs(u * 2 % 1 - 0.5) < 0.45) & (np.abs(v * 2 % 1 - 0.5) < 0.45)
    expected = (np.floor(u * 2) + np.floor(v * 2)).astype(int) % 2 * 255
    assert sharp.sum() > 1500
    assert (np.abs(image["rgb"][..., 0].astype(int) - expected)[sharp] < 30).mean() > 0.99


def test_light_follows_lamberts_law_and_the_sky():
    camera = Camera(120, 120, 40.0)
    albedo = np.array([0.8, 0.6, 0.4])
    sphere = Mesh.sphere(1.0, Surface(tuple(albedo)), 192, 96).translated([5.0, 0.0, 0.0])
    sun, horizon, zenith, ground = (
        np.array([0.2, -0.5, 0.84]),
        [0.5, 0.6, 0.7],
        [0.3, 0.4, 0.8],
        [0.3, 0.2, 0.1],
    )
    sun /= np.linalg.norm(sun)

    def light(state):
        state.sun_direction[:] = sun
        state.sun_color[:] = 0.7
        state.sky_horizon[:], state.sky_zenith[:], state.ground_light[:] = horizon, zenith, ground

    image = render([sphere], camera, setup=light)
    directions = rays(camera) @ FORWARD[:3, :3].T
    normals = directions * image["depth"][..., None] - [5.0, 0.0, 0.0]
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    sky = 0.5 * (np.square(horizon) + np.square(zenith))
    up = 0.5 + 0.5 * normals[..., 2:]
    lambert = np.maximum(normals @ sun, 0.0)[..., None] * 0.49
    linear = albedo**2 * (lambert + np.square(ground) + up * (sky - np.square(ground)))
    expected = np.sqrt(np.clip(linear, 0.0, 1.0)) * 255.0
    facing = (image["instances"] == 1) & ((normals * directions).sum(-1) < -0.3)
    assert facing.sum() > 3000
    assert np.abs(image["rgb"] - expected)[facing].max() < 3.0


@pytest.mark.parametrize("seed", range(5))
def test_a_tessellation_of_triangles_has_no_hole(seed):
    rng = np.random.default_rng(seed)
    ticks = np.linspace(-1.0, 1.0, 25)
    y, z = (axis.ravel() for axis in np.meshgrid(ticks * 6, ticks * 6))
    inner = (np.abs(y) < 5.9) & (np.abs(z) < 5.9)
    y, z = y + inner * rng.uniform(-0.2, 0.2, len(y)), z + inner * rng.uniform(-0.2, 0.2, len(z))
    x = 4.0 + inner * rng.uniform(-1.0, 1.0, len(y))
    first = (np.arange(24)[:, None] * 25 + np.arange(24)).ravel()
    faces = np.concatenate(
        [np.stack([first, first + 1, first + 26], 1), np.stack([first, first + 26, first + 25], 1)]
    )
    sheet = Mesh(np.stack([x, y, z], 1), faces, surfaces=(Surface(double_sided=True),))
    assert (render([sheet], Camera(157, 131, 80.0))["instances"] == 1).all()


def test_render_order_changes_neither_depth_nor_labels():
    rng = np.random.default_rng(1)
    labels = ["road", "building", "vehicle", "pole"]
    boxes = [
        Mesh.box(rng.uniform(0.3, 1.2, 3), Surface(label=labels[index % 4])).translated(
            rng.uniform([3, -2, -2], [9, 2, 2])
        )
        for index in range(30)
    ]
    one, other = render(boxes), render(boxes[::-1])
    assert (one["depth"] == other["depth"]).all()
    assert (one["segmentation"] == other["segmentation"]).mean() > 0.9995  # equal depth: the first one wins


def test_labels_and_instances_are_those_of_visible_objects():
    boxes = [
        Mesh.box(1.0, Surface(label="vehicle")).translated([5.0, 1.5, 0.0]),
        Mesh.box(1.0, Surface(label="building")).translated([5.0, -1.5, 0.0]),
    ]
    image = render(boxes, Camera(65, 65, 70.0))
    assert image["segmentation"][32, 14] == LABELS["vehicle"]
    assert image["segmentation"][32, 50] == LABELS["building"]
    assert image["segmentation"][32, 32] == LABELS["sky"] == 0
    assert [image["instances"][32, column] for column in (14, 50, 32)] == [1, 2, 0]
    assert image["depth"][32, 32] == np.float32(Camera().far)


def test_a_distant_fine_checkerboard_shows_the_mean_of_its_light():
    checks = ((np.indices((64, 64)).sum(0) % 2)[..., None] * np.full(3, 255)).astype(np.uint8)
    sheet = Mesh.grid(60.0, 60.0, Surface((1.0, 1.0, 1.0), Texture(checks), emissive=True))
    sheet = replace(sheet, uvs=20.0 * sheet.uvs)
    upright = sheet.transformed(
        np.array([[0.0, 0.0, -1.0, 30.0], [1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    )
    image = render([upright], Camera(40, 40, 60.0))
    assert (image["instances"] == 1).all()
    assert image["rgb"].astype(int) == pytest.approx(255 * np.sqrt(0.5), abs=6)


def test_what_is_out_of_view_changes_nothing():
    seen = Mesh.box(1.0, Surface((0.9, 0.2, 0.1))).translated([5.0, 0.3, 0.0])
    hidden = [
        Mesh.box(1.0).translated(place)
        for place in ([-5, 0, 0], [5, 30, 0], [5, -30, 0], [5, 0, 40], [2000, 0, 0])
    ]
    alone, together = render([seen]), render([seen, *hidden])
    assert all((alone[name] == together[name]).all() for name in ALL)


def test_an_object_partly_in_view_is_rendered_up_to_the_edge():
    camera = Camera(61, 61, 90.0)
    wall = Mesh.box([0.5, 8.0, 8.0]).translated(
        [4.0, 7.0, 0.0]
    )  # from y = 3 to 11; the image ends at y = 3.75
    seen = render([wall], camera)["instances"] == 1
    assert seen[:, 0].all()
    assert not seen[:, 20:].any()


def test_the_level_of_detail_follows_the_projected_size():
    fine, coarse = (
        Mesh.sphere(1.0, Surface(label="vehicle"), 32, 16),
        Mesh.box(1.6, Surface(label="building")),
    )
    labels = {}
    for distance in (3.0, 60.0):
        scene = Scene()
        ball = scene.add("ball", [[fine, coarse]])
        state = SceneState(scene, 1)
        state.place(0, ball, [[distance, 0.0, 0.0]])
        image = Renderer(state, Camera(64, 64, 60.0), ("segmentation",)).render(FORWARD[None])["segmentation"]
        labels[distance] = image.max(), image[image > 0].min()
    assert labels == {3.0: (LABELS["vehicle"],) * 2, 60.0: (LABELS["building"],) * 2}


def arena_world(worlds=3):
    scene = Scene()
    surfaces = [Surface(label="road"), Surface(label="building")]
    scene.add_arena(64, 64, 4, surfaces)
    return SceneState(scene, worlds), surfaces


def test_every_world_has_geometry_of_its_own():
    state, surfaces = arena_world()
    for world in range(3):
        mesh = Mesh.box(1.0 + world, surfaces[world % 2]).translated([8.0, 0.0, 0.0])
        state.set_arena(world, mesh, [0, 24], [0, 12])
    renderer = Renderer(state, Camera(64, 64, 60.0), ("segmentation", "instances"))
    images = renderer.render(np.tile(FORWARD, (3, 1, 1)))
    areas = (images["segmentation"] > 0).sum(axis=(1, 2))
    assert areas[0] < areas[1] < areas[2]
    assert images["segmentation"][0].max() == LABELS["road"]
    assert images["segmentation"][1].max() == LABELS["building"]
    assert set(np.unique(images["instances"])) == {0, 1}
    state.set_arena(1, Mesh.box(0.5, surfaces[0]).translated([8.0, 0.0, 0.0]), [0, 24], [0, 12])
    again = renderer.render(np.tile(FORWARD, (3, 1, 1)))
    assert (again["segmentation"][[0, 2]] == images["segmentation"][[0, 2]]).all()
    assert (again["segmentation"][1] > 0).sum() < areas[0]


def test_chunks_of_an_arena_are_rendered_like_one_mesh():
    state, surfaces = arena_world(1)
    boxes = [Mesh.box(0.7, surfaces[0]).translated([6.0, y, 0.0]) for y in (-2.0, 1.5)]
    state.set_arena(0, Mesh.merge(boxes), [0, 24, 48], [0, 12, 24])
    chunked = Renderer(state, Camera(64, 48, 70.0), ("depth",)).render(FORWARD[None])["depth"][0]
    assert (chunked == render(boxes)["depth"]).all()


def test_fog_fades_by_the_exponential_of_depth():
    depths = np.array([5.0, 20.0, 60.0, 200.0])
    for depth in depths:
        wall = Mesh.box([1.0, 400.0, 400.0], Surface((0.1, 0.1, 0.1), emissive=True)).translated(
            [depth + 0.5, 0, 0]
        )

        def fog(state):
            state.fog_density[:] = 0.012
            state.sky_horizon[:] = [0.9, 0.8, 0.7]

        image = render([wall], Camera(16, 16, 30.0), setup=fog)["rgb"][8, 8]
        clear = np.exp(-0.012 * depth)
        expected = np.sqrt(clear * 0.1**2 + (1 - clear) * np.square([0.9, 0.8, 0.7])) * 255
        assert image == pytest.approx(expected, abs=1.5)


def test_the_sky_is_that_of_the_horizon_below_and_of_the_zenith_above():
    def sky(state):
        state.sky_horizon[:], state.sky_zenith[:] = [0.9, 0.9, 0.9], [0.2, 0.3, 0.8]
        state.sun_direction[:] = [-0.98, 0.0, 0.2]

    level = render([], Camera(32, 64, 60.0), setup=sky)["rgb"].astype(int)
    up = render([], Camera(33, 33, 60.0), pose=look_at([0, 0, 0], [0, 0, 1]), setup=sky)["rgb"].astype(int)
    assert (level[33:] == round(0.9 * 255)).all()
    assert (np.diff(level[:32, 16, 0]) >= 0).all()
    assert up[16, 16] == pytest.approx([51, 77, 204], abs=2)


def test_runs_and_threads_give_the_same_bits_and_fill_what_they_are_given():
    rng = np.random.default_rng(3)
    scene = Scene()
    balls = scene.add("ball", Mesh.sphere(0.5, Surface((0.4, 0.6, 0.9))), 10)
    state = SceneState(scene, 7)
    for world in range(7):
        state.place(
            world, balls, rng.uniform([2, -3, -2], [9, 3, 2], (10, 3)), colors=rng.uniform(0.3, 1, (10, 3))
        )
    poses = np.tile(FORWARD, (7, 1, 1))
    images = [Renderer(state, Camera(50, 40), ALL, threads).render(poses) for threads in (1, 2, 3, 1)]
    for other in images[1:]:
        assert all((images[0][name] == other[name]).all() for name in ALL)
    renderer = Renderer(state, Camera(50, 40), ALL)
    buffers = {"depth": np.zeros((2, 40, 50), np.float32)}
    chosen = renderer.render(poses[:2], np.array([5, 2]), out=buffers)
    assert chosen["depth"] is buffers["depth"]
    assert (chosen["rgb"] == images[0]["rgb"][[5, 2]]).all()
    assert (chosen["depth"] == images[0]["depth"][[5, 2]]).all()
    with pytest.raises(InvalidOption, match=r"out\['depth'\] must be \(2, 40, 50\) float32"):
        renderer.render(poses[:2], np.array([0, 1]), out={"depth": np.zeros((2, 40, 50))})
