"""Readers of 3-D shapes: folders of meshes like ModelNet, and packed voxels."""

import numpy as np
import pytest
from image_files import REAL

from camshaft.envs.errors import CorruptFile
from camshaft.perception.data.readers import ModelFolder, VoxelFile
from camshaft.perception.data.readers.solids import read_off, surface_points, voxelize

CUBE = """8 6 0
0 0 0\n1 0 0\n1 1 0\n0 1 0\n0 0 1\n1 0 1\n1 1 1\n0 1 1
4 0 3 2 1\n4 4 5 6 7\n4 0 1 5 4\n4 1 2 6 5\n4 2 3 7 6\n4 3 0 4 7
"""


def test_meshes_become_filled_voxels_and_points_on_the_surface(tmp_path):
    for number in range(6):
        for split in ("train", "test"):
            folder = tmp_path / "cube" / split
            folder.mkdir(parents=True, exist_ok=True)
            # many files of ModelNet lack the line break after "OFF"
            (folder / f"cube_{number}.off").write_text(("OFF\n" if number % 2 else "OFF") + CUBE)
    solids = ModelFolder(tmp_path, "train", resolution=10)
    assert (
        len(solids) == 5
        and len(ModelFolder(tmp_path, "val")) == 1
        and len(ModelFolder(tmp_path, "test")) == 6
    )
    voxels = solids.fetch([0, 4])["voxels"]
    assert voxels.shape == (2, 10, 10, 10) and np.array_equal(voxels[0], voxels[1])
    assert voxels[0, 2:8, 2:8, 2:8].all() and not voxels[0, 0].any() and voxels[0].sum() <= 9**3
    points = ModelFolder(tmp_path, "train", "points", points=600)[0]["points"]
    assert points.shape == (600, 3) and np.isclose(np.linalg.norm(points, axis=1).max(), 1.0)
    side = np.abs(points).max()
    assert np.allclose(np.abs(points).max(axis=1), side, atol=0.02)  # every point is on a face
    (tmp_path / "cube" / "train" / "bad.off").write_text("OFF" + CUBE[:80])
    with pytest.warns(UserWarning, match=r"bad\.off"):
        whole = [len(ModelFolder(tmp_path, split, on_corrupt="skip")) for split in ("train", "val")]
    assert sum(whole) == 6


@pytest.mark.parametrize(
    "text", ["", "PLY\n1", "OFF\n1 1 0\n0 0 0\n3 0 1 2", "OFF\n3 1 0\n0 0 0 1 0 0 0 1 nan\n3 0 1 2"]
)
def test_meshes_that_are_damaged_are_named(tmp_path, text):
    (tmp_path / "a.off").write_text(text)
    with pytest.raises(CorruptFile, match=r"a\.off"):
        read_off(tmp_path / "a.off")


def test_comments_and_colors_of_meshes_are_ignored(tmp_path):
    plain, decorated = tmp_path / "plain.off", tmp_path / "decorated.off"
    plain.write_text("OFF\n" + CUBE)
    lines = CUBE.splitlines()
    faces = [f"{line} 255 0 0 # red" for line in lines[9:]]
    decorated.write_text("\n".join(["OFF # a cube", "# by hand", "", *lines[:9], *faces]))
    for one, other in zip(read_off(plain), read_off(decorated), strict=True):
        assert np.array_equal(one, other)


def test_packed_voxels_are_read_by_class(tmp_path):
    grids = np.random.default_rng(0).random((5, 16, 16, 16)) < 0.5
    np.savez(tmp_path / "v.npz", lamp=np.packbits(grids, axis=-1), desk=np.packbits(~grids[:2], axis=-1))
    solids = VoxelFile(tmp_path / "v.npz")
    assert solids.classes == ("desk", "lamp")
    batch = solids.fetch([0, 2])
    assert batch["class"].tolist() == [0, 1] and np.array_equal(batch["voxels"][1], grids[0])
    assert len(VoxelFile(tmp_path / "v.npz", "val")) == 1
    (tmp_path / "v.npz").write_bytes(b"PK nothing")
    with pytest.raises(CorruptFile, match=r"v\.npz"):
        VoxelFile(tmp_path / "v.npz")


def test_real_voxels():
    if not (REAL / "modelnet_voxels_32.npz").is_file():
        pytest.skip("no voxels at hand")
    solids = VoxelFile(REAL / "modelnet_voxels_32.npz", "train")
    assert solids.classes == ("chair", "monitor") and solids[0]["voxels"].shape == (32, 32, 32)


def test_points_and_voxels_do_not_depend_on_the_position_of_a_shape():
    rng = np.random.default_rng(0)
    corners = rng.random((5, 3))
    faces = np.array([[0, 1, 2], [0, 1, 3], [1, 2, 4]])
    assert np.allclose(
        surface_points(corners, faces, 50), surface_points(3.0 * corners + 7.0, faces, 50), atol=1e-5
    )
    moved = voxelize(2.0 * corners + 1.0, faces, 12)
    assert (voxelize(corners, faces, 12) ^ moved).sum() <= 2  # rounding at a cell's edge
