"""Networks built from blocks, and driven as maps of the town task."""

import itertools
import math

import gymnasium
import networkx
import numpy as np
import pytest
import shapely
from small_maps import check_links

from camshaft import envs  # noqa: F401  registers the tasks
from camshaft.envs.driving.road_network.blocks import RAMP, STUB, RoadBlocks
from camshaft.envs.driving.road_network.cross_section import CrossSection
from camshaft.envs.driving.road_network.curves import Pose
from camshaft.envs.driving.road_network.elements import LEFT, LIGHT, RIGHT, STRAIGHT
from camshaft.envs.driving.road_network.route import make_route
from camshaft.envs.driving.road_network.shortest_paths import ShortestPaths
from camshaft.envs.driving.tasks.town import Town, TownTaskConfig
from camshaft.envs.errors import CamshaftError, InvalidOption
from camshaft.experiments.benchmarks.towns import find_overlaps, find_unreachable

STREET = CrossSection(sidewalks=(2.6, 2.6))
MOTORWAY = CrossSection(2, 0, 100.0 / 3.6, "motorway", lane_width=3.75)


def village():
    """A village with every kind of town block; three roads lead out of it."""
    blocks = RoadBlocks("village", STREET)
    end = blocks.straight(blocks.begin(), 80.0)
    left, ahead, right = blocks.x_junction(end, "lights")
    end = blocks.s_curve(ahead, 80.0, 15.0)
    north, south, east = blocks.roundabout(end, (100.0, -75.0, 0.0))
    blocks.connect(left, north)
    end = blocks.curve(right, 40.0, -60.0)
    side, along = blocks.t_junction(end, ("left", "ahead"), "priority")
    blocks.connect(side, south)
    blocks.straight(along, 60.0)
    blocks.straight(east, 50.0)
    return blocks.build()


@pytest.fixture(scope="module")
def network():
    return village()


def test_blocks_of_a_village_fit(network):
    check_links(network)
    assert list(find_overlaps(network)) == []
    assert [junction.kind for junction in network.junctions] == ["lights", "roundabout", "priority"]
    assert network.bounds[1, 0] - network.bounds[0, 0] > 250.0


def test_all_ways_into_a_village_lead_out_of_it(network):
    routes = ShortestPaths(network)
    entries = [lane for lane in network.lanes if not lane.predecessors]
    exits = [lane for lane in network.lanes if not lane.successors]
    assert len(entries) == len(exits) == 3
    for start, goal in itertools.product(entries, exits):
        if start.road != goal.road:
            way = routes.find(start.index, goal.index)
            route = make_route(network, way, 0.0, goal.length)
            assert np.linalg.norm(np.diff(route.curve.points, axis=0), axis=1).max() < 1.1


def test_people_can_walk_all_over_a_village(network):
    graph = networkx.Graph([path.ends for path in network.walkways])
    assert networkx.is_connected(graph)


def test_a_straight_has_the_given_length_and_a_curve_the_given_angle():
    blocks = RoadBlocks("way")
    end = blocks.straight(blocks.begin(Pose(3.0, 4.0, 0.5)), 50.0)
    assert end.pose.point == pytest.approx(
        np.array([3.0, 4.0]) + 50.0 * np.array([math.cos(0.5), math.sin(0.5)])
    )
    end = blocks.curve(end, 40.0, 90.0)
    assert end.pose.heading == pytest.approx(0.5 + 0.5 * math.pi)
    end = blocks.curve(end, 25.0, -120.0)
    assert end.pose.heading == pytest.approx(0.5 - math.radians(30.0))
    network = blocks.build()
    assert network.roads[1].curve.curvature.max() == pytest.approx(1.0 / 40.0, rel=0.02)
    assert network.roads[2].curve.curvature.min() == pytest.approx(-1.0 / 25.0, rel=0.02)
    assert network.lanes[0].length == pytest.approx(50.0)


def test_an_s_curve_continues_with_an_offset():
    blocks = RoadBlocks("s")
    end = blocks.s_curve(blocks.begin(), 60.0, -12.0)
    assert (end.pose.x, end.pose.y) == pytest.approx((60.0, -12.0), abs=1e-6)
    assert end.pose.heading == pytest.approx(0.0, abs=1e-6)


def test_a_split_adds_lanes_and_a_merge_ends_them():
    blocks = RoadBlocks("lanes", MOTORWAY)
    end = blocks.straight(blocks.begin(), 100.0)
    end = blocks.split(end, 200.0, lanes=2)
    end = blocks.merge(end, 60.0)
    blocks.straight(end, 100.0)
    network = blocks.build()
    assert [len(road.forward) for road in network.roads] == [2, 4, 3, 3]
    check_links(network)
    narrow, wide, taper, _ = network.roads
    assert [network.lanes[lane].predecessors for lane in wide.forward[2:]] == [[], []]
    assert network.lanes[narrow.forward[1]].successors == [wide.forward[1]]
    assert network.lanes[wide.forward[3]].successors == []  # it ends
    assert taper.edges[1, 0] == pytest.approx(taper.edges[1, 1] - 3.75)


