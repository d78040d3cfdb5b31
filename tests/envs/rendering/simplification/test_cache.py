"""The disk cache of meshes with their levels of detail."""

import subprocess
import sys

import pytest

from camshaft.envs.errors import CorruptFile
from camshaft.envs.rendering.simplification.cache import _load_levels, load_levels


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
def test_a_broken_file_in_the_cache_is_made_again(tmp_path, cache, damage):
    path = write_ball(tmp_path / "ball.obj")
    made = load_levels(path)
    cached = next(cache.iterdir())
    whole = cached.read_bytes()
    cached.write_bytes(damage(whole))
    _load_levels.cache_clear()
    assert same(load_levels(path), made)
    assert len(cached.read_bytes()) == len(whole)


def test_a_flipped_bit_in_the_cache_is_noticed(tmp_path, cache):
    path = write_ball(tmp_path / "ball.obj")
    made = load_levels(path)
    cached = next(cache.iterdir())
    data = bytearray(cached.read_bytes())
    data[len(data) // 2] ^= 0x40
    cached.write_bytes(bytes(data))
    _load_levels.cache_clear()
    assert same(load_levels(path), made)


def test_a_mesh_file_that_changes_is_read_again(tmp_path, cache):
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
    assert [cached.suffix for cached in (cache / "meshes").iterdir()] == [".npz"]


def test_a_mesh_or_texture_that_is_missing_is_named(tmp_path, cache):
    with pytest.raises(CorruptFile, match="gone.obj"):
        load_levels(tmp_path / "gone.obj")
    with pytest.raises(CorruptFile, match="gone.png"):
        load_levels(write_ball(tmp_path / "ball.obj"), tmp_path / "gone.png")
