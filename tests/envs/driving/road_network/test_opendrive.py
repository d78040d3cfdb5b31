"""OpenDRIVE files: geometry, lanes, links, junctions, signs."""

import math
import warnings
from functools import partial

import gymnasium
import numpy as np
import pytest
import shapely
from opendrive_samples import (
    document,
    export,
    geometry,
    read_strictly,
    road,
    section,
    simple_road,
    tag,
    two_junctions,
    two_roads,
)
from opendrive_samples import lane as lane_text
from small_maps import check_links

from camshaft import envs  # noqa: F401  registers the tasks
from camshaft.envs.driving.road_network.curves import Pose, bend
from camshaft.envs.driving.road_network.elements import (
    DASHED,
    FREE,
    LIGHT,
    RIGHT,
    SOLID,
    STOP,
    YIELD,
    lane_polygon,
)
from camshaft.envs.driving.road_network.opendrive import OpenDriveWarning, read_opendrive
from camshaft.envs.driving.road_network.town import TownConfig, generate_town
from camshaft.envs.driving.tasks.town import Town, TownTaskConfig
from camshaft.experiments.benchmarks.towns import find_faults


@pytest.fixture
def read(tmp_path):
    return partial(read_strictly, tmp_path)


def line_of(read, shape, length, **more):
    """The reference line of a road of one piece."""
    return read(document(simple_road(shape, length, **more))).roads[0].curve


# Reference lines.


def test_a_line_is_straight(read):
    curve = line_of(read, "<line/>", 80.0, x=3.0, y=4.0, heading=0.6)
    assert curve.length == pytest.approx(80.0)
    assert curve.at(50.0)[0] == pytest.approx([3.0 + 50.0 * math.cos(0.6), 4.0 + 50.0 * math.sin(0.6)])


@pytest.mark.parametrize("radius", [25.0, -40.0])
def test_an_arc_lies_on_its_circle(read, radius):
    curve = line_of(read, tag("arc", curvature=1.0 / radius), 60.0, heading=1.0)
    center = Pose(0.0, 0.0, 1.0).moved(0.0, radius).point
    assert np.linalg.norm(curve.points - center, axis=1) == pytest.approx(abs(radius), abs=0.01)
    assert curve.length == pytest.approx(60.0, abs=0.01)
    assert curve.curvature == pytest.approx(1.0 / radius, rel=0.02)
    assert curve.heading[-1] - curve.heading[0] == pytest.approx(60.0 / radius, abs=1e-3)


@pytest.mark.parametrize(
    ("first", "last"), [(0.0, 0.03), (0.03, 0.0), (-0.02, 0.04), (0.01, 0.0101), (-0.03, -0.01)]
)
def test_a_spiral_is_the_integral_of_its_curvature(read, first, last):
    curve = line_of(read, tag("spiral", curvStart=first, curvEnd=last), 70.0, x=5.0, y=-2.0, heading=0.4)
    fine = np.linspace(0.0, 70.0, 200_001)
    heading = 0.4 + first * fine + 0.5 * (last - first) / 70.0 * fine**2
    step = fine[1]
    middle = 0.5 * (heading[1:] + heading[:-1])
    exact = np.concatenate(
        [
            [[5.0, -2.0]],
            np.cumsum(step * np.stack([np.cos(middle), np.sin(middle)], axis=1), axis=0)
            + np.array([5.0, -2.0]),
        ]
    )
    here = np.linspace(0.0, 70.0, len(curve.points))
    expected = np.stack([np.interp(here, fine, exact[:, axis]) for axis in range(2)], axis=1)
    assert curve.points == pytest.approx(expected, abs=0.01)
    own = bend(Pose(5.0, -2.0, 0.4), [70.0], [first, last])
    assert curve.end.point == pytest.approx(own.end.point, abs=1e-3)
    assert curve.heading[-1] == pytest.approx(heading[-1], abs=2e-3)