def test_ramps_join_and_leave_the_outermost_lane():
    blocks = RoadBlocks("ramps", MOTORWAY)
    end = blocks.straight(blocks.begin(), 200.0)
    end = blocks.split(end, 220.0)
    onto = blocks.on_ramp(end)
    end = blocks.merge(end, 60.0)
    end = blocks.split(end, 220.0)
    end, off = blocks.off_ramp(end, speed_limit=15.0)
    end = blocks.straight(end, 100.0)
    blocks.straight(onto, 40.0)
    blocks.straight(off, 40.0)
    network = blocks.build()
    check_links(network)
    routes = ShortestPaths(network)
    start = next(lane for lane in network.lanes if lane.road == 0)
    goal = max((lane for lane in network.lanes if lane.speed_limit == 15.0), key=lambda lane: lane.index)
    assert routes.find(start.index, goal.index)
    first, second = network.roads[1], network.roads[4]
    assert len(network.lanes[first.forward[-1]].predecessors) == 1
    (after,) = network.lanes[second.forward[-1]].successors
    assert network.lanes[after].speed_limit == 15.0
    leaving = network.lanes[after].curve
    assert leaving.start.y - leaving.end.y == pytest.approx(RAMP[1], abs=0.5)
    for one, other, area in find_overlaps(network):
        assert area < 60.0, (one, other)  # where the ramp runs alongside


def test_a_block_leads_where_its_name_says():
    blocks = RoadBlocks("turns")
    end = blocks.straight(blocks.begin(), 40.0)
    left, ahead, right = blocks.x_junction(end, "lights")
    for one, heading in ((left, 0.5 * math.pi), (ahead, 0.0), (right, -0.5 * math.pi)):
        assert one.pose.heading == pytest.approx(heading)
    network = blocks.build()
    lane = network.lanes[network.roads[0].forward[0]]
    turns = {network.lanes[after].turn: network.lanes[after].curve.end.heading for after in lane.successors}
    assert {turn: round(math.degrees(angle)) for turn, angle in turns.items()} == {
        LEFT: 90,
        STRAIGHT: 0,
        RIGHT: -90,
    }
    assert all(network.lanes[after].control == LIGHT for after in lane.successors)
    stubs = [road for road in network.roads if road.index > 0]
    assert [road.curve.length for road in stubs] == pytest.approx([STUB] * 3)


@pytest.mark.parametrize(
    ("ways", "turns"),
    [
        (("left", "right"), {LEFT, RIGHT}),
        (("ahead", "right"), {STRAIGHT, RIGHT}),
        (("left", "ahead"), {LEFT, STRAIGHT}),
    ],
)
def test_a_t_junction_has_two_ways_on(ways, turns):
    blocks = RoadBlocks("t")
    blocks.t_junction(blocks.straight(blocks.begin(), 40.0), ways)
    network = blocks.build()
    lane = network.lanes[network.roads[0].forward[0]]
    assert {network.lanes[after].turn for after in lane.successors} == turns


def test_a_side_road_may_be_narrower():
    blocks = RoadBlocks("side", CrossSection(2, 2, center_line="solid"))
    end = blocks.straight(blocks.begin(), 40.0)
    blocks.t_junction(end, ("ahead", "right"), "stop", side=CrossSection(1, 1, 30.0 / 3.6))
    network = blocks.build()
    check_links(network)
    assert [len(road.forward) for road in network.roads] == [2, 1, 2]
    assert network.lanes[network.roads[1].forward[0]].speed_limit == pytest.approx(30.0 / 3.6)


def ring():
    """A closed loop: a straight, a bend, and a connection back to the beginning."""
    blocks = RoadBlocks("ring", STREET)
    end = blocks.straight(blocks.begin(), 120.0)
    first = blocks.behind(end)
    end = blocks.curve(end, 35.0, 180.0)
    end = blocks.straight(end, 120.0)
    blocks.connect(end, first)
    return blocks.build()


def test_what_is_connected_is_closed():
    network = ring()
    check_links(network)
    assert all(lane.successors and lane.predecessors for lane in network.lanes)
    # Two separate loops: unreachability is the only fault.
    assert len(find_unreachable(network)) == len(network.lanes) // 2
    one_way = RoadBlocks("one way", CrossSection(1, 0))
    end = one_way.straight(one_way.begin(), 120.0)
    first = one_way.behind(end)
    one_way.connect(one_way.curve(end, 35.0, 180.0), first)
    assert find_unreachable(one_way.build()) == []


