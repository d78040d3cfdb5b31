"""Car following by IDM, and lane changes by MOBIL."""

import itertools
import math

import numpy as np
import pytest
from straight_roads import CAR, LEFT_LANE, LIMIT, RIGHT_LANE, STEP, TRAITS, long_road, set_out, traffic_on

from camshaft.envs.driving.maps.driving_map import highway_map
from camshaft.envs.driving.road_network.highway import HighwayConfig
from camshaft.envs.driving.traffic.advance import drive_acceleration
from camshaft.envs.driving.traffic.idm import HARDEST, STANDING_GAP, equilibrium_gap
from camshaft.envs.driving.traffic.lane_changes import (
    RIGHT_BIAS,
    SAFE_BRAKING,
    THRESHOLD,
    ego_change,
)


@pytest.fixture(scope="module")
def one_lane():
    return long_road()


@pytest.fixture(scope="module")
def two_lanes():
    return long_road(2)


def idm(speed, wanted, gap, other, traits=TRAITS):
    """Equation (1) of Treiber, Hennecke and Helbing, 2000, implemented again."""
    _, headway, quick, slow, _, _ = traits
    wished = STANDING_GAP + max(
        speed * headway + speed * (speed - other) / (2.0 * math.sqrt(quick * slow)), 0.0
    )
    return max(quick * (1.0 - (speed / wanted) ** 4 - (wished / gap) ** 2), -HARDEST)


# Car following.


@pytest.mark.parametrize("speed", [5.0, 12.0, 22.0])
@pytest.mark.parametrize("headway", [0.9, 1.6])
def test_the_gap_behind_a_leader_settles_at_the_closed_form(one_lane, speed, headway):
    traffic = traffic_on(one_lane, 2)
    traits = (1.0, headway, *TRAITS[2:])
    set_out(traffic, 1, 0, 200.0, speed)
    set_out(traffic, 2, 0, 130.0, speed + 3.0, traits)
    for _ in range(1500):
        traffic.vehicles.speed[0, 1] = speed
        traffic.vehicles.traits[0, 1, 0] = speed / LIMIT  # it would not drive faster
        traffic.step(STEP)
    gap = traffic.vehicles.along[0, 1] - traffic.vehicles.along[0, 2] - CAR
    assert gap == pytest.approx(equilibrium_gap(speed, LIMIT, headway), rel=0.01)
    assert equilibrium_gap(speed, LIMIT, headway) == pytest.approx(
        (STANDING_GAP + speed * headway) / math.sqrt(1.0 - (speed / LIMIT) ** 4)
    )
    assert idm(speed, LIMIT, gap, speed, traits) == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize(("speed", "gap", "other"), [(20.0, 30.0, 15.0), (8.0, 12.0, 11.0), (25.0, 9.0, 3.0)])
def test_the_acceleration_behind_a_leader_is_that_of_the_paper(one_lane, speed, gap, other):
    traffic = traffic_on(one_lane, 1)
    set_out(traffic, 0, 0, 100.0, speed)
    set_out(traffic, 1, 0, 100.0 + gap + CAR, other)
    result = np.empty(1)
    drive_acceleration(traffic.lanes, traffic.vehicles, traffic.occupied, traffic.crossed, result)
    assert result[0] == pytest.approx(idm(speed, LIMIT, gap, other))


def test_on_an_empty_road_the_desired_speed_is_reached(one_lane):
    traffic = traffic_on(one_lane, 1)
    set_out(traffic, 1, 0, 100.0, 0.0, (0.9, *TRAITS[1:]))
    for _ in range(900):
        traffic.step(STEP)
    assert traffic.vehicles.speed[0, 1] == pytest.approx(0.9 * LIMIT, rel=0.01)


