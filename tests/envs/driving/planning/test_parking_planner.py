"""Reeds–Shepp paths against known cases and symmetries; plans against a polygon library."""

import itertools

import numpy as np
import pytest
import shapely

from camshaft.envs.driving.dynamics.collisions import box_corners
from camshaft.envs.driving.maps.parking_map import parking_map
from camshaft.envs.driving.planning.parking_planner import MARGIN, STEP, plan
from camshaft.envs.driving.planning.reeds_shepp import NUM_PATHS, advance_on, shortest_path, trace, write_path

CAR = (4.5, 1.8, 1.35)  # meters: length, width, distance from the rear axle to the middle
RADIUS = 5.5  # meters, smallest turning radius


def length_of(x, y, heading):
    return float(np.abs(shortest_path(x, y, heading)[:, 1]).sum())


def end_of(path):
    pose = (0.0, 0.0, 0.0)
    for turn, length in path:
        pose = advance_on(*pose, turn, length)
    return pose


def wrapped(angle):
    return np.arctan2(np.sin(angle), np.cos(angle))


@pytest.fixture(scope="module")
def poses():
    rng = np.random.default_rng(5)
    return np.column_stack([rng.uniform(-6.0, 6.0, (400, 2)), rng.uniform(-np.pi, np.pi, 400)])


@pytest.mark.parametrize(
    ("pose", "length"),
    [
        ((3.0, 0.0, 0.0), 3.0),  # forward
        ((-3.0, 0.0, 0.0), 3.0),  # back
        ((1.0, 1.0, 0.5 * np.pi), 0.5 * np.pi),  # a quarter of a circle
        ((0.0, 2.0, np.pi), np.pi),  # half a circle
        ((0.0, 0.0, np.pi), np.pi),  # turning on the spot: three arcs of 60°
        ((2.0, 2.0, 0.0), np.pi),  # an S of two quarters
        ((5.0, 1.0, 0.5 * np.pi), 4.0 + 0.5 * np.pi),  # 4 ahead and a quarter of a circle
        ((0.0, 0.0, 0.5 * np.pi), 0.5 * np.pi),
    ],
)
def test_lengths_of_known_cases(pose, length):
    assert length_of(*pose) == pytest.approx(length, abs=1e-9)


def test_every_path_that_is_written_leads_to_the_pose(poses):
    path = np.zeros((5, 2))
    words = set()
    for x, y, heading in poses:
        for number in range(NUM_PATHS):
            count = write_path(x, y, heading, number, path)
            if not count:
                continue
            words.add(number)
            end = end_of(path[:count])
            assert end[:2] == pytest.approx((x, y), abs=1e-6)
            assert abs(wrapped(end[2] - heading)) < 1e-6
    assert len(words) == NUM_PATHS


def test_a_path_to_every_pose_is_no_shorter_than_distance_and_turn(poses):
    for x, y, heading in poses:
        assert length_of(x, y, heading) >= max(np.hypot(x, y), abs(wrapped(heading))) - 1e-9


def test_mirrored_reversed_and_backwards_paths_are_as_long(poses):
    for x, y, heading in poses[:150]:
        length = length_of(x, y, heading)
        assert length_of(x, -y, -heading) == pytest.approx(length, abs=1e-7)  # left and right swapped
        assert length_of(-x, y, -heading) == pytest.approx(length, abs=1e-7)  # forward and reverse swapped
        cosine, sine = np.cos(heading), np.sin(heading)
        back = (-(cosine * x + sine * y), sine * x - cosine * y, -heading)
        assert length_of(*back) == pytest.approx(length, abs=1e-7)  # from the pose to the origin


def test_lengths_obey_the_triangle_inequality(poses):
    for (x, y, heading), via in itertools.islice(zip(poses, poses[200:], strict=False), 150):
        cosine, sine = np.cos(via[2]), np.sin(via[2])
        across, up = x - via[0], y - via[1]
        rest = (cosine * across + sine * up, -sine * across + cosine * up, heading - via[2])
        assert length_of(x, y, heading) <= length_of(*via) + length_of(*rest) + 1e-7


