"""Shadows, highlights, lamps, cut-out textures against geometry and formulas."""

import numpy as np
import pytest
from rendering_scenes import FORWARD, build, clutter, moved, render

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering import Camera, Mesh, Surface, Texture, look_at

WHITE = Surface((1.0, 1.0, 1.0))
DOWN = look_at([0.0, 0.0, 12.0], [0.0, 0.0, 0.0])


def linear(image):
    return (image / 255.0) ** 2


def sun_only(state, direction):
    """Light from the sun alone."""
    unit = np.asarray(direction, float) / np.linalg.norm(direction)
    state.sun_direction[:] = unit
    state.sun_color[:] = 1.0
    state.sky_zenith[:] = state.sky_horizon[:] = state.ground_light[:] = 0.0
    return unit


def points_on_ground(camera, pose):
    """(H, W, 3) where the rays of the pixels meet the plane z = 0."""
    columns, rows = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    rays = np.stack([columns, rows, np.ones_like(columns)], axis=-1) @ np.linalg.inv(camera.intrinsics).T
    rays = rays @ pose[:3, :3].T
    return pose[:3, 3] - rays * (pose[2, 3] / rays[..., 2:])


@pytest.mark.parametrize("direction", [(1.0, 0.5, 1.2), (-0.8, 0.9, 0.9), (0.3, -1.0, 2.0)])
def test_the_shadow_of_a_box_on_a_plane_is_its_projection_along_the_sun(direction):
    size, center = np.array([1.0, 1.6, 1.2]), np.array([0.2, -0.3, 0.9])
    state, objects = build([(Mesh.grid(30.0, 30.0, WHITE), moved()), (Mesh.box(size, WHITE), moved(*center))])
    sun = sun_only(state, direction)
    camera = Camera(200, 200, 50.0, shadow_distance=14.0)
    images = render(state, camera, ("rgb", "instances"), DOWN)
    ground = images["instances"] == objects[0].instance
    points = points_on_ground(camera, DOWN)
    with np.errstate(divide="ignore"):
        low = (center - 0.5 * size - points) / sun
        high = (center + 0.5 * size - points) / sun
    enter, leave = np.minimum(low, high).max(axis=-1), np.maximum(low, high).min(axis=-1)
    expected = (enter < leave) & (leave > 0.0)
    dark = images["rgb"][..., 0] < 60
    assert (expected & ground).sum() > 200
    wrong = (dark != expected) & ground
    # Only along the outline, which the map knows to one of its texels.
    assert wrong.sum() < 0.12 * (expected & ground).sum()
    clear = expected & ground & ~wrong
    assert (images["rgb"][clear] == 0).mean() > 0.9
    lit = ground & ~expected & ~wrong
    assert np.median(linear(images["rgb"][..., 0])[lit]) == pytest.approx(sun[2], abs=0.01)


def test_shadows_are_off_by_default_and_change_nothing_else():
    state, _ = build(clutter())
    plain = render(state, Camera(96, 72, 70.0), ("rgb", "depth", "instances"))
    shadowed = render(state, Camera(96, 72, 70.0, shadow_distance=20.0), ("rgb", "depth", "instances"))
    assert np.array_equal(plain["depth"], shadowed["depth"])
    assert np.array_equal(plain["instances"], shadowed["instances"])
    darker = (shadowed["rgb"].astype(int) - plain["rgb"]).max(axis=-1) < -10
    assert 0.01 < darker.mean() < 0.5
    assert (shadowed["rgb"].astype(int) - plain["rgb"]).max() <= 1


def test_faces_toward_the_sun_do_not_shadow_themselves():
    state, _ = build([(Mesh.sphere(1.0, WHITE, 64, 32), moved(5.0))])
    sun = sun_only(state, (-1.0, 0.6, 0.8))
    camera = Camera(160, 120, 40.0, shadow_distance=8.0)
    images = render(state, camera, ("rgb", "world_normals", "instances"))
    cosine = images["world_normals"] @ sun
    lit = (images["instances"] == 1) & (cosine > 0.1)
    assert linear(images["rgb"][..., 0])[lit] == pytest.approx(cosine[lit], abs=0.03)


def test_the_sky_is_half_of_the_ambient_light_of_a_wall():
    state, _ = build([(Mesh.box([0.1, 4.0, 4.0], Surface((0.8, 0.8, 0.8))), moved(4.0))])
    sun_only(state, (1.0, 0.0, 0.0))  # behind the wall
    state.sky_zenith[:] = state.sky_horizon[:] = (0.6, 0.7, 0.8)
    state.ground_light[:] = (0.4, 0.3, 0.2)
    color = linear(render(state)["rgb"][36, 48])
    expected = 0.8**2 * 0.5 * (np.array([0.6, 0.7, 0.8]) ** 2 + np.array([0.4, 0.3, 0.2]) ** 2)
    assert color == pytest.approx(expected, abs=0.006)