def test_curbs_have_no_gap_between_blocks(network):
    paving = []
    for road in network.roads:
        along = np.linspace(0.0, road.curve.length, 200)
        left, right = network.paving(road, along)
        paving.append(
            shapely.Polygon(
                np.concatenate([road.curve.beside(along, left), road.curve.beside(along, right)[::-1]])
            )
        )
    paving += [shapely.Polygon(junction.outline) for junction in network.junctions]
    whole = shapely.union_all([part.buffer(0.05) for part in paving])
    assert whole.geom_type == "Polygon"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda b, e: b.straight(e, -3.0), "length must be a number of meters above 0, got -3"),
        (lambda b, e: b.straight(e, math.nan), "above 0, got nan"),
        (lambda b, e: b.curve(e, 20.0, 0.0), "turns by at most ±270 degrees and not by 0"),
        (lambda b, e: b.curve(e, 3.0, 90.0), "bends too much for its width"),
        (lambda b, e: b.merge(e, 50.0), "1 of 1 forward lanes cannot end"),
        (lambda b, e: b.junction(e, (90.0, 60.0), "lights"), "52 degrees apart.*got 30"),
        (lambda b, e: b.junction(e, (150.0,), "lights"), "got 30"),
        (lambda b, e: b.junction(e, (), "lights"), "takes 1 to 5 other roads"),
        (lambda b, e: b.x_junction(e, "light"), "Did you mean 'lights'"),
        (lambda b, e: b.t_junction(e, ("left", "straight")), "unknown direction of a T-junction 'straight'"),
        (lambda b, e: b.x_junction(b.begin()), "a junction needs a road before it"),
        (lambda b, e: b.on_ramp(b.begin()), "lay a split first"),
        (lambda b, e: b.connect(e, b.begin()), "no road has been laid"),
        (lambda b, e: b.connect(e, b.straight(b.begin(section=MOTORWAY), 5.0)), "1 forward and 1 backward"),
        (lambda b, e: b.behind(b.straight(e, 5.0)), "the other end of this road is connected"),
        (lambda b, e: b.road(e, village().roads[4].curve), r"must begin at \(50\.0, 0\.0\) m, 0°"),
        (lambda b, e: (b.straight(e, 9.0), b.straight(e, 9.0)), "is no longer open"),
        (lambda b, e: b.roundabout(b.straight(b.begin(section=CrossSection(2, 2)), 9.0)), "one lane"),
        (lambda b, e: CrossSection(forward=0, backward=0), "1 to 12 lanes, got 0"),
        (lambda b, e: CrossSection(style="autobahn"), "unknown style of road 'autobahn'"),
        (lambda b, e: CrossSection(lane_width=0.5), "2 to 15 m wide.*got 0.5"),
        (lambda b, e: CrossSection(speed_limit=0.0), "more than 0 m/s, got 0"),
    ],
)  # fmt: skip
def test_impossible_blocks_are_refused_with_a_reason(wrong, words):
    blocks = RoadBlocks("wrong")
    end = blocks.straight(blocks.begin(), 50.0)
    with pytest.raises(InvalidOption, match=words):
        wrong(blocks, end)


def test_roads_that_run_into_each_other_are_refused():
    blocks = RoadBlocks("knot")
    end = blocks.straight(blocks.begin(), 100.0)
    end = blocks.curve(end, 20.0, 250.0)
    blocks.straight(end, 100.0)
    with pytest.raises(CamshaftError, match="the blocks of 'knot' do not fit: lanes .* overlap"):
        blocks.build()


def test_the_town_task_is_driven_on_a_map_of_blocks(network):
    town = Town(
        2,
        config=TownTaskConfig(route_length=(120.0, 250.0)),
        map=network,
        obs_mode="state+birdseye+rgb",
        num_vehicles=6,
        num_people=6,
        max_episode_steps=1500,
    )
    town.reset(seeds=[1, 2])
    observation = town.observe()
    assert observation["rgb"].std() > 10.0
    done = np.zeros(2, bool)
    for _ in range(1200):
        measured = town.step(town.expert_action())
        done |= measured.success
        assert not (measured.info["collisions_vehicle"] + measured.info["collisions_person"])[~done].any()
        if done.all():
            break
    assert done.all()


def test_invalid_maps_are_refused():
    with pytest.raises(InvalidOption, match=r"a map must be a DrivingMap.*got int"):
        gymnasium.make("camshaft/Town-v0", map=3)
