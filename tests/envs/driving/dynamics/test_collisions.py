"""Oriented boxes against a polygon library."""

import numpy as np
import pytest
import shapely

from camshaft.envs.driving.dynamics.collisions import (
    box_corners,
    find_hit_obstacles,
    find_overlaps,
    hits_static,
)

BOXES = 120
NEAR = 1e-6  # meters, tolerance of touching


def random_boxes(seed, count=BOXES, spread=25.0):
    """(count, 5) x, y, heading, length, width, from bicycles to buses; some aligned with the axes."""
    rng = np.random.default_rng(seed)
    headings = rng.uniform(-10.0, 10.0, count)
    headings[::6] = 0.5 * np.pi * rng.integers(-4, 5, len(headings[::6]))
    return np.column_stack(
        [
            rng.uniform(-spread, spread, (count, 2)),
            headings,
            rng.uniform(0.3, 13.0, count),
            rng.uniform(0.3, 3.0, count),
        ]
    )


def polygons(boxes):
    return np.array([shapely.Polygon(box_corners(*box)) for box in boxes])


def overlaps_with(boxes, number, present=None):
    hits = np.zeros((1, len(boxes)), bool)
    present = np.ones(len(boxes), bool) if present is None else present
    find_overlaps(
        np.ascontiguousarray(boxes[None, :, :3]),
        np.ascontiguousarray(boxes[None, :, 3]),
        np.ascontiguousarray(boxes[None, :, 4]),
        present[None],
        number,
        hits,
    )
    return hits[0]


@pytest.mark.parametrize("seed", range(4))
def test_boxes_overlap_exactly_where_their_polygons_do(seed):
    boxes = random_boxes(seed)
    outlines = polygons(boxes)
    counted = 0
    for number, outline in enumerate(outlines):
        hits = overlaps_with(boxes, number)
        expected = shapely.intersects(outline, outlines)
        # Depth of the overlap, or distance: if it is about zero, either answer is right.
        clear = (shapely.area(shapely.intersection(outline, outlines)) > NEAR) | (
            shapely.distance(outline, outlines) > NEAR
        )
        clear[number] = False
        np.testing.assert_array_equal(hits[clear], expected[clear])
        assert not hits[number]
        counted += int(hits.sum())
    assert counted > 200  # enough boxes do overlap


def test_overlap_is_symmetric_and_independent_of_the_origin():
    boxes = random_boxes(11, 60)
    table = np.array([overlaps_with(boxes, number) for number in range(len(boxes))])
    np.testing.assert_array_equal(table, table.T)
    turn, shift = 0.77, np.array([130.0, -45.0])
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = boxes.copy()
    moved[:, :2] = boxes[:, :2] @ rotation.T + shift
    moved[:, 2] += turn
    again = np.array([overlaps_with(moved, number) for number in range(len(moved))])
    np.testing.assert_array_equal(table, again)


def test_crossed_boxes_overlap_though_no_corner_is_inside():
    boxes = np.array([[0.0, 0.0, 0.0, 12.0, 1.0], [0.0, 0.0, 0.5 * np.pi, 12.0, 1.0]])
    assert overlaps_with(boxes, 0).tolist() == [False, True]


def test_a_box_within_another_overlaps_it():
    boxes = np.array([[0.0, 0.0, 0.3, 12.0, 4.0], [0.5, 0.2, 1.1, 0.5, 0.5]])
    assert overlaps_with(boxes, 0).tolist() == [False, True]
    assert overlaps_with(boxes, 1).tolist() == [True, False]


@pytest.mark.parametrize(("gap", "hit"), [(-0.01, True), (0.01, False)])
def test_a_centimeter_decides(gap, hit):
    boxes = np.array([[0.0, 0.0, 0.0, 4.0, 2.0], [4.0 + gap, 0.0, 0.0, 4.0, 2.0]])
    assert overlaps_with(boxes, 0)[1] == hit
    corner = np.array(
        [[0.0, 0.0, 0.0, 4.0, 2.0], [2.0 + 0.5 * np.sqrt(2) + gap, 0.0, 0.25 * np.pi, 1.0, 1.0]]
    )
    assert overlaps_with(corner, 0)[1] == hit


def test_absent_boxes_are_not_hit():
    boxes = np.array([[0.0, 0.0, 0.0, 4.0, 2.0]] * 3)
    assert overlaps_with(boxes, 0, np.array([True, False, True])).tolist() == [False, False, True]


@pytest.mark.parametrize("seed", range(3))
def test_obstacles_are_hit_where_their_polygons_are(seed):
    obstacles = random_boxes(100 + seed, 30)
    outlines = polygons(obstacles)
    cars = random_boxes(200 + seed, 200, 40.0)
    for car in cars:
        outline = shapely.Polygon(box_corners(*car))
        first = hits_static(car[:3].copy(), car[3], car[4], obstacles, len(obstacles))
        expected = np.flatnonzero(shapely.intersects(outline, outlines))
        assert first == (expected[0] if len(expected) else -1)
    first_ten = [hits_static(car[:3].copy(), car[3], car[4], obstacles, 10) for car in cars]
    assert max(first_ten) < 10  # the rest is ignored


def test_each_world_has_its_own_obstacles():
    poses = np.zeros((3, 3))
    obstacles = np.zeros((3, 2, 5))
    obstacles[:, :, 3:] = 1.0
    obstacles[:, :, 0] = 50.0
    obstacles[1, 1, 0] = 2.0
    struck = np.zeros(3, bool)
    find_hit_obstacles(poses, 4.0, 2.0, obstacles, np.array([2, 2, 2]), struck)
    assert struck.tolist() == [False, True, False]
    find_hit_obstacles(poses, 4.0, 2.0, obstacles, np.array([2, 1, 0]), struck)
    assert not struck.any()


def test_corners_are_those_of_a_box():
    corners = box_corners(1.0, 2.0, 0.5, 4.0, 2.0)
    outline = shapely.Polygon(corners)
    assert outline.area == pytest.approx(8.0) and outline.exterior.is_ccw
    assert outline.centroid.coords[0] == pytest.approx((1.0, 2.0))
    edge = corners[0] - corners[1]
    assert np.arctan2(edge[1], edge[0]) == pytest.approx(0.5)