def test_fog_hides_the_line_between_far_land_and_sky():
    """Both take on the color of the horizon; overhead the sky still shines through."""
    land = Mesh.grid(4000.0, 4000.0, Surface((0.1, 0.3, 0.1)))
    state, _ = build([(land, moved())])
    state.fog_density[:] = 0.02
    camera = Camera(60, 90, 40.0, far=1500.0)
    pose = look_at([0.0, 0.0, 2.0], [100.0, 0.0, 2.0])
    image = render(state, camera, ("rgb", "instances"), pose)
    rows = image["rgb"][:, 30].astype(int)
    edge = np.flatnonzero(np.diff(image["instances"][:, 30].astype(int)))[0]
    assert np.abs(rows[edge + 1] - rows[edge]).max() <= 1
    assert rows[edge] == pytest.approx(255.0 * state.sky_horizon[0], abs=1.5)
    state.fog_density[:] = 0.0
    clear = render(state, camera, ("rgb",), pose)["rgb"][:, 30].astype(int)
    assert np.abs(clear[edge + 1] - clear[edge]).max() > 50
    assert (clear[: edge - 20, 2] - clear[: edge - 20, 0] > rows[: edge - 20, 2] - rows[: edge - 20, 0]).all()


def test_the_highlight_is_where_the_sun_is_reflected():
    surface = Surface((0.05, 0.05, 0.3), specular=0.02, shininess=256)
    state, _ = build([(Mesh.sphere(1.0, surface, 96, 48), moved(5.0))])
    sun = sun_only(state, (-1.0, 0.5, 0.6))
    images = render(state, Camera(200, 200, 30.0), ("rgb", "world_normals", "positions", "instances"))
    ball = images["instances"] == 1
    to_camera = -images["positions"][ball] / np.linalg.norm(images["positions"][ball], axis=-1, keepdims=True)
    half = to_camera + sun
    half /= np.linalg.norm(half, axis=-1, keepdims=True)
    alignment = (half * images["world_normals"][ball]).sum(axis=-1)
    brightest = images["rgb"][ball].sum(axis=-1).argmax()
    assert alignment[brightest] > 0.999
    assert images["rgb"][ball][alignment < 0.9].max(initial=0, axis=0)[0] < 90


def test_metal_mirrors_in_its_own_color_and_paint_in_that_of_the_light():
    ratios = {}
    for metallic in (False, True):
        surface = Surface((0.9, 0.5, 0.1), specular=0.6, shininess=64, metallic=metallic)
        state, _ = build([(Mesh.sphere(1.0, surface, 64, 32), moved(5.0))])
        sun_only(state, (-1.0, 0.3, 0.4))
        image = linear(render(state, Camera(100, 100, 30.0))["rgb"])
        peak = image[image.sum(axis=-1) >= image.sum(axis=-1).max()][0]
        ratios[metallic] = peak[2] / peak[0]
    assert ratios[True] < 0.3 < ratios[False]


def test_the_color_of_an_object_tints_its_paint_and_not_its_lamps():
    paint, lamp = Surface((1.0, 1.0, 1.0)), Surface((0.9, 0.1, 0.1), emissive=True, tinted=False)
    halves = [
        Mesh.box([0.1, 2.0, 2.0], surface).translated([0.0, y, 0.0])
        for surface, y in ((paint, 1.0), (lamp, -1.0))
    ]
    state, _ = build([(Mesh.merge(halves), moved(5.0))])
    sun_only(state, (-1.0, 0.0, 0.0))
    white = render(state)["rgb"]
    state.colors[0, 0] = (0.2, 0.4, 0.8)
    blue = render(state)["rgb"]
    assert blue[36, 40] == pytest.approx(white[36, 40] * [0.2, 0.4, 0.8], abs=1.0)
    assert blue[36, 56].tolist() == white[36, 56].tolist() == [230, 26, 26]


def test_a_lamp_lights_by_the_inverse_square_and_the_cosine():
    state, _ = build([(Mesh.box([0.1, 40.0, 40.0], WHITE), moved(10.05))])
    sun_only(state, (1.0, 0.0, 0.2))
    state.sun_color[:] = 0.0
    state.lamp_positions[0, 0] = (0.0, 0.0, 0.0)
    state.lamp_directions[0, 0] = (1.0, 0.0, 0.0)
    state.lamp_colors[0, 0] = (0.8, 0.8, 0.6)
    state.lamp_cosines[0, 0] = (0.5, 0.45)
    camera = Camera(101, 101, 80.0)
    images = render(state, camera, ("rgb", "positions"))
    assert linear(images["rgb"][50, 50]) == pytest.approx(np.array([0.64, 0.64, 0.36]), abs=0.01)
    squares = (images["positions"] ** 2).sum(axis=-1)
    cosine = 10.0 / np.sqrt(squares)
    expected = 0.64 * cosine * 100.0 / squares
    inside = cosine > 0.55
    assert linear(images["rgb"][..., 0])[inside] == pytest.approx(expected[inside], abs=0.012)
    state.lamp_cosines[0, 0] = (0.98, 0.95)
    narrow = render(state, camera)["rgb"]
    assert (narrow[cosine < 0.94] == 0).all()
    assert (narrow[cosine > 0.985] > 100).all()


