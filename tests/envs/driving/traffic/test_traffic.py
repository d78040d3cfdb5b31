"""Traffic: lights, right of way, pedestrians; and absence of collisions."""

import itertools
import math

import numpy as np
import pytest
from small_maps import EAST, NORTH, SOUTH, WEST, crossroads, through_lane, way_in
from straight_roads import CAR, LEFT_LANE, RIGHT_LANE, STEP, long_road, set_out, traffic_on

from camshaft.envs.driving import assets
from camshaft.envs.driving.dynamics.collisions import find_overlaps
from camshaft.envs.driving.maps.driving_map import highway_map, town_map
from camshaft.envs.driving.road_network.elements import LIGHT
from camshaft.envs.driving.road_network.junctions import GREEN as GREEN_SECONDS
from camshaft.envs.driving.traffic.kinds import HIGHWAY_KINDS, TOWN_KINDS
from camshaft.envs.driving.traffic.signals import (
    GREEN,
    RED,
    RED_YELLOW,
    RED_YELLOW_SECONDS,
    YELLOW,
    YELLOW_SECONDS,
    seconds_to_green,
    show_signals,
)
from camshaft.envs.driving.traffic.state import WAITING, WALKING
from camshaft.envs.driving.traffic.traffic import Traffic, TrafficMap


@pytest.fixture(scope="module")
def one_lane():
    return long_road()


@pytest.fixture(scope="module")
def two_lanes():
    return long_road(2)


# Lights.


def shown_over_a_cycle(network, step=0.05):
    """(T,) times over a cycle of 38 s; (T, S) states of the groups."""
    packed = TrafficMap.of(network).lanes
    times = np.arange(0.0, 38.0, step)
    states = np.zeros((1, len(network.signals)), np.int32)
    shown = []
    for time in times:
        show_signals(packed.counts, packed.signals, np.array([time]), states)
        shown.append(states[0].copy())
    return times, np.array(shown)


@pytest.mark.parametrize("seed", [0, 4, 9])
def test_conflicting_movements_never_have_green_together(seed):
    network = town_map(seed).network
    _, shown = shown_over_a_cycle(network)
    may_drive = (shown == GREEN) | (shown == YELLOW)
    crossed = 0
    for conflict in network.conflicts:
        one, other = network.lanes[conflict.lane], network.lanes[conflict.other]
        if one.control == LIGHT and not conflict.yields and one.signal != other.signal:
            assert not (may_drive[:, one.signal] & may_drive[:, other.signal]).any()
            crossed += 1
    assert crossed > 10
    for conflict in network.conflicts:  # of the same phase: one of the two yields
        one, other = network.lanes[conflict.lane], network.lanes[conflict.other]
        opposite = one.turn != other.turn and not set(one.successors) & set(other.successors)
        if one.control == LIGHT and one.signal == other.signal and opposite:
            back = next(c for c in network.conflicts if (c.lane, c.other) == (conflict.other, conflict.lane))
            assert conflict.yields != back.yields


def test_lights_last_as_long_as_stated():
    network = town_map(0).network
    step = 0.05
    _, shown = shown_over_a_cycle(network, step)
    for group in range(shown.shape[1]):
        seconds = {state: step * float((shown[:, group] == state).sum()) for state in range(4)}
        assert seconds[GREEN] == pytest.approx(GREEN_SECONDS, abs=0.11)
        assert seconds[YELLOW] == pytest.approx(YELLOW_SECONDS, abs=0.11)
        assert seconds[RED_YELLOW] == pytest.approx(RED_YELLOW_SECONDS, abs=0.11)
        order = [state for state, _ in itertools.groupby(np.roll(shown[:, group], 7))]
        cycle = [GREEN, YELLOW, RED, RED_YELLOW] * 3
        assert any(cycle[start : start + len(order)] == order for start in range(4))