def test_a_cubic_polynomial_is_y_over_x(read):
    factors = {"a": 0.0, "b": 0.1, "c": -0.004, "d": 0.0001}
    x = np.linspace(0.0, 50.0, 5001)
    y = x * (0.1 + x * (-0.004 + x * 0.0001))
    length = float(np.hypot(np.diff(x), np.diff(y)).sum())
    curve = line_of(read, tag("poly3", **factors), length)
    exact = shapely.LineString(np.stack([x, y], axis=1))
    assert max(exact.distance(shapely.Point(point)) for point in curve.points) < 0.01
    assert curve.end.point == pytest.approx([50.0, y[-1]], abs=0.02)


@pytest.mark.parametrize("span", ["normalized", "arcLength"])
def test_a_parametric_cubic_goes_through_its_points(read, span):
    u, v = np.array([0.0, 60.0, 4.0, -6.0]), np.array([0.0, 0.0, 30.0, -18.0])
    p = np.linspace(0.0, 1.0, 5001)
    points = np.stack([np.polyval(u[::-1], p), np.polyval(v[::-1], p)], axis=1)
    length = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
    scale = 1.0 if span == "normalized" else length
    factors = {f"{name}{axis}": value / scale**power
               for axis, row in (("U", u), ("V", v))
               for power, (name, value) in enumerate(zip("abcd", row, strict=True))}  # fmt: skip
    curve = line_of(read, tag("paramPoly3", **factors, pRange=span), length)
    exact = shapely.LineString(points)
    assert max(exact.distance(shapely.Point(point)) for point in curve.points) < 0.01
    assert curve.end.point == pytest.approx(points[-1], abs=0.01)
    assert curve.length == pytest.approx(length, rel=1e-3)


def test_pieces_follow_one_another(read):
    first = geometry("<line/>", 0.0, 0.0, 0.0, 0.0, 40.0)
    second = geometry(tag("arc", curvature=0.02), 40.0, 40.0, 0.0, 0.0, 30.0)
    network = read(document(road(1, [first, second], [section(lane_text(1), lane_text(-1))], 70.0)))
    curve = network.roads[0].curve
    assert curve.length == pytest.approx(70.0, abs=0.01)
    assert np.linalg.norm(np.diff(curve.points, axis=0), axis=1) == pytest.approx(curve.spacing, rel=0.01)
    assert curve.heading[-1] == pytest.approx(0.6, abs=2e-3)


# Lanes.


def test_lanes_lie_beside_the_reference_line_and_lead_the_right_way(read):
    network = read(
        document(simple_road(sections=[section(lane_text(2, 3.0), lane_text(1, 3.5), lane_text(-1, 4.0))]))
    )
    assert [len(side) for side in (network.roads[0].forward, network.roads[0].backward)] == [1, 2]
    ahead, inner, outer = (
        network.lanes[number] for number in (*network.roads[0].forward, *network.roads[0].backward)
    )
    assert ahead.curve.points[:, 1] == pytest.approx(-2.0)
    assert inner.curve.points[:, 1] == pytest.approx(1.75)
    assert outer.curve.points[:, 1] == pytest.approx(5.0)
    assert ahead.curve.points[0, 0] < ahead.curve.points[-1, 0]
    assert inner.curve.points[0, 0] > inner.curve.points[-1, 0]
    assert (ahead.width, inner.width, outer.width) == pytest.approx((4.0, 3.5, 3.0))
    assert (inner.right, outer.left) == (outer.index, inner.index)
    assert ahead.left == -1  # oncoming


def test_widths_are_polynomials_from_piece_to_piece(read):
    widths = [(0, 3.0, 0.0, 0.0, 0.0), (50, 3.0, 0.04, 0.0, 0.0)]
    network = read(
        document(simple_road(sections=[section(lane_text(-1, widths=widths), lane_text(-2, 3.0))]))
    )
    outer = network.lanes[network.roads[0].forward[1]]
    x, y = outer.curve.points.T
    assert y == pytest.approx(-(3.0 + 0.04 * np.maximum(x - 50.0, 0.0)) - 1.5, abs=0.02)


