"""Levels of detail, decimation, baking and outer shells of meshes."""

import itertools

import numpy as np
import pytest

from camshaft.envs.rendering import Mesh, Surface, Texture, decimate
from camshaft.envs.rendering.simplification.baking import bake_textures
from camshaft.envs.rendering.simplification.levels import detail_levels
from camshaft.envs.rendering.simplification.outer_shell import outer_shell


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


def test_decimation_keeps_shape_and_surfaces():
    red, blue = Surface((0.9, 0.1, 0.1)), Surface((0.1, 0.1, 0.9))
    ball = Mesh.sphere(1.0, red, 96, 48)
    both = Mesh.merge([ball, ball.scaled([0.5, 0.5, 2.0]).translated([3.0, 0.0, 0.0])])
    mixed = Mesh.merge([both, Mesh.sphere(0.5, blue, 64, 32).translated([0.0, 4.0, 0.0])])
    few = decimate(mixed, 1000)
    assert 600 < len(few.faces) < 1200
    assert few.surfaces == (red, blue)
    for side in (np.min, np.max):
        assert side(few.positions, axis=0) == pytest.approx(side(mixed.positions, axis=0), abs=0.06)
    assert decimate(few, 10**6) is few