def test_the_seconds_to_green_are_right():
    network = crossroads("lights")
    packed = TrafficMap.of(network).lanes
    times, shown = shown_over_a_cycle(network)
    for number, time in enumerate(times[:: len(times) // 50]):
        told = seconds_to_green(packed.signals[0, 0], time)
        row = number * (len(times) // 50)
        later = np.roll(shown[:, 0], -row)
        assert told == pytest.approx(0.05 * np.flatnonzero(later == GREEN)[0], abs=0.06)


# Right of way.


def approach(network, ways, meters=25.0, speed=7.0, seconds=30.0):
    """Vehicles on lanes (start, goal) equally far from a crossroads: the times at which they enter the junction."""
    traffic = traffic_on(TrafficMap.of(network), len(ways))
    middles = []
    for number, (start, goal) in enumerate(ways, start=1):
        lane, middle = network.lanes[way_in(network, start)], through_lane(network, start, goal)
        set_out(traffic, number, lane.index, lane.length - lane.stop_gap - meters, speed)
        traffic.vehicles.next_lane[0, number] = middle.index
        traffic.vehicles.after_lane[0, number] = middle.successors[0]
        middles.append(middle.index)
    entered = [math.inf] * len(ways)
    slowest = [math.inf] * len(ways)
    hits = np.zeros(traffic.vehicles.present.shape, bool)
    for step in range(round(seconds / STEP)):
        traffic.step(STEP)
        vehicles = traffic.vehicles
        for number in range(1, len(ways) + 1):
            find_overlaps(vehicles.pose, vehicles.length, vehicles.width, vehicles.present, number, hits)
            assert not hits.any()
            if vehicles.lane[0, number] == middles[number - 1]:
                entered[number - 1] = min(entered[number - 1], step * STEP)
            if entered[number - 1] == math.inf:
                slowest[number - 1] = min(slowest[number - 1], vehicles.speed[0, number])
    return entered, slowest, traffic


def test_the_minor_road_waits_for_the_major_one():
    network = crossroads("priority", major=(EAST, WEST))
    entered, slowest, _ = approach(network, [(EAST, WEST), (SOUTH, NORTH)])
    assert entered[0] < entered[1] < 30.0
    assert slowest[0] > 5.0


def test_traffic_from_the_right_has_priority():
    network = crossroads("right_before_left")
    entered, _, _ = approach(network, [(EAST, WEST), (NORTH, SOUTH)])
    assert entered[1] < entered[0] < 30.0
    entered, _, _ = approach(network, [(EAST, WEST), (SOUTH, NORTH)])
    assert entered[0] < entered[1] < 30.0


def test_four_vehicles_that_wait_for_each_other_get_through():
    network = crossroads("right_before_left")
    ways = [(start, (start + 2) % 4) for start in range(4)]
    entered, _, _ = approach(network, ways, seconds=90.0)
    assert max(entered) < 90.0


def test_all_vehicles_stop_at_a_stop_sign():
    network = crossroads("stop", major=(EAST, WEST))
    entered, slowest, _ = approach(network, [(SOUTH, NORTH)])
    assert slowest[0] < 0.4 and entered[0] < 30.0


def test_left_turns_wait_for_oncoming_traffic():
    network = crossroads("priority", major=(EAST, WEST))
    entered, _, _ = approach(network, [(EAST, SOUTH), (WEST, EAST)])
    assert entered[1] < entered[0] < 30.0


def test_no_vehicle_enters_at_red():
    network = crossroads("lights")
    traffic = traffic_on(TrafficMap.of(network), 4)
    for number, start in enumerate((EAST, NORTH, WEST, SOUTH), start=1):
        lane = network.lanes[way_in(network, start)]
        set_out(traffic, number, lane.index, 8.0 + 5.0 * number, 7.0)
        middle = through_lane(network, start, (start + 2) % 4)
        traffic.vehicles.next_lane[0, number] = middle.index
        traffic.vehicles.after_lane[0, number] = middle.successors[0]
    entered = 0
    for _ in range(600):
        before = traffic.vehicles.lane[0].copy()
        shown = traffic.signals[0].copy()
        traffic.step(STEP)
        for number in range(1, 5):
            lane = network.lanes[traffic.vehicles.lane[0, number]]
            if lane.index != before[number] and lane.junction >= 0:
                # The line is 5 m before the junction: the light may have turned yellow in between.
                assert shown[lane.signal] in (GREEN, YELLOW)
                entered += 1
    assert entered == 4


# Everything together.


@pytest.fixture(scope="module")
def busy_town():
    """Three minutes of a town with 20 vehicles and 20 people: its traffic and recorded events."""
    shown = town_map(0)
    traffic = Traffic(1, 20, 20, TOWN_KINDS, reach=None)
    traffic.set_map(0, shown.traffic)
    traffic.vehicles.pose[0, 0] = 1e5, 1e5, 0.0
    traffic.start(0, np.random.default_rng(3))
    traffic.vehicles.present[0, 0] = False
    return record(shown, traffic, 1800)


def record(shown, traffic, steps):
    vehicles, people = traffic.vehicles, traffic.people
    hits = np.zeros(vehicles.present.shape, bool)
    overlaps, hurt, crossings, stepped_out = [], [], set(), []
    driven = np.zeros(vehicles.present.shape[1])
    before = traffic.paths.crossing[0, people.path[0]].copy()
    for step in range(steps):
        traffic.step(STEP)
        driven += vehicles.speed[0] * STEP
        for number in np.flatnonzero(vehicles.present[0]):
            find_overlaps(vehicles.pose, vehicles.length, vehicles.width, vehicles.present, int(number), hits)
            overlaps += [(step, int(number), int(other)) for other in np.flatnonzero(hits[0])]
        hurt += [(step, *pair) for pair in run_over(vehicles, people)]
        now = traffic.paths.crossing[0, people.path[0]]
        for person in np.flatnonzero((now >= 0) & (before < 0)):
            crossings.add((int(person), int(now[person]), step))
            signal = traffic.paths.signal[0, now[person]]
            if signal >= 0:
                stepped_out.append(int(traffic.signals[0, signal]))
        before = now.copy()
    return shown, traffic, overlaps, hurt, crossings, stepped_out, driven


def run_over(vehicles, people):
    """Pairs of a vehicle and a person who overlap, people as points of 0.2 m."""
    across = people.pose[0, None, :, 0] - vehicles.pose[0, :, None, 0]
    up = people.pose[0, None, :, 1] - vehicles.pose[0, :, None, 1]
    heading = vehicles.pose[0, :, None, 2]
    ahead = np.cos(heading) * across + np.sin(heading) * up
    aside = np.cos(heading) * up - np.sin(heading) * across
    inside = (np.abs(ahead) < 0.5 * vehicles.length[0, :, None] + 0.2) & (
        np.abs(aside) < 0.5 * vehicles.width[0, :, None] + 0.2
    )
    return np.argwhere(inside & vehicles.present[0, :, None] & people.present[0])


def test_there_are_no_collisions(busy_town):
    _, traffic, overlaps, hurt, *_ = busy_town
    assert traffic.vehicles.present[0].sum() == 20
    assert overlaps == [] and hurt == []


def test_traffic_keeps_moving(busy_town):
    *_, driven = busy_town
    assert np.median(driven[1:]) > 400.0  # meters in three minutes
    assert driven[1:].min() > 100.0


def test_people_cross_and_not_while_the_cars_they_cross_have_green(busy_town):
    _, traffic, _, _, crossings, stepped_out, _ = busy_town
    assert len(crossings) > 15
    assert len({crossing for _, crossing, _ in crossings}) > 8
    assert stepped_out and all(state in (RED, RED_YELLOW) for state in stepped_out)
    assert set(np.unique(traffic.people.state)) <= {WALKING, WAITING}


def test_people_stay_on_their_paths(busy_town):
    shown, traffic, *_ = busy_town
    people = traffic.people
    for person in range(20):
        path = shown.network.walkways[people.path[0, person]]
        nearest = np.linalg.norm(path.curve.points - people.pose[0, person, :2], axis=1).min()
        assert nearest < 0.5 * max(path.width, 2.0) + 0.8


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "draw"), [(1, 0), (5, 1), (12, 2), (33, 3), (121, 121), (139, 139)])
def test_there_are_no_collisions_in_other_towns(seed, draw):
    shown = town_map(seed)
    traffic = Traffic(1, 24, 30, TOWN_KINDS, reach=None)
    traffic.set_map(0, shown.traffic)
    traffic.vehicles.pose[0, 0] = 1e5, 1e5, 0.0
    traffic.start(0, np.random.default_rng(draw))
    traffic.vehicles.present[0, 0] = False
    _, _, overlaps, hurt, _, _, driven = record(shown, traffic, 2400)
    assert overlaps == [] and hurt == []
    assert driven[1:].min() > 100.0


def test_there_are_no_collisions_on_a_highway():
    shown = highway_map(2)
    traffic = Traffic(1, 40, 0, HIGHWAY_KINDS, reach=None)
    traffic.set_map(0, shown.traffic)
    traffic.vehicles.pose[0, 0] = 1e5, 1e5, 0.0
    traffic.start(0, np.random.default_rng(0))
    traffic.vehicles.present[0, 0] = False
    vehicles = traffic.vehicles
    hits = np.zeros(vehicles.present.shape, bool)
    changed = 0
    for _ in range(450):
        before = vehicles.lane[0].copy()
        traffic.step(STEP)
        beside = (vehicles.shadow[0] >= 0) & (vehicles.lane[0] != before)
        changed += int(beside.sum())
        # Vehicles at the end of the network stop there and are ignored.
        vehicles.present[0] &= (vehicles.next_lane[0] >= 0) | (
            vehicles.along[0] < traffic.lanes.length[0, vehicles.lane[0]] - 120.0
        )
        for number in np.flatnonzero(vehicles.present[0]):
            find_overlaps(vehicles.pose, vehicles.length, vehicles.width, vehicles.present, int(number), hits)
            assert not hits.any()
    assert changed > 5


def drive(traffic, steps):
    for _ in range(steps):
        traffic.step(STEP)
    return [array.copy() for array in (*traffic.vehicles, *traffic.people)]


def started(worlds, seeds, maps):
    traffic = Traffic(worlds, 15, 15, TOWN_KINDS, reach=(60.0, 170.0))
    for world, (seed, shown) in enumerate(zip(seeds, maps, strict=True)):
        traffic.set_map(world, shown.traffic)
        point, heading = shown.network.lanes[0].curve.at(5.0)
        traffic.vehicles.present[world, 0] = True
        traffic.vehicles.pose[world, 0] = *point, heading
        traffic.start(world, np.random.default_rng(seed))
    return traffic


def test_a_seed_always_gives_the_same_traffic_whatever_drives_in_other_worlds():
    one, other = town_map(0), town_map(1)
    alone = drive(started(1, [5], [one]), 400)
    beside = drive(started(3, [8, 5, 9], [other, one, other]), 400)
    for first, second in zip(alone, beside, strict=True):
        np.testing.assert_array_equal(first[0], second[1])


def test_traffic_resumes_identically_from_a_saved_state():
    traffic = started(1, [5], [town_map(0)])
    drive(traffic, 100)
    state = traffic.get_state()
    first = drive(traffic, 200)
    traffic.set_state(state)
    second = drive(traffic, 200)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_vehicles_far_from_the_ego_vehicle_are_respawned_nearer():
    traffic = started(1, [5], [town_map(0)])
    drive(traffic, 300)
    away = np.linalg.norm(traffic.vehicles.pose[0, 1:, :2] - traffic.vehicles.pose[0, 0, :2], axis=1)
    assert (away < 185.0).all()


def test_a_car_that_stands_across_the_line_is_in_the_way_on_both_lanes(two_lanes):
    traffic = traffic_on(two_lanes, 1)
    set_out(traffic, 0, LEFT_LANE, 1000.0, 0.0)
    set_out(traffic, 1, RIGHT_LANE, 900.0, 20.0)
    traffic.vehicles.pose[0, 0] = 1000.0, -5.25 + 2.25, 0.24  # its tail reaches into the right lane
    for _ in range(200):
        traffic.vehicles.along[0, 0], traffic.vehicles.speed[0, 0] = 1000.0, 0.0
        traffic.step(STEP)
    rear = 1000.0 - 0.5 * CAR
    assert traffic.vehicles.speed[0, 1] < 0.1
    assert rear - 5.0 < traffic.vehicles.along[0, 1] + 0.5 * CAR < rear


# Kinds of vehicle.


@pytest.mark.parametrize("kind", {kind.name: kind for kind in (*TOWN_KINDS, *HIGHWAY_KINDS)}.values())
def test_vehicles_are_as_long_and_wide_as_their_models(kind):
    model = assets.VEHICLES[kind.name]()
    assert (kind.length, kind.width) == pytest.approx((model.length, model.width))
    points = model.levels[0].positions
    assert np.ptp(points[:, 0]) == pytest.approx(kind.length, abs=0.05)


def test_kinds_are_sampled_as_often_as_stated():
    traffic = Traffic(1, 4000, 0, TOWN_KINDS, reach=None)
    traffic.set_map(0, long_road(1, 200.0))
    traffic.start(0, np.random.default_rng(0))
    shares = np.array([kind.share for kind in TOWN_KINDS])
    found = np.bincount(traffic.vehicles.kind[0, 1:], minlength=len(TOWN_KINDS)) / 4000
    assert found == pytest.approx(shares / shares.sum(), abs=0.025)
    lengths = np.array([kind.length for kind in TOWN_KINDS])
    np.testing.assert_array_equal(traffic.vehicles.length[0], lengths[traffic.vehicles.kind[0]])
