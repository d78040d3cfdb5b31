"""Walking gait: positions of body parts and keypoints at a phase of the cycle.

The foot rolls from the heel over the ball. Its point of contact with the ground does not slip if the
person moves by one stride per cycle. Knees follow from ankles and hips (two-link inverse kinematics). Angles and times
are those of a comfortable walk: Perry and Burnfield, "Gait Analysis: Normal and Pathological Function", 2010.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.assets.bodies import BODIES

PARTS = (
    "torso",
    "left_upper_arm",
    "right_upper_arm",
    "left_forearm",
    "right_forearm",
    "left_thigh",
    "right_thigh",
    "left_shin",
    "right_shin",
    "left_foot",
    "right_foot",
    "head",
)
KEYPOINTS = (  # in COCO's order
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
STANCE = 0.6  # share of a cycle for which a foot is on the ground
FLAT = (0.12, 0.36)  # shares of a cycle between which the whole sole is on the ground
HEEL_STRIKE, TOE_OFF = 0.33, 0.85  # rad, lift of the toes, then of the heel
STRAIGHT = 0.992  # largest reach of a leg, relative to its length
ARM_SWING, ELBOW_BEND, ABDUCTION = 0.42, 0.30, 0.10  # rad
TWIST, LEAN = 0.07, 0.04  # rad, of the trunk
FURTHEST = 1.3  # strides of a comfortable walk
NECK, CHIN = (
    0.03,
    0.075,
)  # meters from the shoulders up to the head joint, from there to the chin, at size 1
FACE = np.array(  # meters from the head joint, at size 1: nose, eyes, ears
    [[0.115, 0.0, 0.16], [0.095, 0.032, 0.2], [0.095, -0.032, 0.2], [0.01, 0.078, 0.18], [0.01, -0.078, 0.18]]
)


class _Lengths(NamedTuple):
    """(n,) meters each: see `Body`."""

    hip_half: FloatArray
    trunk: FloatArray
    shoulder_half: FloatArray
    upper_arm: FloatArray
    forearm: FloatArray
    thigh: FloatArray
    shin: FloatArray
    ankle: FloatArray
    heel: FloatArray
    ball: FloatArray
    stride: FloatArray
    head: FloatArray


_TABLE = _Lengths(*(np.array([getattr(body, name) for body in BODIES]) for name in _Lengths._fields))


def walk_poses(
    bodies: ArrayLike, positions: ArrayLike, headings: ArrayLike, phases: ArrayLike, strides: ArrayLike
) -> FloatArray:
    """Poses of the parts of walking people.

    Args:
        bodies: (n,) indices into `bodies.BODIES`.
        positions: (n, 3) meters, world frame: the point on the ground below the hips.
        headings: (n,) rad.
        phases: (n,) rad; 0 is left heel strike, π right heel strike. It grows by 2π per stride.
        strides: (n,) meters; 0 for a standing person.

    Returns:
        (n, 12, 4, 4) world from part, in the order of PARTS. The frame of a part has its origin in its parent
        joint, and is parallel to the person's frame when standing upright with hanging arms.
    """
    lengths = _Lengths(*(column[np.asarray(bodies)] for column in _TABLE))
    count = len(lengths.trunk)
    poses = np.zeros((count, len(PARTS), 4, 4))
    poses[..., 3, 3] = 1.0
    effort = np.clip(np.asarray(strides, np.float64) / lengths.stride, 0.0, FURTHEST)
    phase = np.broadcast_to(np.asarray(phases, np.float64), (count,))
    _set_legs(poses, lengths, phase, effort)
    _set_trunk(poses, lengths, phase, effort)
    _set_arms(poses, lengths, phase, effort)
    world = np.zeros((count, 1, 4, 4))
    world[:, 0, :3, :3] = _about_z(np.broadcast_to(np.asarray(headings, np.float64), (count,)))
    world[:, 0, :3, 3] = positions
    world[:, 0, 3, 3] = 1.0
    return world @ poses


def walk_keypoints(bodies: ArrayLike, poses: FloatArray) -> FloatArray:
    """(n, 17, 3) meters, world frame: keypoints of people whose parts have the `poses` of `walk_poses`."""
    lengths = _Lengths(*(column[np.asarray(bodies)] for column in _TABLE))
    count = len(poses)
    points = np.zeros((count, len(KEYPOINTS), 3))
    head = poses[:, PARTS.index("head")]
    points[:, :5] = (
        np.einsum("nij,nkj->nki", head[:, :3, :3], FACE * lengths.head[:, None, None]) + head[:, None, :3, 3]
    )
    for side in (0, 1):
        arm, forearm, thigh, shin, foot = (poses[:, part + side] for part in (1, 3, 5, 7, 9))
        points[:, 5 + side], points[:, 7 + side] = arm[:, :3, 3], forearm[:, :3, 3]
        points[:, 9 + side] = forearm[:, :3, 3] - forearm[:, :3, 2] * lengths.forearm[:, None]
        points[:, 11 + side], points[:, 13 + side] = thigh[:, :3, 3], shin[:, :3, 3]
        points[:, 15 + side] = foot[:, :3, 3]
    return points


def _set_legs(poses: FloatArray, lengths: _Lengths, phase: FloatArray, effort: FloatArray) -> None:
    """Set hips, knees and ankles of both legs, with feet that touch the ground."""
    feet = [_foot(lengths, (phase / (2.0 * np.pi) + shift) % 1.0, effort) for shift in (0.0, 0.5)]
    reach = STRAIGHT * (lengths.thigh + lengths.shin)
    highest = [z + np.sqrt(np.maximum(reach**2 - x**2, 0.0)) for x, z, _ in feet]
    softness = 0.01 * reach  # smooth minimum of both
    lower, gap = np.minimum(*highest), np.abs(highest[0] - highest[1])
    hip = lower - softness * np.log1p(np.exp(-gap / softness))
    poses[:, 0, 2, 3] = hip
    for side, (ankle_x, ankle_z, pitch) in enumerate(feet):
        y = lengths.hip_half * (1.0 - 2.0 * side)
        thigh, shin = two_links(lengths.thigh, lengths.shin, ankle_x, ankle_z - hip, 1.0)
        knee_x, knee_z = lengths.thigh * np.sin(thigh), hip - lengths.thigh * np.cos(thigh)
        for part, angle, x, z in (
            (5, thigh, 0.0, hip),
            (7, shin, knee_x, knee_z),
            (9, pitch, ankle_x, ankle_z),
        ):
            poses[:, part + side, :3, :3] = forwards(angle)
            poses[:, part + side, :3, 3] = np.stack(np.broadcast_arrays(x, y, z), axis=1)


def _foot(
    lengths: _Lengths, time: FloatArray, effort: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Ankle ahead of the hip and above the ground, and pitch of the toes (rad), at a fraction of the cycle."""
    stride = effort * lengths.stride
    up, down = HEEL_STRIKE * np.minimum(effort, 1.0), TOE_OFF * np.minimum(effort, 1.0)

    def on_heel(ahead: FloatArray, lift: FloatArray) -> tuple[FloatArray, FloatArray]:
        x = ahead - lengths.heel + lengths.heel * np.cos(lift) - lengths.ankle * np.sin(lift)
        return x, lengths.heel * np.sin(lift) + lengths.ankle * np.cos(lift)

    def on_ball(ahead: FloatArray, lift: FloatArray) -> tuple[FloatArray, FloatArray]:
        x = ahead + lengths.ball - lengths.ball * np.cos(lift) + lengths.ankle * np.sin(lift)
        return x, lengths.ball * np.sin(lift) + lengths.ankle * np.cos(lift)

    ahead = stride * (0.5 * STANCE - time)
    striking = up * np.clip(1.0 - time / FLAT[0], 0.0, 1.0)
    leaving = down * np.clip((time - FLAT[1]) / (STANCE - FLAT[1]), 0.0, 1.0) ** 1.5
    early = time < FLAT[0]
    stance_x, stance_z = (
        np.where(early, *pair) for pair in zip(on_heel(ahead, striking), on_ball(ahead, leaving), strict=True)
    )
    first, last = on_ball(-0.5 * STANCE * stride, down), on_heel(0.5 * STANCE * stride, up)
    swing = np.clip((time - STANCE) / (1.0 - STANCE), 0.0, 1.0)
    share = swing - np.sin(2.0 * np.pi * swing) / (2.0 * np.pi)
    lift = 0.35 * lengths.ankle * np.minimum(effort, 1.0) * np.sin(np.pi * swing) ** 2
    swing_x = first[0] + share * (last[0] - first[0])
    swing_z = first[1] + share * (last[1] - first[1]) + lift
    turned = -down + (up + down) * swing**0.8 * (2.0 - swing**0.8)
    on_ground = time < STANCE
    pitch = np.where(on_ground, np.where(early, striking, -leaving), turned)
    return np.where(on_ground, stance_x, swing_x), np.where(on_ground, stance_z, swing_z), pitch


