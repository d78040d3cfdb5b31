"""Road networks: connected lanes, routing, right of way on small maps, and generated towns."""

import itertools
import math

import networkx
import numpy as np
import pytest
import shapely
from small_maps import ARM, EAST, NORTH, SOUTH, WEST, check_links, crossroads, through_lane, way_in, way_out

from camshaft.envs.driving.maps.driving_map import town_map
from camshaft.envs.driving.road_network.arrays import pack
from camshaft.envs.driving.road_network.builder import NetworkBuilder
from camshaft.envs.driving.road_network.circuit import CircuitConfig, generate_circuit
from camshaft.envs.driving.road_network.curves import Pose, straight
from camshaft.envs.driving.road_network.elements import (
    FOLLOW,
    FREE,
    LEFT,
    LIGHT,
    RIGHT,
    STOP,
    STRAIGHT,
    YIELD,
    Arm,
    lane_polygon,
)
from camshaft.envs.driving.road_network.footpaths import add_footpaths
from camshaft.envs.driving.road_network.highway import HighwayConfig, generate_highway
from camshaft.envs.driving.road_network.junctions import add_junction
from camshaft.envs.driving.road_network.route import ANNOUNCED, make_route
from camshaft.envs.driving.road_network.shortest_paths import ShortestPaths
from camshaft.envs.driving.road_network.town import TownConfig, generate_town
from camshaft.envs.errors import CamshaftError, InvalidOption
from camshaft.experiments.benchmarks.towns import find_faults, find_overlaps, find_unreachable

SEEDS = (0, 7, 36, 120, 555)


def yields_to(network, one, other):
    """Whether the first of two lanes yields to the second; None if they do not conflict."""
    found = [c for c in network.conflicts if c.lane == one.index and c.other == other.index]
    assert len(found) <= 1
    return found[0].yields if found else None


# Connections.


@pytest.mark.parametrize("kind", ["lights", "priority", "stop", "right_before_left", "roundabout"])
def test_lanes_of_a_crossroads_meet_where_they_are_linked(kind):
    check_links(crossroads(kind))


@pytest.mark.parametrize("start", range(4))
def test_a_crossroads_leads_left_straight_and_right(start):
    network = crossroads("lights")
    turns = [through_lane(network, start, (start + step) % 4).turn for step in (1, 2, 3)]
    # Traffic from the east drives west: the next arm counter-clockwise is on its right.
    assert turns == [RIGHT, STRAIGHT, LEFT]


def test_a_t_junction_has_only_its_own_directions():
    network = crossroads("priority", (EAST, NORTH, WEST))
    north = network.lanes[way_in(network, NORTH)]
    assert sorted(network.lanes[lane].turn for lane in north.successors) == [LEFT, RIGHT]
    east = network.lanes[way_in(network, EAST)]
    assert sorted(network.lanes[lane].turn for lane in east.successors) == [STRAIGHT, RIGHT]


def test_of_two_lanes_the_inner_one_turns_left_and_the_outer_one_right():
    network = crossroads("lights", lanes=2)
    inner, outer = (network.lanes[lane] for lane in network.roads[EAST].backward)
    assert {network.lanes[lane].turn for lane in inner.successors} == {LEFT, STRAIGHT}
    assert {network.lanes[lane].turn for lane in outer.successors} == {RIGHT, STRAIGHT}
    for lane in (*inner.successors, *outer.successors):
        goal = network.lanes[network.lanes[lane].successors[0]]
        road = network.roads[goal.road]
        if network.lanes[lane].turn == STRAIGHT:
            same = network.roads[EAST].backward.index(network.lanes[lane].predecessors[0])
            assert road.forward.index(goal.index) == same


# Routing.


def test_the_path_through_a_crossroads():
    network = crossroads("priority")
    routes = ShortestPaths(network)
    start, goal = way_in(network, EAST), way_out(network, SOUTH)
    middle = through_lane(network, EAST, SOUTH)
    assert routes.find(start, goal) == [start, middle.index, goal]
    assert routes.meters[start, goal] == pytest.approx(network.lanes[start].length + middle.length)


