"""Scenery: nothing is on the road or floats, variants stay within their split, models have their size."""

from __future__ import annotations

import numpy as np
import pytest

from camshaft.envs.driving import assets, textures
from camshaft.envs.driving.country_road.mesh import RoadAppearance, RoadGeometry, build_geometry
from camshaft.envs.driving.country_road.road import RoadConfig, generate_road
from camshaft.envs.driving.country_road.scenery import (
    CLEARANCE,
    MARKER_LATERAL,
    POST_LATERAL,
    RoadsideScenery,
)
from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering import HIDDEN, Scene, SceneState

CONFIG = RoadConfig()
SEEDS = range(6)
KINDS = ("tree", "bush", "house", "post", "pole", "marker")


@pytest.fixture(scope="module")
def stage() -> tuple[RoadsideScenery, SceneState]:
    scene = Scene()
    return RoadsideScenery(scene, CONFIG), SceneState(scene, 2)


def dress(
    stage: tuple[RoadsideScenery, SceneState], seed: int, world: int = 0, **options: object
) -> RoadGeometry:
    rng = np.random.default_rng(seed)
    geometry = build_geometry(generate_road(rng, CONFIG), RoadAppearance(), rng)
    stage[0].populate(stage[1], world, geometry, rng, **options)
    return geometry


