"""Plane curves: arcs, clothoids, joins, chains, splines."""

import math

import numpy as np
import pytest
import shapely

from camshaft.envs.driving.road_network.curves import Pose, arc, bend, chain, join, straight, through

# Curves.


def test_an_arc_is_a_circle_and_its_parallel_has_the_other_radius():
    curve = arc(Pose(3.0, -2.0, 0.4), 40.0, 1.0 / 25.0)
    center = Pose(3.0, -2.0, 0.4).moved(0.0, 25.0).point
    assert np.linalg.norm(curve.points - center, axis=1) == pytest.approx(25.0, abs=1e-6)
    beside = curve.parallel(5.0)
    assert np.linalg.norm(beside.points - center, axis=1) == pytest.approx(20.0, abs=0.01)
    assert beside.length == pytest.approx(40.0 * 20.0 / 25.0, rel=1e-4)
    assert beside.curvature == pytest.approx(1.0 / 20.0)


def test_a_clothoid_is_the_fresnel_integral():
    from scipy.special import fresnel

    length, rate = 80.0, 1.0 / 1500.0
    curve = bend(Pose(0.0, 0.0, 0.0), [length], [0.0, length * rate])
    scale = math.sqrt(math.pi / rate)
    sine, cosine = fresnel(curve.spacing * np.arange(len(curve.points)) / scale)
    assert curve.points == pytest.approx(scale * np.stack([cosine, sine], axis=1), abs=1e-6)
    assert curve.heading[-1] == pytest.approx(0.5 * rate * length**2)


def test_a_reversed_curve_has_the_same_points_and_opposite_headings():
    curve = bend(Pose(1.0, 2.0, 0.3), [20.0, 20.0], [0.0, 0.02, -0.01])
    back = curve.reversed()
    assert back.points[0] == pytest.approx(curve.points[-1])
    assert back.at(5.0)[0] == pytest.approx(curve.at(curve.length - 5.0)[0])
    assert back.curvature[0] == pytest.approx(-curve.curvature[-1])
    assert back.parallel(-2.0).points[-1] == pytest.approx(curve.parallel(2.0).points[0], abs=1e-3)


@pytest.mark.parametrize("turn", [-2.0, -0.5, 0.0, 1.0, 2.4])
def test_a_join_begins_and_ends_at_the_given_poses(turn):
    start, end = Pose(0.0, 0.0, 0.2), Pose(20.0, 9.0, 0.2 + turn)
    curve = join(start, end)
    assert curve.points[[0, -1]] == pytest.approx(np.array([start.point, end.point]))
    assert curve.heading[[0, -1]] == pytest.approx([0.2, 0.2 + turn], abs=1e-6)
    steps = np.linalg.norm(np.diff(curve.points, axis=0), axis=1)
    assert steps == pytest.approx(curve.spacing, rel=0.08)  # chords of tight bends


def test_chained_curves_are_as_long_as_their_parts():
    first = straight(Pose(0.0, 0.0, 0.0), 10.3)
    second = arc(first.end, 7.1, -0.1)
    curve = chain([first, second])
    assert curve.length == pytest.approx(17.4)
    assert curve.end.point == pytest.approx(second.end.point)


def test_a_spline_passes_its_points():
    knots = [(0.0, 0.0), (10.0, 1.0), (20.0, 4.0), (30.0, 4.0)]
    curve = through(knots, 0.0)
    line = shapely.LineString(curve.points)
    assert all(line.distance(shapely.Point(knot)) < 0.05 for knot in knots)


def test_too_tight_a_bend_has_no_parallel():
    with pytest.raises(ValueError, match=r"bend of 6\.0 m"):
        arc(Pose(0.0, 0.0, 0.0), 10.0, 1.0 / 6.0).parallel(5.9)