def follow(packed, traits, count=14, speed=15.0):
    """Lowest speed of each car of a platoon whose leader slows down by 2 m/s and speeds up again in twelve seconds."""
    traffic = traffic_on(packed, count)
    gap = equilibrium_gap(speed, LIMIT, traits[1]) + CAR
    for number in range(1, count + 1):
        set_out(traffic, number, 0, 1000.0 - gap * number, speed, traits)
    lowest = np.full(count, speed)
    for step in range(1500):
        if step < 120:
            traffic.vehicles.speed[0, 1] = speed - 2.0 * math.sin(min(step / 120.0, 1.0) * math.pi)
        else:
            traffic.vehicles.speed[0, 1] = speed
        traffic.vehicles.traits[0, 1, 0] = speed / LIMIT
        traffic.step(STEP)
        lowest = np.minimum(lowest, traffic.vehicles.speed[0, 1:])
    along = traffic.vehicles.along[0, 1:]
    assert (along[:-1] - along[1:] > CAR).all()
    return lowest


def is_string_stable(traits, speed):
    """Whether small disturbances of every frequency die out from car to car.

    With the partial derivatives of the acceleration f(gap, speed, leader's speed), each car's speed follows that of the
    car ahead with the gain |f_s + iω f_l|² / |f_s − ω² − iω f_v|², at most 1 for all ω where f_v² − f_l² − 2 f_s ≥ 0.
    """
    gap, small = equilibrium_gap(speed, LIMIT, traits[1]), 1e-5

    def f(s, v, leader):
        return idm(v, LIMIT, s, leader, traits)

    by_gap = (f(gap + small, speed, speed) - f(gap - small, speed, speed)) / (2 * small)
    by_speed = (f(gap, speed + small, speed) - f(gap, speed - small, speed)) / (2 * small)
    by_leader = (f(gap, speed, speed + small) - f(gap, speed, speed - small)) / (2 * small)
    return by_speed**2 - by_leader**2 - 2.0 * by_gap >= 0.0


def test_disturbances_die_out_in_a_platoon_of_stable_drivers(one_lane):
    traits = (1.0, 1.6, 2.0, 2.0, 0.3, 8.0)
    assert is_string_stable(traits, 15.0)
    dip = 15.0 - follow(one_lane, traits)
    assert dip[0] == pytest.approx(2.0, abs=0.1)
    assert (np.diff(dip) <= 1e-3).all()
    assert dip[-1] < 0.5 * dip[0]


def test_disturbances_grow_in_a_platoon_of_sluggish_drivers(one_lane):
    traits = (1.0, 0.5, 0.3, 2.0, 0.3, 8.0)
    assert not is_string_stable(traits, 15.0)
    dip = 15.0 - follow(one_lane, traits)
    assert (np.diff(dip[1:]) > 0.0).all() and dip[-1] > 1.25 * dip[0]


# Lane changes.


def changes_to(packed, others, speed=20.0, traits=TRAITS, lane=0, along=1000.0):
    """Lane that the driver model changes to in place of the ego vehicle, among others (lane, gap ahead, speed)."""
    traffic = traffic_on(packed, len(others))
    set_out(traffic, 0, lane, along, speed, traits)
    for number, (there, gap, its) in enumerate(others, start=1):
        reach = math.copysign(CAR, gap)
        set_out(traffic, number, there, along + gap + reach, its)
    chosen = np.empty(1, np.int64)
    ego_change(traffic.lanes, traffic.vehicles, traffic.occupied, chosen)
    return int(chosen[0])


def test_slow_vehicles_are_overtaken_and_a_free_right_lane_is_used(two_lanes):
    assert changes_to(two_lanes, [(RIGHT_LANE, 25.0, 12.0)], lane=RIGHT_LANE) == LEFT_LANE
    assert changes_to(two_lanes, [], lane=RIGHT_LANE) == -1
    assert changes_to(two_lanes, [(LEFT_LANE, 30.0, 14.0)], lane=LEFT_LANE) == RIGHT_LANE