def test_without_a_path_the_error_names_the_lanes():
    network = crossroads("priority")
    with pytest.raises(CamshaftError, match=f"lane {way_out(network, EAST)} to lane {way_in(network, EAST)}"):
        ShortestPaths(network).find(way_out(network, EAST), way_in(network, EAST))


def test_paths_are_as_short_as_those_of_networkx():
    network = generate_town(3)
    graph = networkx.DiGraph()
    for lane in network.lanes:
        graph.add_weighted_edges_from((lane.index, after, lane.length) for after in lane.successors)
        graph.add_weighted_edges_from(
            (lane.index, beside, 20.0) for beside in (lane.left, lane.right) if beside >= 0
        )
    routes = ShortestPaths(network)
    for start in range(0, len(network.lanes), 17):
        expected = networkx.single_source_dijkstra_path_length(graph, start)
        assert routes.meters[start] == pytest.approx([expected[lane.index] for lane in network.lanes])
        way = routes.find(start, 5)
        length = networkx.path_weight(graph, way, "weight") if len(way) > 1 else 0.0
        assert length == pytest.approx(expected[5])


def test_a_route_lies_on_its_lanes_and_says_where_to_turn_and_stop():
    network = crossroads("stop", major=(EAST, WEST))
    way = ShortestPaths(network).find(way_in(network, NORTH), way_out(network, WEST))
    route = make_route(network, way, 5.0, 40.0)
    into, middle = network.lanes[way[0]], network.lanes[way[1]]
    assert route.curve.length == pytest.approx(into.length - 5.0 + middle.length + 40.0, abs=0.02)
    for lane, along, point in zip(route.lane_at, route.along_at, route.curve.points, strict=True):
        assert np.linalg.norm(network.lanes[lane].curve.at(along)[0] - point) < 0.1
    (stop,) = route.stops
    assert (stop.lane, stop.control) == (middle.index, STOP)
    assert stop.distance == pytest.approx(into.length - 5.0 - into.stop_gap, abs=1e-6)
    distance = route.curve.spacing * np.arange(len(route.curve.points))
    enters, leaves = into.length - 5.0, into.length - 5.0 + middle.length
    told = route.command_at == middle.turn
    assert told[(distance > enters - ANNOUNCED + 1.5) & (distance < leaves - 1.5)].all()
    assert (route.command_at[distance < enters - ANNOUNCED - 1.5] == FOLLOW).all()
    assert (route.command_at[distance > leaves + 1.5] == FOLLOW).all()


def test_a_route_changes_lanes_without_a_jump():
    network = crossroads("lights", lanes=2)
    outer = way_in(network, EAST, 1)
    way = ShortestPaths(network).find(outer, way_out(network, SOUTH))
    assert way[:2] == [outer, way_in(network, EAST, 0)]
    route = make_route(network, way, 3.0, 30.0)
    assert len(route.changes) == 1 and route.changes[0][1] == way[1]
    assert np.linalg.norm(np.diff(route.curve.points, axis=0), axis=1).max() < 1.05
    assert np.abs(np.diff(route.curve.heading)).max() < 0.25


# Right of way.


def test_conflicts_are_seen_from_both_sides():
    network = crossroads("lights", lanes=2)
    spans = {
        (c.lane, c.other): (c.begin, c.end, c.other_begin, c.other_end, c.yields) for c in network.conflicts
    }
    assert len(spans) == len(network.conflicts)
    for (one, other), (begin, end, other_begin, other_end, yields) in spans.items():
        assert spans[other, one][:4] == (other_begin, other_end, begin, end)
        assert not (yields and spans[other, one][4])


