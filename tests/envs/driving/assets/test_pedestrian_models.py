"""Pedestrian models: proportions, gait cycle, ground contact, keypoints, levels of detail."""

import numpy as np
import pytest
from model_checks import see_through, silhouette_agreement
from trimesh.triangles import closest_point

from camshaft.envs.driving import assets
from camshaft.envs.driving.assets.walk import KEYPOINTS, PARTS

BODIES = range(assets.NUM_BODIES)
PHASES = np.linspace(0.0, 2.0 * np.pi, 40, endpoint=False)
MOST_TRIANGLES = (310, 120, 32)


def walk(body, phases=PHASES, positions=None, heading=0.0, stride=None):
    count = len(phases)
    origins = np.zeros((count, 3)) if positions is None else positions
    length = assets.BODIES[body].stride if stride is None else stride
    return assets.walk_poses(
        np.full(count, body), origins, np.full(count, heading), phases, np.full(count, length)
    )


@pytest.mark.parametrize("body", BODIES)
def test_frames_have_the_height_of_the_body_and_few_triangles(body):
    frames = assets.pedestrian_frames(body)
    assert len(frames) == assets.WALK_FRAMES + 1
    height = assets.BODIES[body].height
    for frame in frames:
        for level, most in zip(frame, MOST_TRIANGLES, strict=True):
            assert len(level.faces) <= most
            top = level.positions[:, 2].max()
            assert 0.94 * height < top < 1.03 * height
            assert {surface.label for surface in level.surfaces} == {"person"}
    standing = frames[assets.STANDING][0]
    assert standing.positions[:, 2].max() == pytest.approx(height, abs=0.035)
    assert standing.positions[:, 2].min() == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("body", [0, 4, 7, 9])
def test_levels_agree_in_silhouette_and_faces_look_outwards(body):
    for frame in assets.pedestrian_frames(body)[::4]:
        assert silhouette_agreement(frame[0], frame[1]) > 0.72
        assert silhouette_agreement(frame[0], frame[2]) > 0.48
        assert see_through(frame[0]) < 0.03 and see_through(frame[1]) < 0.05


@pytest.mark.parametrize("body", BODIES)
def test_the_walk_repeats_after_one_stride_and_moves_smoothly(body):
    assert np.allclose(walk(body), walk(body, PHASES + 2.0 * np.pi), atol=1e-9)
    fine = walk(body, np.linspace(0.0, 2.0 * np.pi, 721))
    assert np.abs(np.diff(fine[..., :3, 3], axis=0)).max() < 0.03
    assert np.abs(np.diff(fine[..., :3, :3], axis=0)).max() < 0.08


@pytest.mark.parametrize("body", BODIES)
def test_half_a_stride_later_left_and_right_are_swapped(body):
    flip = np.array([1.0, -1.0, 1.0])
    now = assets.walk_keypoints(np.full(40, body), walk(body))
    later = assets.walk_keypoints(np.full(40, body), walk(body, PHASES + np.pi)) * flip
    swapped = [
        KEYPOINTS.index(name.replace("left", "LEFT").replace("right", "left").replace("LEFT", "right"))
        for name in KEYPOINTS
    ]
    assert np.allclose(now, later[:, swapped], atol=1e-9)


@pytest.mark.parametrize("body", BODIES)
def test_limbs_keep_their_lengths(body):
    poses, person = walk(body), assets.BODIES[body]
    for names, length in (
        (("left_thigh", "left_shin"), person.thigh),
        (("right_shin", "right_foot"), person.shin),
        (("left_upper_arm", "left_forearm"), person.upper_arm),
    ):
        first, second = (poses[:, PARTS.index(name), :3, 3] for name in names)
        assert np.linalg.norm(first - second, axis=1) == pytest.approx(length, abs=1e-6)
    turns = poses[..., :3, :3]
    assert np.allclose(turns @ turns.swapaxes(-1, -2), np.eye(3), atol=1e-9)
    assert np.allclose(np.linalg.det(turns), 1.0)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0, 1.2])
def test_a_foot_is_on_the_ground_and_none_below_it(body, share):
    person = assets.BODIES[body]
    poses = walk(body, stride=share * person.stride)
    soles = [sole_points(person, poses[:, PARTS.index(name)]) for name in ("left_foot", "right_foot")]
    lowest = np.minimum(*(points[..., 2].min(axis=1) for points in soles))
    assert lowest == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("body", BODIES)