def _set_trunk(poses: FloatArray, lengths: _Lengths, phase: FloatArray, effort: FloatArray) -> None:
    """Set the trunk, which leans forward slightly and turns against the legs, and the head, which stays upright."""
    torso, head = poses[:, 0], poses[:, PARTS.index("head")]
    torso[:, :3, :3] = _about_z(TWIST * effort * np.cos(phase)) @ forwards(-LEAN * (0.3 + 0.7 * effort))
    head[:, :3, :3] = np.eye(3)
    head[:, :3, 3] = torso[:, :3, 3] + torso[:, :3, 2] * (lengths.trunk + NECK * lengths.head)[:, None]


def _set_arms(poses: FloatArray, lengths: _Lengths, phase: FloatArray, effort: FloatArray) -> None:
    """Set the arms, which swing against the legs with bent elbows."""
    torso = poses[:, 0]
    for side, sign in enumerate((1.0, -1.0)):
        swing = -sign * ARM_SWING * effort * np.cos(phase)
        bend = ELBOW_BEND * (0.6 + 0.6 * effort + 0.4 * np.maximum(swing, 0.0))
        offset = np.stack([0.0 * lengths.trunk, sign * lengths.shoulder_half, lengths.trunk], axis=1)
        shoulder = np.einsum("nij,nj->ni", torso[:, :3, :3], offset) + torso[:, :3, 3]
        outwards = _about_x(np.full(len(swing), sign * ABDUCTION))
        arm, forearm = outwards @ forwards(swing), outwards @ forwards(swing + bend)
        poses[:, 1 + side, :3, :3], poses[:, 1 + side, :3, 3] = arm, shoulder
        poses[:, 3 + side, :3, :3] = forearm
        poses[:, 3 + side, :3, 3] = shoulder - arm[:, :, 2] * lengths.upper_arm[:, None]


