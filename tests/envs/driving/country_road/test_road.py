"""Country roads: geometry of the center line against closed forms, and the mesh along it."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from camshaft.envs.driving.country_road.mesh import (
    EDGE_LINE,
    SHOULDERS,
    VERGE,
    RoadAppearance,
    RoadGeometry,
    all_surfaces,
    arena_size,
    build_geometry,
)
from camshaft.envs.driving.country_road.road import Road, RoadConfig, generate_road
from camshaft.envs.driving.road_network.curves import integrate
from camshaft.envs.driving.textures import NUM_VARIANTS
from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering import Scene, SceneState

SEEDS = range(12)
CONFIG = RoadConfig()


def make_road(seed: int, **changes: object) -> Road:
    return generate_road(np.random.default_rng(seed), dataclasses.replace(CONFIG, **changes))


def make_geometry(seed: int) -> RoadGeometry:
    rng = np.random.default_rng(seed)
    return build_geometry(generate_road(rng, CONFIG), RoadAppearance.sample(rng, range(NUM_VARIANTS)), rng)


def face_normals(geometry: RoadGeometry) -> np.ndarray:
    corners = geometry.mesh.positions[geometry.mesh.faces].astype(np.float64)
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def labels(geometry: RoadGeometry) -> np.ndarray:
    return np.array([surface.label for surface in geometry.mesh.surfaces])[geometry.mesh.face_surfaces]


@pytest.mark.parametrize("seed", SEEDS)
def test_points_lie_at_constant_arc_length(seed: int) -> None:
    road = make_road(seed)
    chords = np.linalg.norm(np.diff(road.points, axis=0), axis=1)
    bulge = road.curvature[:-1] ** 2 / 24.0  # of an arc over its chord, for one meter
    assert np.allclose(chords + bulge, 1.0, atol=2e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_curvature_is_continuous_and_bounded(seed: int) -> None:
    road = make_road(seed)
    assert np.abs(road.curvature).max() <= 1.0 / CONFIG.min_radius + 1e-12
    assert np.abs(np.diff(road.curvature)).max() <= CONFIG.max_curvature_rate * road.spacing + 1e-12


@pytest.mark.parametrize("seed", SEEDS)
def test_heading_is_the_direction_of_the_points_and_the_integral_of_curvature(seed: int) -> None:
    road = make_road(seed)
    steps = np.diff(road.points, axis=0)
    between = 0.5 * (road.heading[1:] + road.heading[:-1])
    assert np.abs(np.arctan2(steps[:, 1], steps[:, 0]) - between).max() < 2e-4
    trapezoid = 0.5 * (road.curvature[1:] + road.curvature[:-1]) * road.spacing
    assert np.abs(np.diff(road.heading) - trapezoid).max() < CONFIG.max_curvature_rate


@pytest.mark.parametrize("seed", SEEDS)
def test_road_starts_at_the_origin_and_never_meets_itself(seed: int) -> None:
    road = make_road(seed)
    assert np.array_equal(road.points[0], np.zeros(3)) and road.heading[0] == 0.0
    assert np.abs(road.heading).max() <= CONFIG.max_heading + 1e-9
    far = 60  # points along the road
    for start in range(0, len(road.points) - far, 50):
        others = road.points[start + far :, :2] - road.points[start, :2]
        assert np.linalg.norm(others, axis=1).min() > 2.0 * road.half_width


def test_roads_bend_most_of_the_way() -> None:
    bent = [np.mean(np.abs(make_road(seed).curvature) > 1.0 / 400.0) for seed in SEEDS]
    assert np.mean(bent) > 0.7


def test_integral_of_linear_curvature_is_that_of_a_clothoid_and_an_arc() -> None:
    knots, values = np.array([0.0, 30.0, 80.0]), np.array([0.0, 0.01, 0.01])
    at = np.array([0.0, 12.0, 30.0, 55.0, 80.0])
    clothoid, arc = 0.5 * 0.01 / 30.0 * np.minimum(at, 30.0) ** 2, 0.01 * np.maximum(at - 30.0, 0.0)
    assert np.allclose(integrate(knots, values, at), clothoid + arc, atol=1e-15)


def test_an_arc_of_a_flat_road_lies_on_its_circle() -> None:
    road = make_road(3, hills=False)
    steady = np.flatnonzero(np.abs(np.diff(road.curvature)) < 1e-15)
    bent = [i for i in steady if abs(road.curvature[i]) > 1 / 200]
    index = next(i for i in bent if {i + 1, i + 2, i + 3} <= set(bent))
    centers = road.offset_points(1.0 / road.curvature[index])[index : index + 4]
    assert np.ptp(centers, axis=0).max() < 1e-9


def test_grade_is_bounded_and_absent_without_hills() -> None:
    for seed in SEEDS:
        steps = np.diff(make_road(seed).points, axis=0)
        assert np.abs(steps[:, 2] / np.hypot(steps[:, 0], steps[:, 1])).max() <= CONFIG.max_grade + 1e-9
    hilly, flat = make_road(1), make_road(1, hills=False)
    assert np.ptp(hilly.points[:, 2]) > 1.0 and not flat.points[:, 2].any()
    assert np.array_equal(hilly.curvature, flat.curvature)


def test_same_seed_same_road_and_other_seeds_differ() -> None:
    assert np.array_equal(make_road(5).points, make_road(5).points)
    assert not np.array_equal(make_road(5).points, make_road(6).points)


def test_lane_center_is_half_a_lane_to_the_right() -> None:
    road = make_road(0)
    offset = road.lane_center - road.points
    left = np.stack([-np.sin(road.heading), np.cos(road.heading)], axis=1)
    assert np.allclose(np.einsum("ij,ij->i", offset[:, :2], left), -0.5 * road.lane_width)


def test_positions_between_points_and_straight_on_beyond_the_ends() -> None:
    road = make_road(2)
    assert np.allclose(road.positions_at(np.arange(5.0), -1.0), road.offset_points(-1.0)[:5])
    beyond = road.positions_at(np.array([road.length, road.length + 10.0]))
    assert math.isclose(np.linalg.norm(beyond[1] - beyond[0]), 10.0, rel_tol=1e-4)
    direction = math.atan2(*(beyond[1] - beyond[0])[[1, 0]])
    assert math.isclose(direction, road.heading[-1], abs_tol=0.01)


@pytest.mark.parametrize(
    "changes",
    [
        {"length": -1.0},
        {"spacing": math.nan},
        {"min_radius": 5.0},
        {"min_radius": 300.0},
        {"max_heading": 1.55},
    ],
)
def test_impossible_roads_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(InvalidOption):
        RoadConfig(**changes)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_face_is_degenerate_and_all_face_up(seed: int) -> None:
    geometry = make_geometry(seed)
    normals = face_normals(geometry)
    areas = np.linalg.norm(normals, axis=1)
    assert areas.min() > 0.02 and (normals[:, 2] > 0.0).all()
    paved = np.isin(labels(geometry), ["road", "lane_marking", "shoulder"])
    assert (normals[paved, 2] / areas[paved]).min() > 0.99
    assert np.allclose(np.linalg.norm(geometry.mesh.normals, axis=1), 1.0, atol=1e-5)


def test_geometry_fills_the_announced_arena() -> None:
    geometry = make_geometry(0)
    sizes = len(geometry.mesh.positions), len(geometry.mesh.faces), len(geometry.face_splits) - 1
    assert sizes == arena_size(CONFIG)
    scene = Scene()
    scene.add_arena(*arena_size(CONFIG), all_surfaces())
    SceneState(scene, 1).set_arena(0, geometry.mesh, geometry.vertex_splits, geometry.face_splits)


@pytest.mark.parametrize("seed", [0, 5])
def test_strips_and_land_share_their_borders(seed: int) -> None:
    """Seen from above, the mesh has one outline: every inner edge is shared by two faces."""
    geometry = make_geometry(seed)
    _, vertex = np.unique(geometry.mesh.positions, axis=0, return_inverse=True)
    faces = vertex.ravel()[geometry.mesh.faces]
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    assert len(np.unique(directed, axis=0)) == len(directed)
    twin = {tuple(edge) for edge in directed[:, ::-1]}
    open_edges = np.array([edge for edge in directed if tuple(edge) not in twin])
    positions = np.unique(geometry.mesh.positions, axis=0)[open_edges].mean(axis=1)
    road = geometry.road
    inside = road.points[(road.points[:, 0] > 5.0)]
    gaps = np.linalg.norm(positions[:, None, :2] - inside[::10, :2], axis=2).min(axis=1)
    assert (gaps > 30.0).all()


def test_lanes_and_lines_are_as_wide_as_they_should_be() -> None:
    geometry = next(each for each in map(make_geometry, range(20)) if "shoulder" in labels(each))
    road, mesh, kind = geometry.road, geometry.mesh, labels(geometry)
    middle = slice(100, 1400)
    lateral_of = {}
    for name in ("road", "lane_marking", "shoulder"):
        points = mesh.positions[np.unique(mesh.faces[kind == name])].astype(np.float64)
        offsets = points[:, None, :2] - road.points[middle, :2]
        nearest = np.linalg.norm(offsets, axis=2).argmin(axis=1)
        nearest, points = nearest[(nearest > 5) & (nearest < 1290)], points[(nearest > 5) & (nearest < 1290)]
        heading = road.heading[middle][nearest]
        left = np.stack([-np.sin(heading), np.cos(heading)], axis=1)
        lateral_of[name] = np.einsum("ij,ij->i", points[:, :2] - road.points[middle, :2][nearest], left)
    assert np.abs(lateral_of["road"]).max() == pytest.approx(road.lane_width, abs=1e-3)
    assert np.abs(lateral_of["lane_marking"]).max() == pytest.approx(road.lane_width + EDGE_LINE, abs=1e-3)
    assert np.abs(lateral_of["shoulder"]).max() == pytest.approx(road.half_width, abs=1e-3)


@pytest.mark.parametrize("kind", SHOULDERS)
def test_a_shoulder_of_grass_is_terrain(kind: str) -> None:
    rng = np.random.default_rng(0)
    geometry = build_geometry(generate_road(rng, CONFIG), RoadAppearance(shoulder=kind), rng)
    assert ("shoulder" in labels(geometry)) == (kind != "grass")


def test_a_third_of_the_center_line_is_painted() -> None:
    geometry = make_geometry(0)
    mesh, areas = geometry.mesh, 0.5 * np.linalg.norm(face_normals(geometry), axis=1)
    center, edge = len(mesh.surfaces) - 1, 1
    painted = areas[mesh.face_surfaces == center].sum() / areas[mesh.face_surfaces == edge].sum()
    assert painted == pytest.approx(0.24 / EDGE_LINE / 2.0 / 3.0, rel=0.02)


@pytest.mark.parametrize("seed", SEEDS)
def test_points_on_the_land_lie_on_its_triangles_and_outside_the_verges(seed: int) -> None:
    geometry = make_geometry(seed)
    rng = np.random.default_rng(seed)
    shape = geometry.terrain.points.shape
    side = rng.integers(0, 2, 50)
    column, row = rng.uniform(0, shape[1] - 1, 50), rng.uniform(0, 3, 50)
    land = geometry.terrain.at(side, column, row)
    edge = geometry.terrain.at(side, column, np.zeros(50))
    assert np.allclose(land[:, 0], edge[:, 0], atol=1e-9)
    assert (np.where(side == 0, 1.0, -1.0) * (land[:, 1] - edge[:, 1]) >= 0.0).all()
    corner = geometry.terrain.at(side, column.astype(int), row.astype(int))
    assert np.array_equal(corner, geometry.terrain.points[side, column.astype(int), row.astype(int)])
    whole = geometry.terrain.points[..., 0, :2].reshape(-1, 2)
    stations = geometry.road.positions_at(geometry.distances)[:, :2]
    gaps = np.linalg.norm(whole[:, None] - stations, axis=2).min(axis=1)
    assert gaps.min() == pytest.approx(geometry.road.half_width + VERGE, abs=0.3)


def test_same_seed_same_geometry() -> None:
    first, second = make_geometry(7), make_geometry(7)
    assert np.array_equal(first.mesh.positions, second.mesh.positions)
    assert np.array_equal(first.mesh.face_surfaces, second.mesh.face_surfaces)


def test_unknown_line_colors_are_refused() -> None:
    with pytest.raises(InvalidOption, match="yellow"):
        RoadAppearance(center_line="yelow")
