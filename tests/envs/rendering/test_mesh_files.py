"""Mesh files with their materials, levels of detail, and the cache that keeps them."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from camshaft.envs.errors import CorruptFile
from camshaft.envs.rendering import Mesh, Surface, Texture, decimate, load_mesh
from camshaft.envs.rendering.meshes.files import read_texture, texture_files
from camshaft.envs.rendering.simplification.baking import bake_textures
from camshaft.envs.rendering.simplification.cache import _load_levels, load_levels
from camshaft.envs.rendering.simplification.levels import detail_levels
from camshaft.envs.rendering.simplification.outer_shell import outer_shell

COLORS = {"red": (0.8, 0.2, 0.2), "green": (0.2, 0.6, 0.2)}
COLLADA = """<?xml version="1.0"?>
<COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">
  <asset><unit meter="0.01"/></asset>
  <library_effects><effect id="e"><profile_COMMON><technique sid="t"><phong>
    <diffuse><color>0.2 0.4 0.6 1</color></diffuse></phong></technique></profile_COMMON></effect></library_effects>
  <library_materials><material id="m"><instance_effect url="#e"/></material></library_materials>
  <library_geometries><geometry id="g"><mesh>
    <source id="p"><float_array id="pa" count="12">0 0 0 100 0 0 100 100 0 0 100 0</float_array>
      <technique_common><accessor source="#pa" count="4" stride="3"/></technique_common></source>
    <vertices id="v"><input semantic="POSITION" source="#p"/></vertices>
    {primitive}
  </mesh></geometry></library_geometries>
  <library_visual_scenes><visual_scene id="s"><node>
    <translate>0 0 200</translate><rotate>0 0 1 90</rotate><scale>2 1 1</scale>
    <node><instance_geometry url="#g"><bind_material><technique_common>
      <instance_material symbol="paint" target="#m"/></technique_common></bind_material></instance_geometry></node>
  </node></visual_scene></library_visual_scenes>
  <scene><instance_visual_scene url="#s"/></scene>
