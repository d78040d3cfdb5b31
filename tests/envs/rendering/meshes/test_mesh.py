"""Meshes: primitives, transformation, and refused input."""

import numpy as np
import pytest

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering import Mesh, Texture

CORNERS = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def test_a_capsule_is_a_cylinder_with_round_ends():
    mesh = Mesh.capsule(0.2, 0.6, segments=64, rings=32)
    axis = mesh.positions.copy()
    axis[:, :2], axis[:, 2] = 0.0, axis[:, 2].clip(-0.3, 0.3)
    assert np.linalg.norm(mesh.positions - axis, axis=1) == pytest.approx(0.2, abs=1e-6)
    assert mesh.normals == pytest.approx((mesh.positions - axis) / 0.2, abs=1e-4)
    corners = mesh.positions[mesh.faces].astype(np.float64)
    volume = np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6.0
    assert volume == pytest.approx(np.pi * 0.2**2 * 0.6 + 4.0 / 3.0 * np.pi * 0.2**3, rel=0.01)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((CORNERS, np.zeros((0, 3), int)), "at least one face"),
        ((CORNERS, np.array([[0, 1, 3]])), "faces must index the vertices; got 3"),
        ((CORNERS, np.array([[0, 1, -1]])), "faces must index the vertices"),
        ((CORNERS[:, :2], np.array([[0, 1, 2]])), r"positions must be \(V, 3\); got \(3, 2\)"),
        ((CORNERS, np.array([[0, 1, 2, 0]])), r"faces must be \(F, 3\)"),
        ((CORNERS * np.nan, np.array([[0, 1, 2]])), "positions must be finite"),
        ((CORNERS, np.array([[0, 1, 2]]), CORNERS[:2]), "normals"),
        ((CORNERS, np.array([[0, 1, 2]]), None, CORNERS), "uvs"),
        (
            (CORNERS, np.array([[0, 1, 2]]), None, None, np.array([1])),
            "face_surfaces must index the 1 surfaces",
        ),
    ],
)
def test_a_mesh_that_does_not_fit_together_is_refused(arguments, message):
    with pytest.raises(InvalidOption, match=message):
        Mesh(*arguments)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((16, 16), np.uint8), "uint8, got"),
        (np.zeros((16, 16, 3)), "float64"),
        (np.zeros((16, 12, 3), np.uint8), "powers of two, got 16×12"),
        (np.zeros((0, 16, 3), np.uint8), "powers of two, got 0×16"),
    ],
)
def test_a_texture_of_a_wrong_kind_is_refused(image, message):
    with pytest.raises(InvalidOption, match=message):
        Texture(image)


def test_stretching_and_mirroring_keep_normals_outward():
    ball = Mesh.sphere(1.0, segments=48, rings=24)
    for factors in ([1.0, 2.0, 0.3], [-1.0, 1.0, 1.0], [2.0, -0.5, -1.0]):
        mesh = ball.scaled(factors)
        expected = mesh.positions / np.square(factors)
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        assert mesh.normals == pytest.approx(expected, abs=1e-4)
        corners = mesh.positions[mesh.faces]
        facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        assert ((facing * corners.mean(axis=1)).sum(axis=1) > 0).all()