def two_links(
    first: ArrayLike, second: ArrayLike, x: ArrayLike, z: ArrayLike, bend: float
) -> tuple[FloatArray, FloatArray]:
    """Two-link inverse kinematics: angles, forward from straight down, of links from the origin to or toward (x, z).

    Args:
        first: length of the upper link.
        second: length of the lower link.
        x: meters ahead.
        z: meters above, so mostly negative.
        bend: 1 if the joint between them points forward, as knees do, -1 if backward.
    """
    upper, lower = np.asarray(first, np.float64), np.asarray(second, np.float64)
    ahead, below = np.asarray(x, np.float64), -np.asarray(z, np.float64)
    span = np.hypot(ahead, below)
    cosine = (upper**2 + span**2 - lower**2) / (2.0 * upper * span)
    angle = np.arctan2(ahead, below) + bend * np.arccos(np.clip(cosine, -1.0, 1.0))
    return angle, np.arctan2(ahead - upper * np.sin(angle), below - upper * np.cos(angle))


def forwards(angle: FloatArray) -> FloatArray:
    """(n, 3, 3) rotations about y that swing hanging limbs forward and lift toes."""
    return _turns(angle, 0, 2)


def _about_x(angle: FloatArray) -> FloatArray:
    return _turns(angle, 1, 2)


def _about_z(angle: FloatArray) -> FloatArray:
    return _turns(angle, 0, 1)


def _turns(angle: FloatArray, first: int, second: int) -> FloatArray:
    """(n, 3, 3) rotations of one axis toward another."""
    matrices = np.tile(np.eye(3), (len(angle), 1, 1))
    matrices[:, first, first] = matrices[:, second, second] = np.cos(angle)
    matrices[:, second, first], matrices[:, first, second] = np.sin(angle), -np.sin(angle)
    return matrices