@pytest.mark.parametrize("kind", ["lights", "priority", "roundabout"])
def test_lanes_conflict_exactly_where_two_cars_would_touch(kind):
    network = crossroads(kind)
    listed = {(c.lane, c.other) for c in network.conflicts}
    lines = {
        lane.index: shapely.LineString(lane.curve.points) for lane in network.lanes if lane.junction >= 0
    }
    for one, other in itertools.permutations(lines, 2):
        first, second = network.lanes[one], network.lanes[other]
        if set(first.predecessors) & set(second.predecessors) or {one, other} & {
            *first.successors,
            *second.successors,
        }:
            assert (one, other) not in listed
        elif lines[one].distance(lines[other]) < 1.8:
            assert (one, other) in listed
        elif lines[one].distance(lines[other]) > 2.4:
            assert (one, other) not in listed


def test_the_span_of_a_conflict_holds_where_the_lanes_cross():
    network = crossroads("priority", major=(EAST, WEST))
    one, other = through_lane(network, EAST, WEST), through_lane(network, SOUTH, NORTH)
    conflict = next(c for c in network.conflicts if (c.lane, c.other) == (one.index, other.index))
    crossing = shapely.LineString(one.curve.points).intersection(shapely.LineString(other.curve.points))
    along = shapely.LineString(one.curve.points).project(crossing)
    assert conflict.begin < along < conflict.end
    assert conflict.end - conflict.begin == pytest.approx(2 * 2.3, abs=2.1)


def test_the_major_road_goes_first():
    network = crossroads("priority", major=(EAST, WEST))
    ahead, oncoming = through_lane(network, EAST, WEST), through_lane(network, WEST, EAST)
    minor, left = through_lane(network, SOUTH, NORTH), through_lane(network, WEST, NORTH)
    assert yields_to(network, minor, ahead) and not yields_to(network, ahead, minor)
    assert yields_to(network, left, ahead) and not yields_to(network, ahead, left)
    assert yields_to(network, ahead, oncoming) is None
    assert (ahead.control, left.control, minor.control) == (FREE, YIELD, YIELD)
    minor_left = through_lane(network, SOUTH, WEST)
    assert yields_to(network, minor_left, through_lane(network, NORTH, SOUTH))


def test_at_stop_signs_the_minor_road_stops():
    network = crossroads("stop", major=(EAST, WEST))
    assert through_lane(network, SOUTH, NORTH).control == STOP
    assert through_lane(network, NORTH, WEST).control == STOP
    assert through_lane(network, EAST, WEST).control == FREE


@pytest.mark.parametrize("start", range(4))
def test_right_goes_before_left(start):
    network = crossroads("right_before_left")
    right = (start + 1) % 4  # counter-clockwise: on the right of incoming traffic
    ahead = through_lane(network, start, (start + 2) % 4)
    from_right = through_lane(network, right, (right + 2) % 4)
    assert yields_to(network, ahead, from_right) and not yields_to(network, from_right, ahead)
    left_turn, oncoming = through_lane(network, start, (start + 3) % 4), (start + 2) % 4
    assert yields_to(network, left_turn, through_lane(network, oncoming, start))
    assert not yields_to(network, through_lane(network, oncoming, start), left_turn)


def test_at_lights_left_turns_yield_to_oncoming_traffic_of_the_same_phase():
    network = crossroads("lights")
    left, oncoming = through_lane(network, EAST, SOUTH), through_lane(network, WEST, EAST)
    assert left.control == oncoming.control == LIGHT
    assert left.signal == oncoming.signal
    assert yields_to(network, left, oncoming) and not yields_to(network, oncoming, left)


def test_the_main_road_is_the_one_in_line():
    network = crossroads("stop", (EAST, NORTH, WEST))
    assert through_lane(network, NORTH, WEST).control == STOP
    assert through_lane(network, EAST, WEST).control == FREE