</COLLADA>"""
PRIMITIVES = {
    "triangles": "<p>0 1 2 0 2 3</p>",
    "polylist": "<vcount>4</vcount><p>0 1 2 3</p>",
    "polygons": "<p>0 1 2 3</p>",
}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("CAMSHAFT_CACHE", str(folder))
    _load_levels.cache_clear()
    yield folder / "meshes"
    _load_levels.cache_clear()


def write_ball(path, subdivisions=4):
    import trimesh

    trimesh.creation.icosphere(subdivisions=subdivisions, radius=0.5).export(path)
    return path


def write_painted(folder, image="", name="painted"):
    """A square in red beside one in green, which may have an image."""
    materials = "".join(f"newmtl {key}\nKd {r} {g} {b}\n" for key, (r, g, b) in COLORS.items())
    (folder / f"{name}.mtl").write_text(materials + (f"map_Kd {image}\n" if image else ""))
    path = folder / f"{name}.obj"
    path.write_text(
        f"mtllib {name}.mtl\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 2 0 0\nv 2 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
        "usemtl red\nf 1/1 2/2 3/3 4/4\nusemtl green\nf 2/1 5/2 6/3 3/4\n"
    )
    return path


def test_each_material_of_an_obj_keeps_its_color(tmp_path):
    mesh = load_mesh(write_painted(tmp_path))
    assert len(mesh.faces) == 4
    for x, color in ((0.5, COLORS["red"]), (1.5, COLORS["green"])):
        own = np.abs(mesh.positions[mesh.faces].mean(axis=1)[:, 0] - x) < 0.5
        surfaces = {mesh.surfaces[index] for index in mesh.face_surfaces[own]}
        assert [surface.color for surface in surfaces] == [pytest.approx(color, abs=0.005)]
    plain = Surface(label="robot")
    assert load_mesh(tmp_path / "painted.obj", plain).surfaces == (plain,)


def test_an_image_is_read_from_the_bottom_up_with_sides_of_powers_of_two(tmp_path):
    image = np.zeros((30, 60, 3), np.uint8)
    image[:15] = (255, 0, 0)
    Image.fromarray(image).save(tmp_path / "image.png")
    texture = read_texture(tmp_path / "image.png")
    assert texture.levels[0].shape == (32, 64, 3)
    assert texture.levels[0][-1, 0].tolist() == [255, 0, 0]
    assert texture.levels[0][0, 0].tolist() == [0, 0, 0]
    path = write_painted(tmp_path, "image.png")
    assert texture_files(path) == [tmp_path / "image.png"]
    textured = [surface for surface in load_mesh(path).surfaces if surface.texture]
    assert [surface.color for surface in textured] == [(1.0, 1.0, 1.0)]


def test_a_missing_or_broken_texture_is_named(tmp_path):
    with pytest.raises(CorruptFile, match="gone.png"):
        load_mesh(write_painted(tmp_path, "gone.png"))
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(CorruptFile, match="broken.png"):
        load_mesh(write_painted(tmp_path, "broken.png"))


@pytest.mark.parametrize("kind", list(PRIMITIVES))
def test_collada_is_placed_and_colored_by_its_nodes(tmp_path, kind):
    path = tmp_path / "square.dae"
    vertices = '<input semantic="VERTEX" source="#v" offset="0"/>'
    primitive = f'<{kind} count="1" material="paint">{vertices}{PRIMITIVES[kind]}</{kind}>'
    path.write_text(COLLADA.format(primitive=primitive))
    mesh = load_mesh(path)
    assert len(mesh.faces) == 2
    assert mesh.positions.min(axis=0) == pytest.approx([-1.0, 0.0, 2.0], abs=1e-6)
    assert mesh.positions.max(axis=0) == pytest.approx([0.0, 2.0, 2.0], abs=1e-6)
    assert mesh.normals == pytest.approx(np.tile([0.0, 0.0, 1.0], (len(mesh.normals), 1)), abs=1e-6)
    assert mesh.surfaces[0].color == pytest.approx((0.2, 0.4, 0.6))


@pytest.mark.parametrize(
    "text",
    ["", "<COLLADA>", "<other/>", "<COLLADA/>", COLLADA.format(primitive=""), COLLADA.replace("#g", "#x")],
)
def test_collada_that_is_none_is_named(tmp_path, text):
    path = tmp_path / "broken.dae"
    path.write_text(text)
    with pytest.raises(CorruptFile, match="broken.dae"):
        load_mesh(path)


def test_levels_are_coarser_and_coarser_and_tell_their_error():
    ball = Mesh.sphere(1.0, segments=96, rings=48)
    levels = detail_levels(ball)
    assert levels[0] is ball
    sizes = [len(mesh.faces) for mesh in levels]
    assert len(levels) >= 6 and all(8 * fewer < 7 * more for more, fewer in itertools.pairwise(sizes))
    for mesh in levels[1:]:
        middles = mesh.positions[mesh.faces].mean(axis=1)
        depth = 1.0 - np.linalg.norm(middles, axis=1)
        assert 0.5 * np.median(depth) < mesh.error < 3.0 * depth.max() + 0.01
    assert levels[3].scaled([2.0, 3.0, 1.0]).error == pytest.approx(3.0 * levels[3].error)


def test_coarser_levels_keep_each_surface_where_it_is():
    red, blue = Surface((0.9, 0.1, 0.1)), Surface((0.1, 0.1, 0.9))
    ball = Mesh.sphere(1.0, segments=96, rings=48)
    upper = (ball.positions[ball.faces].mean(axis=1)[:, 2] > 0).astype(np.int32)
    mixed = Mesh(ball.positions, ball.faces, ball.normals, face_surfaces=upper, surfaces=(blue, red))
    coarse = decimate(mixed, 300)
    assert coarse.surfaces == (blue, red)
    heights = coarse.positions[coarse.faces].mean(axis=1)[:, 2]
    clear = np.abs(heights) > 0.15
    assert (coarse.face_surfaces[clear] == (heights[clear] > 0)).all()


def test_a_texture_of_few_colors_becomes_plain_colors_and_one_of_many_stays():
    halves = np.zeros((64, 64, 3), np.uint8)
    halves[:, :32], halves[:, 32:] = (250, 250, 250), (40, 40, 60)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    plain = bake_textures(Mesh.sphere(1.0, Surface((1.0, 1.0, 1.0), Texture(halves)), 64, 32))
    found = sorted(surface.color for surface in plain.surfaces)
    assert found[0] == pytest.approx((40 / 255, 40 / 255, 60 / 255), abs=0.05)
    assert found[-1] == pytest.approx((250 / 255,) * 3, abs=0.05)
    painting = Mesh.sphere(1.0, Surface((1.0, 1.0, 1.0), Texture(noise)), 64, 32)
    assert bake_textures(painting) is None
    assert detail_levels(painting) == (painting,)


def test_the_inside_of_a_mesh_is_no_part_of_its_shell():
    outside = Mesh.sphere(1.0, segments=48, rings=24)
    both = Mesh.merge([outside, Mesh.sphere(0.8, segments=48, rings=24)])
    shell = outer_shell(both)
    assert len(shell.faces) == len(outside.faces)
    assert np.linalg.norm(shell.positions, axis=1).min() > 0.9


@pytest.mark.parametrize("kind", ["soup", "folded", "point"])
def test_a_mesh_that_is_no_manifold_has_levels_too(kind):
    generator = np.random.default_rng(3)
    count = 2000
    positions = np.ones((count, 3)) if kind == "point" else generator.random((count, 3))
    faces = generator.integers(0, count, (3000, 3)) if kind == "folded" else np.arange(1998).reshape(-1, 3)
    mesh = Mesh(positions, faces)
    levels = detail_levels(mesh)
    assert levels[0] is mesh
    assert all(np.isfinite(level.positions).all() and np.isfinite(level.normals).all() for level in levels)


def test_a_capsule_is_a_cylinder_with_round_ends():
    mesh = Mesh.capsule(0.2, 0.6, segments=64, rings=32)
    axis = mesh.positions.copy()
    axis[:, :2], axis[:, 2] = 0.0, axis[:, 2].clip(-0.3, 0.3)
    assert np.linalg.norm(mesh.positions - axis, axis=1) == pytest.approx(0.2, abs=1e-6)
    assert mesh.normals == pytest.approx((mesh.positions - axis) / 0.2, abs=1e-4)
    corners = mesh.positions[mesh.faces].astype(np.float64)
    volume = np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6.0
    assert volume == pytest.approx(np.pi * 0.2**2 * 0.6 + 4.0 / 3.0 * np.pi * 0.2**3, rel=0.01)


def same(first, second):
    return len(first) == len(second) and all(
        (one.positions == two.positions).all()
        and (one.normals == two.normals).all()
        and (one.uvs == two.uvs).all()
        and (one.faces == two.faces).all()
        and (one.face_surfaces == two.face_surfaces).all()
        and [surface.color for surface in one.surfaces] == [surface.color for surface in two.surfaces]
        and one.error == two.error
        for one, two in zip(first, second, strict=True)
    )


def test_levels_are_made_once_and_read_back_the_same(tmp_path, cache, monkeypatch):
    path = write_ball(tmp_path / "ball.obj")
    made = load_levels(path)
    assert len(made) > 4 and len(list(cache.iterdir())) == 1
    assert load_levels(path) is made
    _load_levels.cache_clear()
    monkeypatch.setattr(
        "camshaft.envs.rendering.simplification.cache.detail_levels", lambda mesh: pytest.fail("made again")
    )
    assert same(load_levels(path), made)


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"x" * 999]
)
def test_a_broken_file_in_the_cache_is_made_anew(tmp_path, cache, damage):
    path = write_ball(tmp_path / "ball.obj")
    made = load_levels(path)
    kept = next(cache.iterdir())
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))
    _load_levels.cache_clear()
    assert same(load_levels(path), made)
    assert len(kept.read_bytes()) == len(whole)


def test_a_flipped_bit_in_the_cache_is_noticed(tmp_path, cache):
    path = write_ball(tmp_path / "ball.obj")
    made = load_levels(path)
    kept = next(cache.iterdir())
    data = bytearray(kept.read_bytes())
    data[len(data) // 2] ^= 0x40
    kept.write_bytes(bytes(data))
    _load_levels.cache_clear()
    assert same(load_levels(path), made)


def test_a_mesh_file_that_changes_is_read_anew(tmp_path, cache):
    path = write_ball(tmp_path / "ball.obj")
    load_levels(path)
    write_ball(path, 2)
    assert len(load_levels(path)[0].faces) == 320
    assert len(list(cache.iterdir())) == 2


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path, cache):
    cache.parent.write_text("a file where the folder should be")
    assert len(load_levels(write_ball(tmp_path / "ball.obj"))) > 4


def test_two_processes_may_fill_the_cache_at_once(tmp_path):
    path, cache = write_ball(tmp_path / "ball.obj"), tmp_path / "cache"
    code = (
        "import pathlib, camshaft.envs.rendering.simplification.cache as m\n"
        f"m.cache_root = lambda: pathlib.Path({str(cache)!r})\n"  # that of compiled kernels stays
        f"m.load_levels(pathlib.Path({str(path)!r}))"
    )
    running = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    assert [kept.suffix for kept in (cache / "meshes").iterdir()] == [".npz"]


def test_a_mesh_or_texture_that_is_missing_is_named(tmp_path, cache):
    with pytest.raises(CorruptFile, match="gone.obj"):
        load_levels(tmp_path / "gone.obj")
    with pytest.raises(CorruptFile, match="gone.png"):
        load_levels(write_ball(tmp_path / "ball.obj"), tmp_path / "gone.png")
