"""Lane geometry, the expert driver, displaced views, interventions."""

import numpy as np
import pytest

from camshaft import envs
from camshaft.envs.driving.country_road.road import RoadConfig, generate_road
from camshaft.envs.driving.dynamics import frenet, vehicle
from camshaft.envs.driving.planning.path_tracking import PathTracker

TASK = "camshaft/LaneKeeping-v0"
LANE_OFFSET = -1.8


@pytest.fixture(scope="module")
def road():
    return generate_road(np.random.default_rng(4), RoadConfig())


def car_at(road, distance, lateral=0.0, turn=0.0):
    """(1, 8) standing car `lateral` meters left of the lane center."""
    state = np.zeros((1, vehicle.NUM_STATES))
    x, y, _ = road.positions_at(np.array(distance), np.array(LANE_OFFSET + lateral))
    state[0, [vehicle.X, vehicle.Y]] = x, y
    state[0, vehicle.HEADING] = float(road.headings_at(distance)) + turn
    state[0, vehicle.SPEED] = 14.0
    return state


@pytest.mark.parametrize("lateral", [-1.5, 0.0, 0.7, 3.0])
@pytest.mark.parametrize("distance", [40.3, 333.7, 901.0])
def test_a_car_is_found_where_it_was_put(road, distance, lateral):
    tracker = PathTracker(1, LANE_OFFSET)
    tracker.set_points(0, road.path, road.spacing)
    tracker.frenet[0, frenet.DISTANCE] = distance - 3.0
    tracker.locate(car_at(road, distance, lateral, 0.2))
    found = tracker.frenet[0]
    assert found[frenet.DISTANCE] == pytest.approx(distance, abs=0.02)
    assert found[frenet.LATERAL] == pytest.approx(lateral, abs=0.01)
    assert found[frenet.HEADING_ERROR] == pytest.approx(0.2, abs=2e-3)
    assert found[frenet.HEIGHT] == pytest.approx(road.positions_at(np.array(distance))[2], abs=0.01)


def test_heading_error_is_wrapped(road):
    tracker = PathTracker(1, LANE_OFFSET)
    tracker.set_points(0, road.path, road.spacing)
    tracker.frenet[0, frenet.DISTANCE] = 100.0
    tracker.locate(car_at(road, 100.0, 0.0, 0.3 + 4 * np.pi))
    assert tracker.frenet[0, frenet.HEADING_ERROR] == pytest.approx(0.3, abs=2e-3)


def test_lane_curvature_is_that_of_the_lane_not_of_the_road(road):
    tracker = PathTracker(1, LANE_OFFSET)
    tracker.set_points(0, road.path, road.spacing)
    bend = int(np.argmax(np.abs(road.curvature)))
    tracker.frenet[0, frenet.DISTANCE] = bend * road.spacing
    radius = 1.0 / road.curvature[bend] - LANE_OFFSET
    assert tracker.curvature_ahead(np.zeros(1))[0, 0] == pytest.approx(1.0 / radius, rel=1e-9)


def run_expert(sim, steps):
    return np.array([sim.step(sim.expert_action()).info["lateral_error"].copy() for _ in range(steps)])


@pytest.mark.parametrize("control_mode", ["steering", "curvature"])
def test_the_expert_keeps_to_the_middle_of_every_road(control_mode):
    sim = envs.make_simulation(TASK, 12, obs_mode="state", control_mode=control_mode, randomize="test")
    sim.reset(None, range(100, 112))
    errors = np.abs(run_expert(sim, 1200))
    assert errors[60:].max() < 0.25
    assert errors.mean() < 0.05
    assert sim.truncated.all()


def test_the_expert_returns_to_the_middle_within_three_seconds():
    sim = envs.make_simulation(TASK, 8, obs_mode="state")
    sim.reset(None, range(8))
    run_expert(sim, 60)
    heading = sim.vehicles[:, vehicle.HEADING]
    sim.vehicles[:, vehicle.X] -= 1.2 * np.sin(heading)
    sim.vehicles[:, vehicle.Y] += 1.2 * np.cos(heading)
    sim.tracker.locate(sim.vehicles)
    errors = run_expert(sim, 60)
    assert (errors[0] > 0.8).all()
    assert np.abs(errors[-1]).max() < 0.3


