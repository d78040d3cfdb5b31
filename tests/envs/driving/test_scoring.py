"""Infractions and driving scores of scripted rollouts, counted independently by the test."""

import numpy as np
import pytest

from camshaft.envs.driving.dynamics import frenet, vehicle
from camshaft.envs.driving.road_network.elements import LIGHT, STOP
from camshaft.envs.driving.scoring import AGAIN, NAMES, PENALTIES, Infractions
from camshaft.envs.driving.tasks.town import Town, TownTaskConfig
from camshaft.envs.driving.traffic.kinds import EGO_LENGTH

SECONDS = 0.1  # of a control step
NOBODY = TownTaskConfig(num_maps=4, collision_ends=False)

# Factors of the CARLA leaderboard's evaluation criteria.
FACTORS = {
    "collisions_person": 0.50,
    "collisions_vehicle": 0.60,
    "collisions_object": 0.65,
    "red_lights": 0.70,
    "stop_signs": 0.80,
    "off_road": 1.0,
}


def make_town(config=NOBODY, **options):
    options = {"num_vehicles": 0, "num_people": 0, **options}
    return Town(1, config=config, obs_mode="state", max_episode_steps=3000, **options)


class Driver:
    """Driver that follows the route at its own speed or offset, and counts its own infractions."""

    def __init__(self, town, seed):
        self.town = town
        town.reset(seeds=[seed])
        self.red_lights = self.stop_signs = 0
        self.seconds = 0.0
        self.measured = None

    @property
    def distance(self):
        return float(self.town.tracker.frenet[0, frenet.DISTANCE])

    @property
    def route(self):
        return self.town._routes[0]

    def step(self, speed=8.0, left=0.0):
        """One control step at about a speed (m/s), at an offset (meters) left of the route."""
        town = self.town
        _, action = town.displaced_views(np.array([-left]), np.zeros(1))
        pedal = np.clip(speed - town.vehicles[0, vehicle.SPEED], -1.0, 1.0)
        front = self.distance + 0.5 * EGO_LENGTH
        self.measured = town.step(np.array([[action[0, 0], pedal]], np.float32))
        self.seconds += SECONDS
        now = self.distance + 0.5 * EGO_LENGTH
        for stop in self.route.stops:
            if front < stop.distance <= now:
                self._pass(stop)
        return self.measured

    def _pass(self, stop):
        lane = self.town._maps[0].network.lanes[stop.lane]
        if stop.control == LIGHT:
            group = self.town._maps[0].network.signals[lane.signal]
            phase = (self.seconds + group.offset - group.green_from) % group.cycle
            self.red_lights += phase >= group.green + 3.0  # after three seconds of yellow
        elif stop.control == STOP:
            self.stop_signs += 1

    def info(self, name):
        return self.measured.info[name][0]

    def drive(self, meters, **how):
        goal = self.distance + meters
        while self.distance < goal and not self.measured_end:
            self.step(**how)

    @property
    def measured_end(self):
        return self.measured is not None and bool(self.measured.terminated[0])


def seeds_with(control, count, limit=60):
    """Seeds of episodes whose route has a stop line of a kind."""
    town = make_town()
    found = []
    for seed in range(limit):
        town.reset(seeds=[seed])
        if any(stop.control == control for stop in town._routes[0].stops):
            found.append(seed)
            if len(found) == count:
                return found
    raise AssertionError(f"only {found}")


def check_score(driver):
    """The driving score follows from completion and counts by the leaderboard's formula."""
    factor = np.prod([FACTORS[name] ** driver.info(name) for name in NAMES])
    off_road = driver.town._infractions.off_road[0] / driver.route.curve.length
    expected = 100.0 * (driver.info("route_completion") - off_road) * factor
    assert driver.info("driving_score") == pytest.approx(expected)


def test_penalties_are_those_of_the_leaderboard():
    assert dict(zip(NAMES, PENALTIES.tolist(), strict=True)) == FACTORS


def test_the_expert_alone_in_town_scores_a_hundred():
    town = make_town()
    driver = Driver(town, 4)
    for _ in range(2000):
        measured = town.step(town.expert_action())
        if measured.terminated[0]:
            break
    driver.measured = measured
    assert measured.success[0]
    assert driver.info("driving_score") == 100.0 and driver.info("route_completion") == 1.0


def test_ignored_red_lights_are_all_counted():
    town, red = make_town(), 0
    for seed in seeds_with(LIGHT, 10):
        driver = Driver(town, seed)
        driver.drive(1e9, speed=7.0)
        assert driver.info("red_lights") == driver.red_lights
        assert driver.info("stop_signs") == driver.stop_signs
        check_score(driver)
        red += driver.red_lights
        assert driver.measured.success[0] == (driver.red_lights + driver.stop_signs == 0)
    assert red >= 3


