"""Where the capsules of MJCF bodies lie: PyBullet does not say, so that they are felt for.

A capsule that MJCF gives from one end to the other (`fromto`) is told by PyBullet as if it stood upright at the origin
of its link, and asking for its collision shape ends the process. The nearest points of the link's collision shapes to
points far away in six directions, which PyBullet computes for every shape of a link, tell where its ends are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.rendering.pybullet.links import link_pose

FAR = 100.0  # meters
PROBE_RADIUS = 1e-3
MARGIN = 0.04  # meters, PyBullet's; the nearest point of a thinner shape is off by up to the difference
SPHERE_GEOMETRY = 2  # pybullet.GEOM_SPHERE
DIRECTIONS = np.concatenate([np.eye(3), -np.eye(3)])


def capsule_frames(client: Any, rows: Sequence[Any]) -> list[NDArray[np.float64] | None]:
    """(4, 4) link's frame from capsule for each of these rows of visual shapes; None to go by what the row says.

    A capsule is looked for among the collision shapes of its link, by its length and radius. PyBullet's client keeps
    one more collision shape, which no body uses.
    """
    if not any(_says_nothing(row) for row in rows):
        return [None] * len(rows)
    probe = client.createCollisionShape(SPHERE_GEOMETRY, radius=PROBE_RADIUS)
    found: dict[tuple[int, int], list[NDArray[np.float64]]] = {}
    frames = []
    for row in rows:
        link = (row[0], row[1])
        if link not in found:
            found[link] = _nearest_points(client, *link, probe)
        frames.append(_take(found[link], *row[3][:2]) if _says_nothing(row) else None)
    return frames


def _says_nothing(row: Any) -> bool:
    return not any(row[5]) and tuple(row[6]) == (0.0, 0.0, 0.0, 1.0)


def _nearest_points(client: Any, body: int, link: int, probe: int) -> list[NDArray[np.float64]]:
    """For each collision shape of a link, the (6, 3) points of it that are nearest to far away, link's frame."""
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
    """Take the capsule of this length and radius out of the shapes of a link: its frame."""
    tolerance = 0.05 * length + 2.0 * max(0.0, MARGIN - radius)
    for number, points in enumerate(shapes):
        ends = points - radius * DIRECTIONS  # each the middle of one of the two half spheres
        axis = int(np.abs(ends[:3] - ends[3:]).max(axis=1).argmax())
        first, second = ends[axis], ends[axis + 3]
        along = first - second
        reach = float(np.linalg.norm(along))
        sure = np.tile(
            np.abs(along) > 2.0 * tolerance, 2
        )  # from across, any point of the side is the nearest
        away = np.minimum(np.linalg.norm(ends - first, axis=1), np.linalg.norm(ends - second, axis=1))
        if reach > 0.0 and abs(reach - length) < tolerance and (away[sure] < tolerance).all():
            del shapes[number]
            return _along(along / reach, 0.5 * (first + second))
    return None


def _along(axis: NDArray[np.float64], middle: NDArray[np.float64]) -> NDArray[np.float64]:
    """(4, 4) frame at `middle` whose z axis points along `axis`."""
    helper = np.eye(3)[np.abs(axis).argmin()]
    across = np.cross(helper, axis)
    across /= np.linalg.norm(across)
    frame = np.eye(4)
    frame[:3, :3] = np.column_stack([across, np.cross(axis, across), axis])
    frame[:3, 3] = middle
    return frame