def expected_gain(gap, speed, other, behind, behind_speed, politeness):
    """MOBIL incentive of a change into the left lane: own gain plus p times that of the new follower."""
    free = idm(speed, LIMIT, 1e9, speed)
    own = free - min(free, idm(speed, LIMIT, gap, other))
    before = idm(behind_speed, LIMIT, 1e9, behind_speed)
    after = min(before, idm(behind_speed, LIMIT, behind, speed))
    if after < -SAFE_BRAKING:
        return -math.inf
    return own + politeness * (after - before)


@pytest.mark.parametrize("politeness", [0.0, 0.5, 1.0])
def test_lanes_change_exactly_where_mobil_says_so(two_lanes, politeness):
    traits = (*TRAITS[:4], politeness, 8.0)
    decisions = set()
    cases = itertools.product(
        (15.0, 40.0, 70.0), (12.0, 18.0), (4.0, 8.0, 14.0, 25.0, 60.0), (18.0, 24.0, 29.0)
    )
    for gap, other, behind, behind_speed in cases:
        gain = expected_gain(gap, 20.0, other, behind, behind_speed, politeness) - RIGHT_BIAS
        if abs(gain - THRESHOLD) < 0.02:
            continue
        found = changes_to(
            two_lanes,
            [(RIGHT_LANE, gap, other), (LEFT_LANE, -behind, behind_speed)],
            traits=traits,
            lane=RIGHT_LANE,
        )
        assert (found == LEFT_LANE) == (gain > THRESHOLD), (gap, other, behind, behind_speed)
        decisions.add(found)
    assert decisions == {LEFT_LANE, -1}


def test_no_vehicle_cuts_in_if_the_new_follower_would_have_to_brake_hard(two_lanes):
    slow = (RIGHT_LANE, 12.0, 8.0)
    selfish = (*TRAITS[:4], 0.0, 8.0)
    for behind in (4.0, 8.0, 12.0, 20.0, 30.0, 45.0, 70.0):
        found = changes_to(two_lanes, [slow, (LEFT_LANE, -behind, 29.0)], traits=selfish, lane=RIGHT_LANE)
        is_safe = idm(29.0, LIMIT, behind, 20.0) >= -SAFE_BRAKING
        assert (found == LEFT_LANE) == is_safe, behind


def test_no_vehicle_changes_into_one_alongside(two_lanes):
    beside = (LEFT_LANE, -CAR + 1.0, 20.0)
    assert changes_to(two_lanes, [(RIGHT_LANE, 12.0, 8.0), beside], lane=RIGHT_LANE) == -1


def test_a_change_leads_to_the_middle_of_the_other_lane(two_lanes):
    traffic = traffic_on(two_lanes, 2)
    set_out(traffic, 1, RIGHT_LANE, 1000.0, 20.0)
    set_out(traffic, 2, RIGHT_LANE, 1040.0, 8.0)
    traffic.vehicles.cooldown[0, 1] = 0.0
    before = None
    for _ in range(80):
        traffic.step(STEP)
        y = traffic.vehicles.pose[0, 1, 1]
        assert before is None or abs(y - before) < 0.3
        before = y
    assert traffic.vehicles.lane[0, 1] == LEFT_LANE
    assert y == pytest.approx(-0.5 * 3.5, abs=1e-6)
    assert traffic.vehicles.indicator[0, 1] == 0 and traffic.vehicles.shadow[0, 1] == -1


def test_vehicles_leave_a_lane_that_ends():
    shown = highway_map(3, HighwayConfig(length=1500.0))
    network = shown.network
    ending = [
        lane
        for lane in network.lanes
        if not lane.successors and lane.left >= 0 and network.lanes[lane.left].successors and lane.road > 0
    ]
    assert ending
    traffic = traffic_on(shown.traffic, 1)
    lane = ending[0]
    set_out(traffic, 1, lane.index, 10.0, 20.0)
    traffic.vehicles.cooldown[0, 1] = 0.0
    for _ in range(300):
        traffic.step(STEP)
        if traffic.vehicles.lane[0, 1] != lane.index:
            break
    assert traffic.vehicles.lane[0, 1] == lane.left