def test_red_and_yellow_is_still_red():
    town = make_town()
    driver = Driver(town, seeds_with(LIGHT, 1)[0])
    stop = next(stop for stop in driver.route.stops if stop.control == LIGHT)
    group = town._maps[0].network.signals[town._maps[0].network.lanes[stop.lane].signal]
    driver.drive(stop.distance - driver.distance - 0.5 * EGO_LENGTH - 4.0, speed=5.0)
    before = driver.info("red_lights")
    while driver.info("speed") > 0.05:
        driver.step(speed=0.0)
    # It starts so that it crosses the line half a second before green.
    left = stop.distance - driver.distance - 0.5 * EGO_LENGTH
    town.vehicles[0, vehicle.SPEED] = 5.0
    town.traffic.times[0] = group.green_from - group.offset + group.cycle - 0.5 - left / 5.0
    while driver.distance + 0.5 * EGO_LENGTH < stop.distance:
        driver.step(speed=5.0)
    assert driver.info("red_lights") == before + 1


def test_rolling_through_a_stop_sign_is_counted_and_stopping_is_not():
    town = make_town()
    for seed in seeds_with(STOP, 3):
        driver = Driver(town, seed)
        stop = next(stop for stop in driver.route.stops if stop.control == STOP)
        driver.drive(stop.distance - driver.distance + 1.0, speed=5.0)
        assert driver.info("stop_signs") == driver.stop_signs >= 1
        rolled = driver.info("stop_signs")

        driver = Driver(town, seed)
        driver.drive(stop.distance - driver.distance - 0.5 * EGO_LENGTH - 6.0, speed=5.0)
        before = driver.info("stop_signs")
        while driver.info("speed") > 0.05:
            driver.step(speed=0.0)
        while driver.distance + 0.5 * EGO_LENGTH < stop.distance + 1.0:
            driver.step(speed=5.0)
        assert driver.info("stop_signs") == before
        assert rolled == before + 1


def stand_in_the_way(town, meters):
    """Put vehicle 1 on the route ahead of the car, at rest; call it before every step."""
    vehicles, route = town.traffic.vehicles, town._routes[0]
    point = round(meters / route.curve.spacing)
    vehicles.present[0, 1] = True
    vehicles.lane[0, 1], vehicles.along[0, 1] = route.lane_at[point], route.along_at[point]
    vehicles.speed[0, 1] = 0.0
    place, heading = route.curve.at(meters)
    vehicles.pose[0, 1] = *place, heading


@pytest.fixture(scope="module")
def straight_seed():
    """Seed of an episode whose route begins with 60 m of road without controls, with oncoming lanes on the left."""
    town = make_town()
    for seed in range(100):
        town.reset(seeds=[seed])
        route = town._routes[0]
        first = int(60.0 / route.curve.spacing)
        innermost = town._maps[0].network.lanes[route.lanes[0]].left < 0
        bent = np.abs(route.curve.curvature[:first]).max() > 0.02
        if innermost and not bent and len(set(route.lane_at[:first])) == 1:
            return seed
    raise AssertionError("none")


def test_a_collision_with_a_car_counts_once_and_costs_four_tenths(straight_seed):
    town = make_town(num_vehicles=1)
    driver = Driver(town, straight_seed)
    start = driver.distance
    for _ in range(80):
        stand_in_the_way(town, start + 25.0)
        driver.step(speed=6.0)
        if driver.distance > start + 45.0:
            break
    assert driver.info("collisions_vehicle") == 1
    assert driver.info("driving_score") == pytest.approx(60.0 * driver.info("route_completion"))


def test_by_default_a_collision_ends_the_episode(straight_seed):
    town = make_town(TownTaskConfig(num_maps=4), num_vehicles=1)
    driver = Driver(town, straight_seed)
    start = driver.distance
    rewards = []
    while not driver.measured_end and driver.distance < start + 45.0:
        stand_in_the_way(town, start + 25.0)
        rewards.append(driver.step(speed=6.0).info["reward/infractions"][0])
    assert driver.measured_end and not driver.measured.success[0]
    assert driver.distance + 0.5 * EGO_LENGTH == pytest.approx(start + 25.0 - 0.5 * 4.5, abs=3.5)
    assert rewards[-1] == -5.0 and not any(rewards[:-1])


def test_a_collision_with_a_person_halves_the_score(straight_seed):
    town = make_town(num_people=1)
    driver = Driver(town, straight_seed)
    start = driver.distance
    for _ in range(60):
        people, curve = town.traffic.people, driver.route.curve
        people.present[0, 0] = True
        # They are moved along their path in the step; walking in place keeps them there.
        place, heading = curve.at(start + 20.0)
        _stand(town, place, heading)
        driver.step(speed=6.0)
        if driver.info("collisions_person"):
            break
    assert driver.info("collisions_person") == 1
    assert driver.info("driving_score") == pytest.approx(50.0 * driver.info("route_completion"))