def test_traffic_in_a_roundabout_has_priority():
    network = crossroads("roundabout")
    entries = [lane for lane in network.lanes if lane.junction >= 0 and lane.control == YIELD]
    assert len(entries) == 4
    assert all(conflict.yields == (network.lanes[conflict.lane].control == YIELD)
               for conflict in network.conflicts
               if network.lanes[conflict.other].control != YIELD)  # fmt: skip
    assert all(any(c.lane == entry.index and c.yields for c in network.conflicts) for entry in entries)
    for start, goal in itertools.permutations(range(4), 2):
        way = ShortestPaths(network).find(way_in(network, start), way_out(network, goal))
        turned = sum(
            network.lanes[lane].curve.heading[-1] - network.lanes[lane].curve.heading[0]
            for lane in way
            if network.lanes[lane].width == 5.0
        )
        assert turned > 0.0  # counter-clockwise around the island


def test_people_cross_every_arm_that_has_sidewalks():
    network = crossroads("lights", sidewalks=(2.6, 2.6))
    assert len(network.crossings) == 4
    for crossing in network.crossings:
        line = shapely.LineString(crossing.line)
        assert len(crossing.lanes) == 2
        for lane, along in crossing.lanes:
            assert line.distance(shapely.Point(network.lanes[lane].curve.at(along)[0])) < 1e-6
        assert not crossing.zebra and crossing.signal >= 0
    assert not crossroads("lights").crossings
    assert all(crossing.zebra for crossing in crossroads("priority", sidewalks=(2.6, 2.6)).crossings)


def test_footpaths_go_all_the_way_around():
    builder = NetworkBuilder("path")
    roads = [
        builder.add_road(
            straight(Pose(0.0, 0.0, angle).moved(12.0), ARM), speed_limit=8.0, sidewalks=(2.0, 2.0)
        )
        for angle in (0.0, 0.5 * math.pi, math.pi, 1.5 * math.pi)
    ]
    add_junction(builder, [Arm(road.index, False) for road in roads], "lights")
    add_footpaths(builder, midway={0: True})
    network = builder.build()
    graph = networkx.Graph([path.ends for path in network.walkways])
    assert networkx.is_connected(graph)
    assert sum(path.crossing >= 0 for path in network.walkways) == 5
    for path in network.walkways:  # paths with a common node meet at one point
        for other in network.walkways:
            for mine, theirs in itertools.product(range(2), repeat=2):
                if path.ends[mine] == other.ends[theirs]:
                    here, there = path.curve.points[[0, -1][mine]], other.curve.points[[0, -1][theirs]]
                    assert np.linalg.norm(here - there) < 1e-6


# Towns, highways, race tracks.


@pytest.fixture(scope="module", params=SEEDS)
def town(request):
    return generate_town(request.param)


def test_lanes_of_a_town_overlap_only_in_junctions_and_all_can_be_reached(town):
    assert list(find_faults(town)) == []
    assert all(lane.successors for lane in town.lanes)


def test_lanes_of_a_town_meet_where_they_are_linked(town):
    check_links(town)


def test_each_lane_through_a_junction_has_a_control(town):
    conflicts = {(c.lane, c.other) for c in town.conflicts}
    lines = [shapely.LineString(lane.curve.points) for lane in town.lanes]
    for one, other in itertools.combinations([lane for lane in town.lanes if lane.junction >= 0], 2):
        if one.junction != other.junction or set(one.predecessors) & set(other.predecessors):
            continue
        if lines[one.index].crosses(lines[other.index]):
            assert {(one.index, other.index), (other.index, one.index)} <= conflicts
    for lane in town.lanes:
        assert (lane.control == LIGHT) == (lane.signal >= 0)
        if lane.signal >= 0:
            assert town.signals[lane.signal].junction == lane.junction


def test_curbs_of_a_town_enclose_the_lanes_of_junctions(town):
    for junction in town.junctions:
        outline = shapely.Polygon(junction.outline).buffer(0.3)
        for lane in town.lanes:
            if lane.junction == junction.index:
                middle = shapely.LineString(lane.curve.points[1:-1])
                assert outline.contains(middle), (junction.kind, lane.index)