def test_the_middle_of_the_road_may_be_offset(read):
    offsets = tag("laneOffset", s=0, a=0, b=0, c=0, d=0) + tag("laneOffset", s=40, a=0, b=0.05, c=0, d=0)
    network = read(document(simple_road(offsets=offsets)))
    (forward,) = network.roads[-1].forward
    x, y = network.lanes[forward].curve.points.T
    assert y == pytest.approx(0.05 * np.maximum(x - 40.0, 0.0) - 1.75, abs=0.02)


def test_borders_say_the_same_as_widths(read):
    text = document(simple_road(sections=[section(lane_text(1), lane_text(-1, 3.0), lane_text(-2, 2.5))]))
    right = text.index("<right>")
    bordered = text[:right] + text[right:].replace("<width", "<border").replace('a="2.5"', 'a="5.5"')
    assert "border" in bordered
    one, other = read(text), read(bordered, "borders.xodr")
    for first, second in zip(one.lanes, other.lanes, strict=True):
        assert first.curve.points == pytest.approx(second.curve.points)
        assert first.width == pytest.approx(second.width)


def test_only_lanes_for_driving_are_driven_and_what_is_paved_is_paved(read):
    lanes = section(
        lane_text(-1),
        lane_text(-2, 1.5, "biking"),
        lane_text(-3, 0.2, "curb"),
        lane_text(-4, 2.0, "sidewalk"),
        lane_text(1),
        lane_text(2, 1.0, "shoulder"),
        lane_text(3, 4.0, "none"),
    )
    network = read(document(simple_road(sections=[lanes])))
    (own,) = network.roads
    assert (len(own.forward), len(own.backward)) == (1, 1)
    assert own.edges[0] == pytest.approx(4.5, abs=0.11) and own.edges[1] == pytest.approx(-5.0, abs=0.11)
    assert own.sidewalks == pytest.approx((0.0, 2.2))
    assert len(network.walkways) == 1
    assert network.walkways[0].curve.points[:, 1] == pytest.approx(-6.4, abs=0.4)


def test_a_lane_is_driven_where_it_is_wide_enough(read):
    widths = [(0, 0.0, 0.0, 0.0, 0.0), (40, 0.0, 0.07, 0.0, 0.0), (90, 3.5, 0.0, 0.0, 0.0)]
    network = read(
        document(simple_road(length=200.0, sections=[section(lane_text(-1), lane_text(-2, widths=widths))]))
    )
    lanes = [lane for lane in network.lanes if lane.curve.points[:, 1].mean() < -3.0]
    assert len(lanes) == 1
    begins = 40.0 + 2.0 / 0.07
    assert lanes[0].curve.points[0, 0] == pytest.approx(begins, abs=1.0)
    assert lanes[0].length == pytest.approx(200.0 - begins, abs=1.0)
    inner = [lane for lane in network.lanes if lane is not lanes[0]]
    assert len(inner) == 2 and inner[0].successors == [inner[1].index]
    assert inner[1].right == lanes[0].index and inner[0].right == -1
    # The edge of the paving follows the taper, in pieces.
    along = np.linspace(45.0, 85.0, 9)
    for x in along:
        own = next(r for r in network.roads if r.curve.points[0, 0] <= x <= r.curve.points[-1, 0] + 1e-6)
        _, right = network.paving(own, np.array([x - own.curve.points[0, 0]]))
        assert right[0] == pytest.approx(-3.5 - 0.07 * (x - 40.0) - 0.1, abs=0.2)


def test_speed_limits_of_lanes_go_before_those_of_roads(read):
    fast = tag("speed", sOffset=0, max=30, unit="mph")
    network = read(document(simple_road(sections=[section(lane_text(1), lane_text(-1, more=fast))])))
    limits = {lane.curve.points[0, 1] > 0.0: lane.speed_limit for lane in network.lanes}
    assert limits[True] == pytest.approx(10.0)
    assert limits[False] == pytest.approx(30 * 0.44704)


