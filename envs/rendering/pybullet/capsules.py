"""Frames of the capsules of MJCF bodies, found by distance queries.

PyBullet reports a capsule that MJCF gives by its end points (`fromto`) as upright at the origin of its link, and
crashes when asked for its collision shape. It does compute the nearest points of all collision shapes of a link to any
other shape; those nearest to distant points in six directions give the ends of the capsule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.rendering.pybullet.links import link_pose

FAR = 100.0  # meters
PROBE_RADIUS = 1e-3
MARGIN = 0.04  # meters, of PyBullet; nearest points of thinner shapes are off by up to the difference
SPHERE_GEOMETRY = 2  # pybullet.GEOM_SPHERE
DIRECTIONS = np.concatenate([np.eye(3), -np.eye(3)])


def capsule_frames(client: Any, rows: Sequence[Any]) -> list[NDArray[np.float64] | None]:
    """(4, 4) link frame from capsule for each row of visual shapes; None where the pose in the row is right.

    A capsule is identified among the collision shapes of its link by its length and radius. The query adds one unused
    collision shape to the PyBullet client.
    """
    if not any(_has_no_pose(row) for row in rows):
        return [None] * len(rows)
    probe = client.createCollisionShape(SPHERE_GEOMETRY, radius=PROBE_RADIUS)
    shapes: dict[tuple[int, int], list[NDArray[np.float64]]] = {}
    frames = []
    for row in rows:
        link = (row[0], row[1])
        if link not in shapes:
            shapes[link] = _nearest_points(client, *link, probe)
        frames.append(_take(shapes[link], *row[3][:2]) if _has_no_pose(row) else None)
    return frames


def _has_no_pose(row: Any) -> bool:
    return not any(row[5]) and tuple(row[6]) == (0.0, 0.0, 0.0, 1.0)


def _nearest_points(client: Any, body: int, link: int, probe: int) -> list[NDArray[np.float64]]:
    """(6, 3) points of each collision shape of a link nearest to distant points in DIRECTIONS, link frame."""
    pose = link_pose(client, body, link)
    answers = [
        client.getClosestPoints(
            body,
            -1,
            2.0 * FAR,
            linkIndexA=link,
            collisionShapeB=probe,
            collisionShapePositionB=(pose[:3, 3] + pose[:3, :3] @ direction * FAR).tolist(),
        )
        for direction in DIRECTIONS
    ]
    count = min(len(answer) for answer in answers)
    points = np.array([[contact[5] for contact in answer[:count]] for answer in answers]).reshape(6, count, 3)
    return [(points[:, shape] - pose[:3, 3]) @ pose[:3, :3] for shape in range(count)]


def _take(shapes: list[NDArray[np.float64]], length: float, radius: float) -> NDArray[np.float64] | None:
    """Remove the capsule of this length and radius from the shapes of a link; returns its frame, or None."""
    tolerance = 0.05 * length + 2.0 * max(0.0, MARGIN - radius)
    for number, points in enumerate(shapes):
        ends = points - radius * DIRECTIONS  # centers of the half spheres
        axis = int(np.abs(ends[:3] - ends[3:]).max(axis=1).argmax())
        first, second = ends[axis], ends[axis + 3]
        along = first - second
        span = float(np.linalg.norm(along))
        # In directions across the capsule, any point of its side may be the nearest.
        certain = np.tile(np.abs(along) > 2.0 * tolerance, 2)
        away = np.minimum(np.linalg.norm(ends - first, axis=1), np.linalg.norm(ends - second, axis=1))
        if span > 0.0 and abs(span - length) < tolerance and (away[certain] < tolerance).all():
            del shapes[number]
            return _along(along / span, 0.5 * (first + second))
    return None


def _along(axis: NDArray[np.float64], center: NDArray[np.float64]) -> NDArray[np.float64]:
    """(4, 4) frame at `center` whose z axis points along `axis`."""
    helper = np.eye(3)[np.abs(axis).argmin()]
    across = np.cross(helper, axis)
    across /= np.linalg.norm(across)
    frame = np.eye(4)
    frame[:3, :3] = np.column_stack([across, np.cross(axis, across), axis])
    frame[:3, 3] = center
    return frame