def shown(state: SceneState, kind: str, world: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3) positions and (n,) mesh ids of the objects in a world."""
    slots = state.scene.objects[kind].slots
    visible = state.meshes[world, slots] != HIDDEN
    return state.poses[world, slots, :, 3][visible].astype(np.float64), state.meshes[world, slots][visible]


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_stands_on_the_road(stage: tuple[RoadsideScenery, SceneState], seed: int) -> None:
    geometry = dress(stage, seed)
    line = geometry.road.positions_at(np.arange(-48.0, geometry.road.length + 240.0, 0.5))
    least = {**CLEARANCE, "post": POST_LATERAL, "marker": MARKER_LATERAL}
    for kind in KINDS:
        for place in shown(stage[1], kind)[0]:
            gap = np.linalg.norm(line[:, :2] - place[:2], axis=1).min() - geometry.road.half_width
            assert gap >= least[kind] - 0.1, (kind, place)


@pytest.mark.parametrize("seed", SEEDS)
def test_everything_stands_on_the_ground(stage: tuple[RoadsideScenery, SceneState], seed: int) -> None:
    geometry = dress(stage, seed)
    corners = geometry.mesh.positions[geometry.mesh.faces].astype(np.float64)
    low, high = corners[..., :2].min(axis=1), corners[..., :2].max(axis=1)
    for kind in KINDS:
        for place in shown(stage[1], kind)[0][::5]:
            near = np.flatnonzero(((low <= place[:2]) & (place[:2] <= high)).all(axis=1))
            heights = [height_on(corners[face], place) for face in near]
            heights = [height for height in heights if height is not None]
            assert heights, (kind, place)
            assert -0.4 < place[2] - max(heights) < 0.4, (kind, place)


def height_on(corners: np.ndarray, place: np.ndarray) -> float | None:
    matrix = np.vstack([corners[:, :2].T, np.ones(3)])
    weights = np.linalg.solve(matrix, [place[0], place[1], 1.0])
    return float(weights @ corners[:, 2]) if weights.min() >= -1e-4 else None


def test_worlds_have_typical_amounts_of_scenery(stage: tuple[RoadsideScenery, SceneState]) -> None:
    counts = {kind: [] for kind in KINDS}
    for seed in SEEDS:
        dress(stage, seed)
        for kind in KINDS:
            counts[kind].append(len(shown(stage[1], kind)[0]))
    assert min(counts["tree"]) > 80 and min(counts["post"]) > 50 and min(counts["house"]) >= 1
    assert all(max(counts[kind]) > 3 for kind in KINDS)


def test_only_the_chosen_variants_are_used(stage: tuple[RoadsideScenery, SceneState]) -> None:
    scenery, state = stage
    dress(stage, 1, variants=[1, 3, 5, 7])
    odd = {
        "tree": {mesh for index, mesh in enumerate(scenery.trees.meshes) if index // 2 % 2},
        "house": {mesh for index, mesh in enumerate(scenery.houses.meshes) if index % 2},
    }
    for kind, allowed in odd.items():
        assert set(shown(state, kind)[1].tolist()) <= allowed


def test_worlds_differ_and_are_reproducible(stage: tuple[RoadsideScenery, SceneState]) -> None:
    dress(stage, 3, world=1)
    before = stage[1].poses[1].copy()
    dress(stage, 4, world=0)
    assert np.array_equal(stage[1].poses[1], before)
    dress(stage, 5, world=1)
    dress(stage, 3, world=1)
    for kind in KINDS:
        slots = stage[1].scene.objects[kind].slots
        visible = stage[1].meshes[1, slots] != HIDDEN
        assert np.array_equal(stage[1].poses[1, slots][visible], before[slots][visible])


@pytest.mark.parametrize("make", [assets.conifer, assets.broadleaf, assets.bush, assets.house])
def test_levels_of_detail_shrink_in_triangles_not_in_size(make: object) -> None:
    for variant in range(textures.NUM_VARIANTS):
        levels = make(variant)
        faces = [len(level.faces) for level in levels]
        assert faces == sorted(faces, reverse=True) and faces[0] <= 80
        heights = [level.positions[:, 2].max() for level in levels]
        assert min(heights) > 0.7 * max(heights)


@pytest.mark.parametrize("make", [assets.conifer, assets.broadleaf, assets.bush])
def test_cut_out_leaves_are_one_finer_level_of_the_same_plant(make: object) -> None:
    for variant in range(textures.NUM_VARIANTS):
        cut, *rest = make(variant, True)
        solid = make(variant)
        assert [len(level.faces) for level in rest] == [len(level.faces) for level in solid]
        assert any(surface.texture.has_alpha for surface in cut.surfaces)
        assert not any(surface.texture.has_alpha for level in rest for surface in level.surfaces)
        assert len(cut.faces) > len(solid[0].faces)
        size, solid_size = np.ptp(cut.positions, axis=0), np.ptp(solid[0].positions, axis=0)
        assert np.allclose(size, solid_size, rtol=0.3)


@pytest.mark.parametrize("kind", ["leaf_cover", "needle_fringe"])
def test_leaves_leave_gaps_and_train_and_test_share_no_shape(kind: str) -> None:
    images = [getattr(textures, kind)(variant).levels[0] for variant in range(textures.NUM_VARIANTS)]
    for image in images:
        assert 0.3 < (image[..., 3] > 127).mean() < 0.95
    shapes = [[image[..., 3].tobytes() for image in images[split::2]] for split in (0, 1)]
    assert not set(shapes[0]) & set(shapes[1])


KIND_ARGUMENTS = {"paint": ("white",)}
TEXTURES = (
    "asphalt",
    "grass",
    "gravel",
    "field",
    "forest",
    "facade",
    "roof_tiles",
    "leaves",
    "needles",
    "bark",
)


@pytest.mark.parametrize("kind", [*TEXTURES, "paint"])
def test_textures_are_cached_varied_and_neither_black_nor_blown_out(kind: str) -> None:
    make, options = getattr(textures, kind), KIND_ARGUMENTS.get(kind, ())
    images = [make(variant, *options).levels[0] for variant in range(textures.NUM_VARIANTS)]
    assert make(0, *options) is make(0, *options)
    means = np.array([image.mean() for image in images])
    assert (means > 25).all() and (means < 245).all()
    assert all(not np.array_equal(images[0], image) for image in images[1:])


@pytest.mark.parametrize("kind", ["asphalt", "grass", "gravel", "forest", "leaves"])
def test_textures_repeat_without_a_seam(kind: str) -> None:
    for variant in range(textures.NUM_VARIANTS):
        image = getattr(textures, kind)(variant).levels[0].astype(np.float64).mean(axis=2)
        inside = np.abs(np.diff(image, axis=0)).mean()
        assert np.abs(image[0] - image[-1]).mean() < 1.5 * inside + 1.0


def test_asphalt_varies_at_a_distance_too() -> None:
    coarse = [textures.asphalt(variant).levels[5].astype(np.float64).mean(axis=2) for variant in range(8)]
    assert np.ptp([image.mean() for image in coarse]) > 30
    assert min(image.std() for image in coarse) > 1.5


def test_variants_beyond_the_last_are_refused() -> None:
    with pytest.raises(InvalidOption, match="asphalt"):
        textures.asphalt(textures.NUM_VARIANTS)