@pytest.mark.parametrize(
    ("mark", "lines", "outwards", "inwards"),
    [
        ("broken", [DASHED], True, True),
        ("solid", [SOLID], False, False),
        ("none", [], True, True),
        ("solid broken", [SOLID, DASHED], False, True),
        ("broken solid", [DASHED, SOLID], True, False),
        ("solid solid", [SOLID, SOLID], False, False),
    ],
)
def test_road_marks_are_painted_and_obeyed(read, mark, lines, outwards, inwards):
    lanes = section(lane_text(0, mark="none"), lane_text(-1, mark=mark), lane_text(-2))
    network = read(document(simple_road(sections=[lanes])))
    inner, outer = (network.lanes[number] for number in network.roads[0].forward)
    painted = sorted(network.roads[0].lines, reverse=True)
    assert [kind for _, kind in painted] == lines
    assert all(lateral == pytest.approx(-3.5, abs=0.13) for lateral, _ in painted)
    assert (inner.right == outer.index, outer.left == inner.index) == (outwards, inwards)


# Links.


def test_roads_lead_into_each_other(read):
    network = read(two_roads())
    check_links(network)
    (ahead,), (back,) = network.roads[0].forward, network.roads[1].backward
    assert network.lanes[ahead].successors == list(network.roads[1].forward)
    assert network.lanes[back].successors == list(network.roads[0].backward)


def test_a_road_may_be_linked_at_its_end(read):
    first = simple_road(sections=[section(lane_text(1), lane_text(-1, after=1))],
                        links=tag("successor", elementType="road", elementId=2, contactPoint="end"))  # fmt: skip
    second = simple_road(name=2, x=200.0, heading=math.pi,
                         sections=[section(lane_text(1), lane_text(-1, after=1))],
                         links=tag("successor", elementType="road", elementId=1, contactPoint="end"))  # fmt: skip
    network = read(document(first, second))
    check_links(network)
    assert network.lanes[network.roads[0].forward[0]].successors == list(network.roads[1].backward)
    assert network.lanes[network.roads[1].forward[0]].successors == list(network.roads[0].backward)


def test_sections_lead_into_each_other(read):
    sections = [
        section(lane_text(-1, after=-2)),
        section(lane_text(-1), lane_text(-2, before=-1), s=50.0),
    ]
    offsets = tag("laneOffset", s=0, a=0, b=0, c=0, d=0) + tag("laneOffset", s=50, a=3.5, b=0, c=0, d=0)
    network = read(document(simple_road(sections=sections, offsets=offsets)))
    check_links(network)
    (before,) = network.roads[0].forward
    assert network.lanes[before].successors == [network.roads[-1].forward[1]]
    assert network.lanes[before].length == pytest.approx(50.0)


# Junctions: a town, written to a file and read back.


@pytest.fixture(scope="module")
def town():
    kinds = (("lights", 0.4), ("priority", 0.25), ("stop", 0.2), ("right_before_left", 0.15))
    return generate_town(3, TownConfig(kinds=kinds))


