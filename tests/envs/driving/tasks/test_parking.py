"""Parking: goals, collisions, ranges, the expert's plans, and the lots."""

import math

import gymnasium
import numpy as np
import pytest

from camshaft.envs.driving.dynamics import vehicle
from camshaft.envs.driving.dynamics.collisions import box_corners, pack_obstacles
from camshaft.envs.driving.maps.parking_map import parking_map
from camshaft.envs.driving.road_network.parking_lot import LotConfig
from camshaft.envs.driving.tasks.parking import RANGES, REACH
from camshaft.envs.driving.traffic.kinds import EGO_LENGTH, EGO_WIDTH
from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering import LABELS

TASK = "camshaft/Parking-v0"


def make(worlds=1, **options):
    env = gymnasium.make_vec(TASK, num_envs=worlds, **{"obs_mode": "state", **options})
    env.reset(seed=0)
    return env, env.unwrapped.simulation


def park(simulation, ahead=0.0, turned=0.0, speed=0.0):
    """Put the car at its goal, moved ahead (meters) and turned (radians)."""
    x, y, cosine, sine, _ = simulation._goals[0]
    simulation.vehicles[0] = 0.0
    simulation.vehicles[0, [vehicle.X, vehicle.Y]] = x + ahead * cosine, y + ahead * sine
    simulation.vehicles[0, vehicle.HEADING] = math.atan2(sine, cosine) + turned
    simulation.vehicles[0, vehicle.SPEED] = speed


@pytest.mark.parametrize(
    ("place", "parked"),
    [
        ({}, True),
        ({"ahead": 0.4}, True),
        ({"ahead": 0.6}, False),
        ({"turned": math.radians(10.0)}, True),
        ({"turned": math.radians(14.0)}, False),
        ({"turned": math.pi}, False),
        ({"speed": 1.0}, False),
    ],
)
def test_success_requires_position_heading_and_speed(place, parked):
    env, simulation = make(reward_mode="sparse")
    park(simulation, **place)
    simulation._obstacles.arrays.counts[:] = 0
    _, rewards, terminated, _, info = env.step(np.zeros((1, 2), np.float32))
    success = (info["final_info"] if terminated[0] else info)["is_success"][0]
    assert (bool(success), bool(terminated[0]), rewards[0]) == (parked, parked, 0.0 if parked else -1.0)


def test_dense_reward_is_the_root_of_the_weighted_distances():
    _, simulation = make(reward_mode="dense")
    achieved = np.array([1.0, 2.0, 0.0, 1.0, 0.5])
    desired = np.array([0.0, 0.0, 1.0, 0.0, 0.0])
    expected = -math.sqrt(0.1 * 1.0 + 0.1 * 2.0 + 0.25 * 1.0 + 0.25 * 1.0 + 0.05 * 0.5)
    assert simulation.compute_reward(achieved, desired) == pytest.approx(expected)
    assert simulation.compute_reward(desired, desired) == 0.0


def test_a_colliding_car_stops_and_can_continue():
    env, simulation = make()
    simulation.vehicles[0] = 0.0
    along, _ = simulation._maps[0].lot.half_size
    simulation.vehicles[0, vehicle.X] = along - 0.5 * EGO_LENGTH - 2.0
    counts = []
    for _ in range(60):
        _, _, _, _, info = env.step(np.array([[0.0, 0.8]], np.float32))
        counts.append(info["collisions"][0])
    assert counts[-1] == 1, "it pushes on against the same thing"
    assert simulation.vehicles[0, vehicle.X] + 0.5 * EGO_LENGTH < along + 0.01
    stuck = simulation.vehicles[0, vehicle.X]
    for _ in range(20):
        env.step(np.array([[0.0, -0.8]], np.float32))
    assert simulation.vehicles[0, vehicle.X] < stuck - 0.5
    assert simulation.vehicles[0, vehicle.SPEED] < 0.0
    for _ in range(40):
        _, _, _, _, info = env.step(np.array([[0.0, 0.8]], np.float32))
    assert info["collisions"][0] == 2, "it has come back"


def test_reversing_is_limited_and_standing_still_is_standing_still():
    env, simulation = make()
    simulation._obstacles.arrays.counts[:] = 0
    simulation.vehicles[0] = 0.0
    simulation.vehicles[0, vehicle.STEERING] = 0.5
    for _ in range(20):
        env.step(np.array([[1.0, 0.0]], np.float32))
    assert np.abs(simulation.vehicles[0, [vehicle.X, vehicle.Y, vehicle.SPEED]]).max() == 0.0
    for _ in range(60):
        env.step(np.array([[0.0, -1.0]], np.float32))
    assert simulation.vehicles[0, vehicle.SPEED] == pytest.approx(-3.0)


def test_ranges_reach_the_curb():
    _, simulation = make()
    simulation._obstacles.put(0, pack_obstacles(simulation._maps[0].lot.walls))
    simulation.vehicles[0] = 0.0
    along, across = simulation._maps[0].lot.half_size
    ranges = simulation._ranges(np.array([0]), np.zeros((1, 3)))[0]
    assert len(ranges) == RANGES
    assert ranges[0] == pytest.approx(min(along, REACH))
    assert ranges[RANGES // 4] == pytest.approx(min(across, REACH), abs=1e-5)


@pytest.mark.parametrize("control_mode", ["pedals", "discrete"])
def test_the_expert_parks_on_the_first_try(control_mode):
    env, simulation = make(12, control_mode=control_mode, randomize="test")
    done, parked, bumps = np.zeros(12, bool), np.zeros(12, bool), np.zeros(12)
    for _ in range(600):
        _, _, terminated, truncated, info = env.step(simulation.expert_action())
        ended = (terminated | truncated) & ~done
        if ended.any():
            parked[ended] = info["final_info"]["is_success"][ended]
            bumps[ended] = info["final_info"]["collisions"][ended]
        done |= ended
        if done.all():
            break
    assert parked.all()
    assert bumps.sum() == 0


def test_lots_have_free_bays_and_cars_that_do_not_touch():
    shapely = pytest.importorskip("shapely")
    for seed in range(12):
        parking = parking_map(seed)
        lot = parking.lot
        assert len(lot.free) >= 1
        boxes = [
            shapely.Polygon(box_corners(x, y, heading, length, width))
            for x, y, heading, length, width in parking.obstacles
        ]
        for number, box in enumerate(boxes[:-4]):
            assert not any(box.intersects(other) for other in boxes[number + 1 : -4]), seed
        for x, y, heading in lot.free:
            here = shapely.Polygon(box_corners(x, y, heading, EGO_LENGTH, EGO_WIDTH))
            assert not any(here.intersects(box) for box in boxes)


def test_the_goal_is_seen_and_labeled():
    env = gymnasium.make(TASK, obs_mode="segmentation+goal", camera=(96, 96))
    seen = []
    for seed in range(6):
        observation, _ = env.reset(seed=seed)
        assert set(observation) == {"segmentation", "desired_goal"}
        x, y, *_ = observation["desired_goal"] - env.unwrapped.simulation._achieved(np.array([0]))[0]
        if math.hypot(x, y) < 7.0:
            seen.append((observation["segmentation"] == LABELS["goal"]).sum())
    assert seen
    assert min(seen) > 20


@pytest.mark.parametrize(
    "wrong", [{"bays": 3}, {"aisle": 3.0}, {"bay_width": 1.0}, {"taken": (0.5, 0.2)}, {"taken": (0.0, 1.0)}]
)
def test_impossible_lots_are_refused(wrong):
    with pytest.raises(InvalidOption):
        LotConfig(**wrong)
