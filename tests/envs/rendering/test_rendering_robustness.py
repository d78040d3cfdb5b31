"""The renderer under bad geometry and bad input: no crash, finite images, clear errors."""

import numpy as np
import pytest

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering import (
    Camera,
    Mesh,
    Renderer,
    Scene,
    SceneState,
    Surface,
    Texture,
    look_at,
)

POSE = look_at([0.0, 0.0, 0.0], [1.0, 0.0, 0.0])[None]
ALL = ("rgb", "depth", "segmentation", "instances")


def world_of(mesh):
    scene = Scene()
    objects = scene.add("thing", mesh)
    state = SceneState(scene, 1)
    state.place(0, objects, [[0.0, 0.0, 0.0]])
    return state


def check(state, camera=None):
    camera = camera or Camera(48, 40, 80.0)
    images = Renderer(state, camera, ALL).render(POSE)
    assert np.isfinite(images["depth"]).all()
    assert (images["depth"] > 0).all()
    assert (images["depth"] <= camera.far).all()
    assert images["instances"].max() <= 1
    return images


def soup(positions):
    faces = np.arange(len(positions)).reshape(-1, 3)
    return Mesh(positions, faces, surfaces=(Surface((0.5, 0.5, 0.5), double_sided=True),))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e3, 1e6, 1e15, 1e30])
def test_any_size_of_triangle_is_rendered_or_skipped(scale):
    rng = np.random.default_rng(0)
    check(world_of(soup(rng.normal(0.0, scale, (3000, 3)))))


def test_a_hundred_thousand_random_triangles():
    rng = np.random.default_rng(1)
    images = check(world_of(soup(rng.uniform(-20, 20, (300_000, 3)))))
    assert (images["instances"] == 1).all()


@pytest.mark.parametrize(
    "corners", [[[2, 0, 0]] * 3, [[2, 0, 0], [2, 1, 0], [2, 2, 0]], [[-2, 0, 0], [-2, 1, 0], [-2, 0, 1]]]
)
def test_degenerate_triangles_and_those_behind_the_camera_are_invisible(corners):
    images = check(world_of(soup(np.array(corners, float))))
    assert (images["instances"] == 0).all()


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_in_the_geometry_do_no_harm(poison):
    rng = np.random.default_rng(2)
    state = world_of(soup(rng.uniform([1, -3, -3], [9, 3, 3], (600, 3))))
    spoilt = rng.integers(0, 600, 150)
    state.geometry.positions[spoilt, rng.integers(0, 3, 150)] = poison
    state.geometry.normals[spoilt[:50]] = poison
    state.geometry.uvs[spoilt[:50]] = poison
    check(state)


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_a_pose_that_is_not_finite_hides_the_object(poison):
    state = world_of(Mesh.box(1.0).translated([4.0, 0.0, 0.0]))
    with np.errstate(invalid="ignore"):
        state.set_pose(state.scene.objects["thing"], np.full((1, 4, 4), poison))
    assert (check(state)["instances"] == 0).all()


def test_texture_coordinates_of_any_size_do_no_harm():
    texture = Texture(np.full((16, 16, 3), 100, np.uint8))
    box = Mesh.box(1.0, Surface((1.0, 1.0, 1.0), texture)).translated([3.0, 0.0, 0.0])
    for scale in (1e4, 1e12, 1e30):
        check(world_of(Mesh(box.positions, box.faces, box.normals, box.uvs * scale, surfaces=box.surfaces)))


def test_a_camera_of_one_pixel():
    state = world_of(Mesh.box(1.0).translated([1.2, 0.0, 0.0]))
    assert check(state, Camera(1, 1))["instances"][0, 0, 0] == 1


def test_unknown_names_get_their_nearest():
    with pytest.raises(InvalidOption, match=r"unknown label 'vehicel'. Did you mean 'vehicle'\?"):
        Surface(label="vehicel")
    with pytest.raises(InvalidOption, match=r"unknown output 'dept'. Did you mean 'depth'\?"):
        Renderer(world_of(Mesh.box(1.0)), Camera(), ("rgb", "dept"))
    with pytest.raises(InvalidOption, match=r"three numbers in 0..1, got \(255, 0, 0\)"):
        Surface((255, 0, 0))


def test_camera_poses_of_a_wrong_shape_are_refused():
    renderer = Renderer(world_of(Mesh.box(1.0)), Camera())
    with pytest.raises(InvalidOption, match=r"camera_poses must have shape \(1, 4, 4\), got \(4, 4\)"):
        renderer.render(POSE[0])


def test_a_scene_refuses_what_does_not_fit():
    scene = Scene()
    boxes = scene.add("box", Mesh.box(1.0), 2)
    road = Surface(label="road")
    scene.add_arena(24, 12, 1, [road])
    with pytest.raises(InvalidOption, match="named 'box' already"):
        scene.add("box", Mesh.box(1.0))
    with pytest.raises(InvalidOption, match="an arena already"):
        scene.add_arena(1, 1, 1, [])
    state = SceneState(scene, 1)
    with pytest.raises(InvalidOption, match="3 'box' do not fit into 2 slots"):
        state.place(0, boxes, np.zeros((3, 3)))
    with pytest.raises(InvalidOption, match="declare every surface to add_arena first"):
        state.set_arena(0, Mesh.box(1.0, Surface()), [0, 24], [0, 12])
    with pytest.raises(InvalidOption, match="do not fit into an arena of 1, 24 and 12"):
        state.set_arena(0, Mesh.merge([Mesh.box(1.0, road)] * 2), [0, 48], [0, 24])
    with pytest.raises(InvalidOption, match="faces within their own chunk"):
        state.set_arena(0, Mesh.box(1.0, road), [0, 20], [0, 12])