@pytest.fixture(scope="module")
def town_file(town, tmp_path_factory):
    path = tmp_path_factory.mktemp("maps") / "town.xodr"
    path.write_text(export(town), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def imported(town_file):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_opendrive(town_file)


@pytest.fixture(scope="module")
def same(town, imported):
    """Lane of the town of each imported lane, by beginning and end."""
    ends = np.array([[*lane.curve.points[0], *lane.curve.points[-1]] for lane in town.lanes])
    found = []
    for lane in imported.lanes:
        away = np.abs(ends - [*lane.curve.points[0], *lane.curve.points[-1]]).max(axis=1)
        assert away.min() < 0.05
        found.append(int(away.argmin()))
    assert sorted(found) == list(range(len(town.lanes)))
    return found


def test_a_town_comes_back_lane_by_lane(town, imported, same):
    for lane, number in zip(imported.lanes, same, strict=True):
        original = town.lanes[number]
        assert lane.length == pytest.approx(original.length, rel=2e-3, abs=0.05)
        assert (lane.width, lane.speed_limit) == pytest.approx((original.width, original.speed_limit))
        line = shapely.LineString(original.curve.points)
        assert max(line.distance(shapely.Point(point)) for point in lane.curve.points) < 0.06
        assert {same[after] for after in lane.successors} == set(original.successors)
        assert {same[before] for before in lane.predecessors} == set(original.predecessors)
        assert lane.turn == original.turn
    check_links(imported, tolerance=0.06)


def test_a_town_comes_back_with_its_rules(town, imported, same):
    assert [junction.kind for junction in imported.junctions] == [
        junction.kind for junction in town.junctions
    ]
    mutual = {(c.lane, c.other): c.yields for c in town.conflicts}
    found = {(same[c.lane], same[c.other]): c.yields for c in imported.conflicts}
    assert found == mutual
    for lane, number in zip(imported.lanes, same, strict=True):
        if (lane.control, town.lanes[number].control) != (FREE, YIELD):  # nothing to yield to
            assert lane.control == town.lanes[number].control
    assert len(imported.signals) == len(town.signals)


def test_a_town_comes_back_whole(imported):
    assert list(find_faults(imported)) == []
    assert len(imported.walkways) > 50


def test_all_lanes_through_a_junction_are_paved(imported):
    for junction in imported.junctions:
        outline = shapely.Polygon(junction.outline)
        assert outline.is_valid and outline.exterior.is_ccw
        for lane in imported.lanes:
            if lane.junction == junction.index:
                assert shapely.Polygon(lane_polygon(lane)).difference(outline).area < 0.3


def test_the_town_task_is_driven_on_a_file(town_file):
    environment = gymnasium.make(
        "camshaft/Town-v0", map=str(town_file), obs_mode="state+rgb", num_vehicles=8, num_people=4
    )
    observation, _ = environment.reset(seed=5)
    assert observation["rgb"].std() > 10.0
    environment.close()
    town = Town(
        2, config=TownTaskConfig(), map=town_file, obs_mode="state", num_vehicles=8, max_episode_steps=1500
    )
    town.reset(seeds=[5, 6])
    done = np.zeros(2, bool)
    for _ in range(1400):
        done |= town.step(town.expert_action()).success
        if done.all():
            break
    assert done.all()


def test_in_a_roundabout_of_junctions_traffic_inside_has_priority(read):
    network = two_junctions()
    group = tag(
        "junctionGroup",
        *(tag("junctionReference", junction=number) for number in range(2)),
        id=9, type="roundabout", name="",
    )  # fmt: skip
    text = export(network).replace("</OpenDRIVE>", f"{group}</OpenDRIVE>")
    imported = read(text)
    assert [junction.kind for junction in imported.junctions] == ["priority", "priority"]
    inside = next(
        own
        for own in imported.roads
        if sum(any(arm.road == own.index for arm in junction.arms) for junction in imported.junctions) == 2
    )
    for number in (*inside.forward, *inside.backward):
        for after in imported.lanes[number].successors:
            assert imported.lanes[after].control in (FREE, YIELD)
    yielding = [lane for lane in imported.lanes if lane.control == YIELD and lane.turn == RIGHT]
    assert yielding
    assert all(imported.lanes[lane.predecessors[0]].road != inside.index for lane in yielding)


@pytest.mark.parametrize(
    ("kind", "control"), [("1000001", LIGHT), ("206", STOP), ("205", YIELD), ("R1-1", STOP)]
)
def test_signals_of_a_road_govern_its_end_at_the_junction(read, kind, control):
    network = two_junctions()
    signal = tag("signal", s=58, t=-4, id="x", dynamic="no", orientation="+", type=kind, subtype="-1")
    text = export(network)
    first = text.index('id="0" junction="-1"')
    place = text.index("</road>", first)
    imported = read(text[:place] + f"<signals>{signal}</signals>" + text[place:])
    lane = imported.lanes[imported.roads[0].forward[0]]
    assert {imported.lanes[after].control for after in lane.successors} == {control}
    others = {lane.control for lane in imported.lanes if lane.junction == 0} - {control}
    assert others <= {FREE, YIELD, LIGHT}


def test_a_map_far_from_the_origin_is_moved_near(tmp_path):
    path = tmp_path / "far.xodr"
    path.write_text(document(simple_road(x=4.5e5, y=5.4e6)), encoding="utf-8")
    with pytest.warns(OpenDriveWarning, match="the map is moved by"):
        network = read_opendrive(path)
    assert np.abs(network.bounds).max() < 200.0
