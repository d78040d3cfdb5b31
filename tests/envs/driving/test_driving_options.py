"""Options of all driving tasks besides cameras: weather, maps, sensors, experts; and long runs."""

import dataclasses
import gc
import inspect
import os
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from camshaft import envs
from camshaft.envs.driving.light import TIMES_OF_DAY, WEATHERS, Conditions
from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering import Camera

DRIVING = [task.id for task in envs.TASKS if "driving" in task.tags]
every_driving_task = pytest.mark.parametrize("task", DRIVING)


def first_frame(task, **options):
    env = gymnasium.make(task, obs_mode="rgb", camera=(64, 48), **options)
    frame, _ = env.reset(seed=3)
    env.close()
    return frame.astype(float)


def test_weathers_look_different_and_fog_hides_what_is_far():
    frames = {weather: first_frame(DRIVING[0], weather=weather) for weather in (None, *WEATHERS)}
    names = list(frames)
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            assert np.abs(frames[one] - frames[other]).mean() > 1.0, (one, other)
    horizon = slice(14, 24)
    assert frames["fog"][horizon].std() < 0.7 * frames["clear"][horizon].std()


def test_night_is_darker_than_dusk_and_dusk_than_day():
    day, dusk, night = (first_frame(DRIVING[0], time_of_day=time)[:20].mean() for time in TIMES_OF_DAY)
    assert day > dusk > night


def test_rain_is_on_every_camera_and_keeps_its_other_effects():
    camera = Camera(32, 32, 60.0)
    wet = Conditions(weather="rain").seen_by(camera)
    assert wet.sensor.rain > 0.0
    assert wet.sensor.spray > 0.0
    assert Conditions(weather="fog").seen_by(camera) is camera


@pytest.mark.parametrize("wrong", [{"weather": "snow"}, {"time_of_day": "noon"}, {"weather": 3}])
def test_unknown_weather_and_times_are_refused(wrong):
    with pytest.raises(InvalidOption, match="Accepted"):
        gymnasium.make(DRIVING[0], obs_mode="state", **wrong)


@every_driving_task
def test_recovering_one_world_leaves_the_others_alone(task):
    recovered, plain = (envs.make_simulation(task, 2, obs_mode="state") for _ in range(2))
    for simulation in (recovered, plain):
        simulation.reset(seeds=[1, 2])
    for step in range(30):
        if step % 3 == 2:
            recovered.recover([1])
        measured = [simulation.step(simulation.expert_action()) for simulation in (recovered, plain)]
        assert measured[0].reward[0] == measured[1].reward[0]
        assert all(measured[0].info[name][0] == measured[1].info[name][0] for name in measured[0].info)


@every_driving_task
def test_maps_show_the_car_where_it_is(task):
    env = gymnasium.make(task, obs_mode="state", render_mode="map")
    env.reset(seed=1)
    first = env.render()
    assert first.shape == (640, 640, 3)
    assert first.dtype == np.uint8
    red = (first == (220, 40, 40)).all(axis=-1)
    assert 4 < red.sum() < 4000
    for _ in range(40):
        env.step(env.unwrapped.simulation.expert_action()[0])
    assert (env.render() != first).any()


@every_driving_task
def test_every_task_has_the_sensors_of_a_car(task):
    env = gymnasium.make(task, obs_mode="ego+imu")
    env.reset(seed=0)
    for _ in range(10):
        observation, *_ = env.step(env.unwrapped.simulation.expert_action()[0])
    simulation = env.unwrapped.simulation
    assert observation["ego"][0] == pytest.approx(simulation.vehicles[0, 3], rel=1e-5)
    assert observation["imu"][2] == pytest.approx(9.81)


@every_driving_task
def test_experts_do_their_tasks(task):
    """On a few seeds; `camshaft bench experts` uses many."""
    worlds = 4
    simulation = envs.make_simulation(task, worlds, obs_mode="state", randomize="test")
    simulation.reset(seeds=list(range(worlds)))
    going, success = np.ones(worlds, bool), np.zeros(worlds, bool)
    while going.any():
        measured = simulation.step(simulation.expert_action())
        success = np.where(going, measured.success, success)
        going &= ~(measured.terminated | simulation.truncated)
    assert success.all()


def resident():
    """Resident memory of this process in bytes."""
    pages = Path("/proc/self/statm")
    return int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if pages.exists() else 0


def few_maps(task):
    """Option that limits a task to eight maps, if it has maps."""
    config = inspect.signature(envs.find_task(task).simulation_class()).parameters["config"].default
    return {"config": dataclasses.replace(config, num_maps=8)} if hasattr(config, "num_maps") else {}


@pytest.mark.slow
def test_ten_thousand_random_episodes_neither_fail_nor_grow():
    for task in DRIVING:
        options = {"obs_mode": "state", "max_episode_steps": 12, **few_maps(task)}
        vector = gymnasium.make_vec(task, num_envs=16, **options)
        vector.action_space.seed(0)
        vector.reset(seed=0)
        episodes, halfway = 0, 0
        wanted = -(-10_000 // len(DRIVING))
        while episodes < wanted:
            observation, reward, terminated, truncated, _ = vector.step(vector.action_space.sample())
            episodes += int((terminated | truncated).sum())
            assert np.isfinite(reward).all()
            parts = observation.values() if isinstance(observation, dict) else [observation]
            assert all(np.isfinite(part).all() for part in parts)
            if not halfway and episodes > wanted // 2:
                gc.collect()
                halfway = resident()
        gc.collect()
        assert resident() - halfway < 60e6, task
        vector.close()