def test_displaced_views_steer_back_and_change_nothing():
    sim = envs.make_simulation(TASK, 4, obs_mode="rgb+state", randomize="train", control_mode="curvature")
    sim.reset(None, range(4))
    run_expert(sim, 40)
    before = sim.get_state()
    straight, action = sim.expert_action(), sim.observe()
    left, to_the_right = sim.displaced_views(np.full(4, 1.0), np.zeros(4))
    right, to_the_left = sim.displaced_views(np.full(4, -1.0), np.zeros(4))
    turned, turn_back = sim.displaced_views(np.zeros(4), np.full(4, 0.1))
    assert (to_the_right < straight).all()
    assert (to_the_left > straight).all()
    assert (turn_back < straight).all()
    assert left["state"][:, 0] - right["state"][:, 0] == pytest.approx(2.0, abs=0.02)
    assert turned["state"][:, 1] - action["state"][:, 1] == pytest.approx(0.1, abs=1e-5)
    assert (left["rgb"] != right["rgb"]).any()
    after = sim.get_state()
    assert (before["vehicles"] == after["vehicles"]).all()
    assert (sim.observe()["rgb"] == action["rgb"]).all()


def test_a_displaced_view_is_what_a_car_there_would_see():
    sim = envs.make_simulation(TASK, 1, obs_mode="rgb")
    sim.reset(None, [5])
    run_expert(sim, 30)
    seen, _ = sim.displaced_views(np.array([0.6]), np.array([0.05]))
    car = sim.vehicles[0]
    car[vehicle.X] -= 0.6 * np.sin(car[vehicle.HEADING])
    car[vehicle.Y] += 0.6 * np.cos(car[vehicle.HEADING])
    car[vehicle.HEADING] += 0.05
    sim.tracker.locate(sim.vehicles)
    there = sim.observe()
    assert np.abs(seen.astype(int) - there.astype(int)).mean() < 1.0


def test_an_intervention_puts_the_car_back_and_the_episode_continues():
    sim = envs.make_simulation(TASK, 2, obs_mode="state", control_mode="curvature")
    sim.reset(None, [1, 2])
    for _ in range(200):
        measured = sim.step(np.full((2, 1), 0.05, np.float32))
        if (np.abs(measured.info["lateral_error"]) > 1.0).any():
            break
    distance = measured.info["distance"].copy()
    speed = sim.vehicles[:, vehicle.SPEED].copy()
    sim.recover([0, 1])
    located = sim.tracker.frenet
    assert located[:, frenet.LATERAL] == pytest.approx([0.0, 0.0], abs=1e-3)
    assert located[:, frenet.HEADING_ERROR] == pytest.approx([0.0, 0.0], abs=1e-3)
    assert sim.reset_info(np.array([0, 1]))["distance"] == pytest.approx(distance, abs=0.05)
    assert (sim.vehicles[:, vehicle.SPEED] == speed).all()
    assert np.abs(run_expert(sim, 40)).max() < 0.3


def test_leaving_the_lane_terminates_without_success():
    sim = envs.make_simulation(TASK, 1, obs_mode="state")
    sim.reset(None, [0])
    for _ in range(200):
        measured = sim.step(np.ones((1, 1), np.float32))
        if measured.terminated[0]:
            break
    assert measured.terminated[0]
    assert not measured.success[0]
    assert measured.reward[0] <= 0.0
    assert abs(measured.info["lateral_error"][0]) > 1.8


@pytest.mark.parametrize("reward_mode", ["dense", "sparse"])
def test_reward_terms_sum_to_the_reward(reward_mode):
    sim = envs.make_simulation(TASK, 3, obs_mode="state", reward_mode=reward_mode, max_episode_steps=20)
    sim.reset(None, [0, 1, 2])
    for _ in range(20):
        measured = sim.step(sim.expert_action())
        terms = [values for name, values in measured.info.items() if name.startswith("reward/")]
        assert np.sum(terms, axis=0) == pytest.approx(measured.reward)
    assert measured.success.all()
    assert (measured.reward > 0.8).all() if reward_mode == "dense" else (measured.reward == 0.0).all()


def test_train_and_test_roads_are_never_the_same():
    seeds = {}
    for split in ("train", "test"):
        sim = envs.make_simulation(TASK, 64, obs_mode="state", randomize=split)
        sim.reset(None, range(64))
        seeds[split] = set(sim.episode_seeds.tolist())
    assert len(seeds["train"]) == len(seeds["test"]) == 64
    assert seeds["train"].isdisjoint(seeds["test"])


def test_the_end_of_the_road_ends_the_episode_with_success():
    sim = envs.make_simulation(TASK, 1, obs_mode="state")
    sim.reset(None, [0])
    sim.tracker.frenet[0, frenet.DISTANCE] = sim._road_config.length - 25.0
    sim.recover([0])
    for _ in range(40):
        measured = sim.step(sim.expert_action())
        if measured.terminated[0]:
            break
    assert measured.terminated[0]
    assert measured.success[0]