def test_no_path_of_a_grid_search_is_shorter():
    """A second implementation: Dijkstra over poses a sixth of a radian apart, which can only overestimate."""
    step = np.pi / 18
    best = {}
    frontier = [(0.0, 0.0, 0.0)]
    for depth in range(10):
        reached = []
        for pose in frontier:
            for turn, way in itertools.product((1.0, 0.0, -1.0), (1.0, -1.0)):
                after = advance_on(*pose, turn, way * step)
                key = tuple(np.round(after, 3))
                if key not in best:
                    best[key] = (depth + 1) * step
                    reached.append(after)
        frontier = reached[:400]
    for pose, length in best.items():
        assert length_of(*pose) <= length + 4e-3


def test_a_trace_follows_the_path():
    path = shortest_path(2.0, -3.0, 2.0)
    points = np.zeros((200, 4))
    count = trace(path, len(path), 0.05, points)
    assert points[count - 1, :2] == pytest.approx((2.0, -3.0), abs=1e-9)
    steps = np.diff(np.vstack([np.zeros(2), points[:count, :2]]), axis=0)
    assert np.linalg.norm(steps, axis=1).max() <= 0.05 + 1e-9
    ahead = np.sum(steps * np.stack([np.cos(points[:count, 2]), np.sin(points[:count, 2])], axis=1), axis=1)
    np.testing.assert_array_equal(np.sign(ahead), points[:count, 3])


@pytest.fixture(scope="module")
def plans():
    """Lots, obstacles and plans of 30 seeds."""
    found = []
    for seed in range(30):
        parking = parking_map(seed)
        begin, bay = parking.lot.sample_task(np.random.default_rng(seed))
        start = np.array([begin.x, begin.y, begin.heading])
        goal = np.array([*bay.moved(-CAR[2]).point, bay.heading])
        way = plan(start, goal, RADIUS, CAR, parking.obstacles)
        found.append((start, goal, parking.obstacles, way))
    return found


def test_a_plan_is_found_into_every_bay(plans):
    assert sum(way is not None for *_, way in plans) == len(plans)


def test_plans_begin_at_the_start_and_end_in_the_bay(plans):
    for start, goal, _, way in plans:
        assert way[-1, :2] == pytest.approx(goal[:2], abs=1e-6)
        assert abs(wrapped(way[-1, 2] - goal[2])) < 1e-6
        assert np.linalg.norm(way[0, :2] - start[:2]) < STEP + 1e-6


def test_plans_touch_nothing(plans):
    for start, _, obstacles, way in plans:
        blocks = shapely.union_all([shapely.Polygon(box_corners(*row)) for row in obstacles])
        for x, y, heading in [start, *way[:, :3]]:
            middle = x + CAR[2] * np.cos(heading), y + CAR[2] * np.sin(heading)
            car = shapely.Polygon(box_corners(*middle, heading, CAR[0], CAR[1]))
            # Poses between the checked ones may be closer than the margin, but never touch.
            assert car.distance(blocks) > 0.3 * MARGIN


def test_plans_turn_no_tighter_than_the_car_can(plans):
    for start, _, _, way in plans:
        every = np.vstack([[*start, 1.0], way])
        moved = np.linalg.norm(np.diff(every[:, :2], axis=0), axis=1)
        turned = np.abs(wrapped(np.diff(every[:, 2])))
        assert (moved <= STEP + 1e-6).all()
        assert (turned <= moved / RADIUS * 1.01 + 1e-6).all()
        ahead = np.sum(
            np.diff(every[:, :2], axis=0) * np.stack([np.cos(way[:, 2]), np.sin(way[:, 2])], axis=1), axis=1
        )
        kept = moved > 1e-6
        np.testing.assert_array_equal(np.sign(ahead[kept]), way[kept, 3])


def test_there_is_no_plan_behind_walls():
    begin, bay = parking_map(0).lot.sample_task(np.random.default_rng(0))
    start, goal = (np.array([pose.x, pose.y, pose.heading]) for pose in (begin, bay))
    wall = np.array([[bay.x, 0.5 * bay.y, 0.0, 60.0, 0.5]])
    assert plan(start, goal, RADIUS, CAR, wall) is None