def test_headlights_light_the_road_at_night_and_not_what_is_behind():
    state, _ = build(clutter())
    state.sun_color[:] = 0.0
    state.sky_zenith[:] = state.sky_horizon[:] = state.ground_light[:] = 0.03
    dark = render(state)["rgb"]
    state.lamp_colors[0, 0] = (0.9, 0.9, 0.8)
    lit = render(state)["rgb"]
    assert dark.max() < 15
    assert (lit > 60).mean() > 0.2
    state.lamp_directions[0, 0] = (-1.0, 0.0, 0.0)
    assert np.array_equal(render(state)["rgb"], dark)


def checkered_alpha(size=64, squares=4):
    image = np.full((size, size, 4), 200, np.uint8)
    cells = np.indices((size, size)) // (size // squares)
    image[..., 3] = 255 * (cells.sum(axis=0) % 2)
    return Texture(image)


def test_cut_out_textures_let_through_what_their_alpha_says():
    leaf = Surface((1.0, 1.0, 1.0), checkered_alpha(), double_sided=True)
    sheet = Mesh.grid(2.0, 2.0, leaf).transformed(look_at([0, 0, 0], [1, 0, 0]))
    state, objects = build([(sheet, moved(4.0)), (Mesh.box([0.1, 9.0, 9.0]), moved(8.0))])
    camera = Camera(200, 200, 40.0)
    ids = render(state, camera, ("instances",))["instances"]
    whole = Mesh.grid(2.0, 2.0, Surface(double_sided=True)).transformed(look_at([0, 0, 0], [1, 0, 0]))
    full, _ = build([(whole, moved(4.0)), (Mesh.box([0.1, 9.0, 9.0]), moved(8.0))])
    opaque = render(full, camera, ("instances",))["instances"] == 1
    holes = (ids == objects[1].instance) & opaque
    assert holes.sum() == pytest.approx(0.5 * opaque.sum(), rel=0.04)
    # The middle of each square of the checkerboard is all of one kind.
    rows, columns = np.nonzero(opaque)
    top, left, side = rows.min(), columns.min(), rows.max() - rows.min() + 1
    kinds = {
        bool(holes[top + int(side * (r + 0.5) / 4), left + int(side * (c + 0.5) / 4)]) == bool((r + c) % 2)
        for r in range(4)
        for c in range(4)
    }
    assert len(kinds) == 1


def test_cut_out_textures_cast_cut_out_shadows():
    leaf = Surface((1.0, 1.0, 1.0), checkered_alpha(), double_sided=True)
    state, objects = build(
        [(Mesh.grid(30.0, 30.0, WHITE), moved()), (Mesh.grid(4.0, 4.0, leaf), moved(0.0, 0.0, 3.0))]
    )
    sun_only(state, (0.9, 0.0, 1.0))
    camera = Camera(160, 160, 60.0, shadow_distance=14.0)
    images = render(state, camera, ("rgb", "instances"), DOWN)
    points = points_on_ground(camera, DOWN)
    at_sheet = points + 3.0 * np.array([0.9, 0.0, 1.0])
    below = (np.abs(at_sheet[..., :2]) < 1.9).all(axis=-1) & (images["instances"] == objects[0].instance)
    assert below.sum() > 300
    shares = (images["rgb"][..., 0][below] < 60).mean()
    assert 0.3 < shares < 0.7


def test_alpha_is_averaged_as_coverage():
    texture = checkered_alpha()
    assert texture.levels[-1][0, 0, 3] == pytest.approx(128, abs=1)
    assert texture.levels[-1][0, 0, 0] == 200


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"specular": 1.5}, "specular"),
        ({"shininess": 33}, "shininess"),
        ({"specular": float("nan")}, "specular"),
    ],
)
def test_impossible_surfaces_are_refused_by_name(fields, message):
    with pytest.raises(InvalidOption, match=message):
        Surface(**fields)


def test_the_image_with_shadows_does_not_depend_on_threads():
    from camshaft.envs.rendering import Renderer

    state, _ = build(clutter(), num_worlds=5)
    state.sun_direction[:] = np.linspace([0.5, 0.5, 0.7], [-0.5, 0.2, 0.8], 5)
    camera = Camera(64, 48, 70.0, shadow_distance=15.0, supersampling=2)
    poses = np.tile(FORWARD, (5, 1, 1))
    one = Renderer(state, camera, ("rgb",), 1).render(poses)["rgb"]
    two = Renderer(state, camera, ("rgb",), 2).render(poses)["rgb"]
    assert np.array_equal(one, two)
    assert not np.array_equal(one[0], one[4])
