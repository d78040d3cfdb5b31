"""Mesh files with their materials and textures."""

import numpy as np
import pytest
from PIL import Image

from camshaft.envs.errors import CorruptFile
from camshaft.envs.rendering import Surface, load_mesh
from camshaft.envs.rendering.meshes.files import read_texture, texture_files

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


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("broken.obj", b"v 1 2\nf 1 2 3 nonsense", "broken.obj"),
        ("empty.obj", b"", "empty.obj"),
        ("points.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\n", "points.obj"),
        ("noise.stl", bytes(range(256)) * 3, "noise.stl"),
        ("mesh.unknown", b"hello", "mesh.unknown"),
    ],
)
def test_a_mesh_file_that_is_none_is_named(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CorruptFile, match=message):
        load_mesh(path)
    with pytest.raises(CorruptFile, match="no mesh file at"):
        load_mesh(tmp_path / "missing.obj")


@pytest.mark.parametrize("kind", ["obj", "stl", "ply"])
def test_a_mesh_file_is_read(tmp_path, kind):
    import trimesh

    path = tmp_path / f"ball.{kind}"
    trimesh.creation.icosphere(subdivisions=3, radius=0.7).export(path)
    mesh = load_mesh(path, Surface(label="vehicle"))
    assert len(mesh.faces) == 1280
    assert np.linalg.norm(mesh.positions, axis=1) == pytest.approx(0.7, abs=1e-4)
    outwards = (mesh.normals * mesh.positions).sum(axis=1) / 0.7
    assert outwards.min() > 0.98
