"""Collisions between oriented boxes on the ground."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from camshaft.envs.arrays import FloatArray, IntArray
from camshaft.envs.kernels import inlined, kernel


class Obstacles(NamedTuple):
    """Static obstacles of N worlds; K at most.

    Attributes:
        boxes: (N, K, 5) x, y, heading, length, width.
        counts: (N,) number of boxes in each world.
    """

    boxes: FloatArray
    counts: IntArray


def pack_obstacles(boxes: FloatArray) -> Obstacles:
    """Pack the (K, 5) obstacles of one world for `WorldArrays`."""
    return Obstacles(boxes[None], np.array([len(boxes)]))


@inlined
def boxes_overlap(one, length, width, other, other_length, other_width):  # type: ignore[no-untyped-def]
    """Whether two boxes at poses (x, y, heading) overlap: separating axis test (S. Gottschalk et al., 1996)."""
    across, along = other[0] - one[0], other[1] - one[1]
    reach = 0.5 * (length + width + other_length + other_width)
    if across * across + along * along > reach * reach:
        return False
    cosine, sine = np.cos(one[2]), np.sin(one[2])
    other_cosine, other_sine = np.cos(other[2]), np.sin(other[2])
    dot = abs(cosine * other_cosine + sine * other_sine)
    cross = abs(cosine * other_sine - sine * other_cosine)
    a, b, c, d = 0.5 * length, 0.5 * width, 0.5 * other_length, 0.5 * other_width
    return (
        abs(across * cosine + along * sine) <= a + c * dot + d * cross
        and abs(-across * sine + along * cosine) <= b + c * cross + d * dot
        and abs(across * other_cosine + along * other_sine) <= c + a * dot + b * cross
        and abs(-across * other_sine + along * other_cosine) <= d + a * cross + b * dot
    )


@kernel
def find_overlaps(poses, lengths, widths, present, number, hits):  # type: ignore[no-untyped-def]
    """Write which boxes of each world overlap box `number`.

    Args:
        poses: (N, B, 3) x, y, heading.
        lengths: (N, B) meters along the heading.
        widths: (N, B) meters across.
        present: (N, B) whether the box exists.
        number: index of the box to test against.
        hits: (N, B) to fill.
    """
    for world in range(poses.shape[0]):
        for other in range(poses.shape[1]):
            hits[world, other] = (
                other != number
                and present[world, other]
                and boxes_overlap(
                    poses[world, number], lengths[world, number], widths[world, number],
                    poses[world, other], lengths[world, other], widths[world, other],
                )
            )  # fmt: skip


@kernel
def find_hit_people(poses, length, width, people, people_length, people_width, present, hurt):  # type: ignore[no-untyped-def]
    """Write (N,) whether boxes at (N, 3) poses overlap any of the (N, P, 3) `people` that are `present` (N, P)."""
    for world in range(poses.shape[0]):
        hurt[world] = False
        for person in range(people.shape[1]):
            if present[world, person] and boxes_overlap(
                poses[world], length, width, people[world, person], people_length, people_width
            ):
                hurt[world] = True
                break


@kernel
def hits_static(pose, length, width, obstacles, count):  # type: ignore[no-untyped-def]
    """Index of the first of `count` obstacles (x, y, heading, length, width) that a box overlaps, or −1."""
    x, half = pose[0], 0.5 * (length + width)
    for number in range(count):
        obstacle = obstacles[number]
        if abs(obstacle[0] - x) > half + 0.5 * (obstacle[3] + obstacle[4]):
            continue
        if boxes_overlap(pose, length, width, obstacle[:3], obstacle[3], obstacle[4]):
            return number
    return -1


@kernel
def find_hit_obstacles(poses, length, width, obstacles, counts, struck):  # type: ignore[no-untyped-def]
    """Write (N,) whether boxes at (N, 3) poses overlap any of the first `counts` of their (N, K, 5) obstacles."""
    for world in range(poses.shape[0]):
        struck[world] = hits_static(poses[world], length, width, obstacles[world], counts[world]) >= 0


def box_corners(x: float, y: float, heading: float, length: float, width: float) -> FloatArray:
    """(4, 2) corners of a box on the ground, counter-clockwise."""
    ahead = 0.5 * length * np.array([np.cos(heading), np.sin(heading)])
    left = 0.5 * width * np.array([-np.sin(heading), np.cos(heading)])
    middle = np.array([x, y])
    return np.array(
        [middle + ahead + left, middle - ahead + left, middle - ahead - left, middle + ahead - left]
    )