@pytest.mark.parametrize("seed", [12, 33, 5])
def test_footpaths_keep_off_the_lanes_except_at_crossings(seed):
    network = generate_town(seed)
    lanes = shapely.union_all([shapely.Polygon(lane_polygon(lane)) for lane in network.lanes], grid_size=1e-4)
    for path in network.walkways:
        if path.crossing < 0:
            assert shapely.LineString(path.curve.points).distance(lanes) > 0.8, path.index


def test_the_bench_finds_overlaps_and_lanes_out_of_reach():
    builder = NetworkBuilder("wrong")
    builder.add_road(straight(Pose(0.0, 0.0, 0.0), 40.0), speed_limit=10.0)
    builder.add_road(straight(Pose(20.0, -20.0, 1.5), 40.0), speed_limit=10.0)
    builder.link(0, 1)
    builder.link(1, 0)
    network = builder.build()
    pairs = {(one, other) for one, other, _ in find_overlaps(network)}
    assert pairs == {(0, 2), (0, 3), (1, 2), (1, 3)}
    assert find_unreachable(network) == [2, 3]


def test_a_seed_always_gives_the_same_town_and_another_seed_another():
    first, again, other = generate_town(11), generate_town(11), generate_town(12)
    for one, two in zip(pack(first), pack(again), strict=True):
        np.testing.assert_array_equal(one, two)
    assert len(first.lanes) != len(other.lanes) or not np.array_equal(
        first.lanes[0].curve.points, other.lanes[0].curve.points
    )


def test_routes_of_a_town_have_the_length_asked_for():
    shown = town_map(2)
    rng = np.random.default_rng(0)
    for _ in range(10):
        route = shown.sample_route(rng, (200.0, 450.0))
        assert 195.0 - 20.0 * len(route.changes) < route.curve.length < 455.0
        assert np.linalg.norm(np.diff(route.curve.points, axis=0), axis=1).max() < 1.1


@pytest.mark.parametrize("seed", [0, 5, 9])
def test_lanes_of_a_highway_meet_and_overlap_nowhere(seed):
    network = generate_highway(seed, HighwayConfig(length=2000.0))
    check_links(network)
    roads = {lane: road.index for road in network.roads for lane in (*road.forward, *road.backward)}
    for one, other, area in find_overlaps(network):
        # A ramp runs alongside the lane that it merges into or leaves.
        ramp = [lane for lane in (one, other) if len(network.roads[roads[lane]].forward) == 1]
        assert ramp and area < 60.0, (one, other, area)


@pytest.mark.parametrize("seed", [0, 5, 9])
def test_a_race_track_is_closed_and_keeps_away_from_itself(seed):
    network = generate_circuit(seed)
    (lane,) = network.lanes
    assert lane.successors == [0]
    assert np.linalg.norm(lane.curve.points[0] - lane.curve.points[-1]) < 1e-9
    outline = shapely.LinearRing(lane.curve.points)
    assert outline.is_simple and outline.is_ccw
    assert 700.0 <= lane.length <= 1200.0
    assert shapely.Polygon(lane_polygon(lane)).area == pytest.approx(lane.length * lane.width, rel=0.01)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: TownConfig(columns=1), "2 × 2 points, got 1"),
        (lambda: TownConfig(spacing=20.0), "60 to 400 m"),
        (lambda: TownConfig(missing=0.9), r"0\.\.0\.5, got 0\.9"),
        (lambda: HighwayConfig(lanes=7), "2 to 5 lanes in each direction, got 7"),
        (lambda: HighwayConfig(length=100.0), "at least 600 m long, got 100"),
        (lambda: CircuitConfig(min_radius=5.0), r"bends of 5\.0 m radius are too tight"),
        (lambda: CircuitConfig(length=(5.0, 1.0)), r"\(low, high\)"),
    ],
)
def test_configurations_that_cannot_be_built_are_refused(make, words):
    with pytest.raises(InvalidOption, match=words):
        make()