def _stand(town, place, heading):
    """Make the only person stand at a position, on a path of their own."""
    paths, people = town.traffic.paths, town.traffic.people
    path = int(people.path[0, 0])
    first, stop = paths.starts[0, path], paths.starts[0, path + 1]
    paths.points[0, first:stop, :2] = place
    paths.points[0, first:stop, 2] = heading
    people.state[0, 0] = 0
    people.along[0, 0] = 0.5 * paths.length[0, path]
    people.speed[0, 0] = people.offset[0, 0] = 0.0


def test_leaving_the_road_counts_once_and_its_meters_are_not_completed(straight_seed):
    town = make_town()
    driver = Driver(town, straight_seed)
    driver.drive(5.0, speed=5.0)
    driver.drive(35.0, speed=5.0, left=3.5)
    driver.drive(15.0, speed=5.0)
    assert driver.info("off_road") == 1
    meters = town._infractions.off_road[0]
    assert 15.0 < meters < 40.0
    check_score(driver)


def test_a_house_is_an_object(straight_seed):
    town = make_town()
    driver = Driver(town, straight_seed)
    driver.drive(10.0, speed=6.0)
    x, y, heading = town.traffic.vehicles.pose[0, 0]
    ahead = np.array([np.cos(heading), np.sin(heading)])
    obstacles = town._obstacles.arrays
    obstacles.boxes[0, 0] = *(np.array([x, y]) + 12.0 * ahead), heading, 1.0, 1.0
    obstacles.counts[0] = max(obstacles.counts[0], 1)
    driver.drive(16.0, speed=6.0)
    assert driver.info("collisions_object") == 1
    assert driver.info("driving_score") == pytest.approx(65.0 * driver.info("route_completion"))


def test_an_episode_ends_far_from_the_route_or_after_a_minute_at_rest(straight_seed):
    town = make_town()
    driver = Driver(town, straight_seed)
    for _ in range(700):
        driver.step(speed=0.0)
        if driver.measured_end:
            break
    assert driver.info("speed") < 0.1 and 60.0 <= driver.seconds < 64.0
    driver = Driver(town, straight_seed)
    x, y = town.vehicles[0, [vehicle.X, vehicle.Y]]
    heading = town.vehicles[0, vehicle.HEADING]
    town.vehicles[0, [vehicle.X, vehicle.Y]] = x - 31.0 * np.sin(heading), y + 31.0 * np.cos(heading)
    town._locate(np.array([0]))
    driver.step(speed=1.0)
    assert driver.measured_end and not driver.measured.success[0]


def count(infractions, step, vehicle_hit=-1, person=False, thing=False, off=0.0, advanced=1.0):
    one = np.ones(1)
    return infractions.count(
        (np.array([vehicle_hit]), np.array([person]), np.array([thing])),
        (np.zeros(1, bool), np.zeros(1, bool)),
        np.array([[off, off]]),
        advanced * one,
        np.array([step]),
    )[0]


def test_one_collision_is_counted_once_however_long_it_lasts():
    infractions = Infractions(1)
    assert [count(infractions, step, vehicle_hit=3) for step in range(1, 60)] == [1.0] + [0.0] * 58
    assert count(infractions, 59 + AGAIN - 1, vehicle_hit=3) == 0.0
    assert count(infractions, 59 + 2 * AGAIN, vehicle_hit=3) == 1.0
    assert infractions.score(np.ones(1))[0] == pytest.approx(100.0 * 0.6**2)


def test_infractions_multiply():
    infractions = Infractions(2)
    infractions.counts[1] = [1, 2, 1, 1, 3, 4]
    assert infractions.score(np.array([1.0, 0.5])) == pytest.approx(
        [100.0, 50.0 * 0.5 * 0.6**2 * 0.65 * 0.7 * 0.8**3]
    )
    infractions.clear(1)
    assert infractions.total[1] == 0 and not infractions.collided[1]


def test_a_state_saved_off_the_road_resumes_identically(straight_seed):
    town = make_town()
    driver = Driver(town, straight_seed)
    driver.drive(5.0, speed=5.0)
    driver.drive(15.0, speed=5.0, left=3.5)
    state = town.get_state()
    assert driver.info("off_road") == 1
    driver.drive(10.0, speed=5.0)
    town.set_state(state)
    driver.step(speed=5.0, left=3.5)
    assert driver.info("off_road") == 1
    other = make_town()
    other.reset(seeds=[0])
    other.set_state(state)
    driver.town = other
    driver.step(speed=5.0, left=3.5)
    assert driver.info("off_road") == 1