def test_the_standing_foot_does_not_slide(body):
    """Over one step of the left leg, the contact point with the ground does not move."""
    person = assets.BODIES[body]
    phases = np.linspace(0.0, 2.0 * np.pi * 0.58, 80)
    ahead = np.zeros((80, 3))
    ahead[:, 0] = person.stride * phases / (2.0 * np.pi)
    poses = walk(body, phases, ahead)
    points = sole_points(person, poses[:, PARTS.index("left_foot")])
    touching = points[..., 2] < 1e-6
    for point in range(points.shape[1]):
        contact = points[touching[:, point], point, 0]
        assert len(contact) > 5 and np.ptp(contact) < 1e-6


def sole_points(person, poses):
    """(n, 2, 3) heel and ball of a foot."""
    soles = np.array([[-person.heel, 0.0, -person.ankle], [person.ball, 0.0, -person.ankle]])
    return np.einsum("nij,kj->nki", poses[:, :3, :3], soles) + poses[:, None, :3, 3]


@pytest.mark.parametrize("body", BODIES)
def test_keypoints_lie_in_the_body_of_their_frame(body):
    for frame, points in zip(assets.pedestrian_frames(body), assets.frame_keypoints(body), strict=True):
        triangles = frame[0].positions[frame[0].faces].astype(np.float64)
        for name, point in zip(KEYPOINTS, points, strict=True):
            near = closest_point(triangles, np.tile(point, (len(triangles), 1)))
            distance = np.linalg.norm(near - point, axis=1).min()
            assert distance < 0.075 * assets.BODIES[body].height / 1.7, name
        low, high = frame[0].positions.min(axis=0) - 0.02, frame[0].positions.max(axis=0) + 0.02
        assert ((points > low) & (points < high)).all()


def test_keypoints_follow_position_and_heading():
    points = assets.walk_keypoints([2], walk(2, np.array([0.7])))
    place, heading = np.array([[3.0, -2.0, 0.5]]), 2.1
    moved = assets.walk_keypoints([2], walk(2, np.array([0.7]), place, heading))
    cosine, sine = np.cos(heading), np.sin(heading)
    turn = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    assert np.allclose(moved, points @ turn.T + place)


def test_noses_point_forward_and_left_is_left():
    for body in BODIES:
        points = dict(zip(KEYPOINTS, assets.frame_keypoints(body)[assets.STANDING], strict=True))
        assert points["nose"][0] > points["left_ear"][0] + 0.05
        for name in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
            assert points[f"left_{name}"][1] > 0.0 > points[f"right_{name}"][1]


def test_at_phase_zero_the_left_heel_strikes_ahead():
    for body in BODIES:
        points = dict(zip(KEYPOINTS, assets.frame_keypoints(body)[0], strict=True))
        assert points["left_ankle"][0] > 0.2 * assets.BODIES[body].stride
        assert points["right_wrist"][0] > points["left_wrist"][0]  # arms swing against the legs


def test_frames_are_the_posed_parts():
    body = 5
    poses = walk(body, np.array([2.0 * np.pi * 4 / assets.WALK_FRAMES]))[0]
    parts = assets.pedestrian_parts(body)
    posed = np.concatenate(
        [part[0].transformed(pose).positions for part, pose in zip(parts, poses, strict=True)]
    )
    frame = assets.pedestrian_frames(body)[4][0].positions
    assert sum(len(part[0].faces) for part in parts) == len(assets.pedestrian_frames(body)[4][0].faces)
    assert np.allclose(sort_rows(posed), sort_rows(frame), atol=2e-3)


def sort_rows(points):
    unique = np.unique(np.round(points.astype(np.float64), 3), axis=0)
    return np.concatenate([unique.min(axis=0), unique.mean(axis=0), unique.max(axis=0)])


def test_the_frame_of_a_phase_is_the_nearest():
    step = 2.0 * np.pi / assets.WALK_FRAMES
    assert assets.frame_at([0.0, 0.4 * step, 0.6 * step, -0.4 * step, 2.0 * np.pi + step]).tolist() == [
        0,
        0,
        1,
        0,
        1,
    ]


def test_a_thousand_people_are_posed_quickly():
    import time

    rng = np.random.default_rng(0)
    bodies, phases = rng.integers(0, assets.NUM_BODIES, 1000), rng.uniform(0.0, 7.0, 1000)
    assets.walk_poses(bodies, np.zeros((1000, 3)), phases, phases, np.full(1000, 1.2))
    start = time.perf_counter()
    assets.walk_poses(bodies, np.zeros((1000, 3)), phases, phases, np.full(1000, 1.2))
    assert time.perf_counter() - start < 0.1


def test_train_and_test_share_no_appearance():
    bodies = [set(map(str, assets.BODIES[split::2])) for split in (0, 1)]
    assert not bodies[0] & bodies[1]
    assert not set(assets.SHIRTS[::2]) & set(assets.SHIRTS[1::2])
    assert (
        sum(body.child for body in assets.BODIES[::2]) == sum(body.child for body in assets.BODIES[1::2]) == 2
    )
