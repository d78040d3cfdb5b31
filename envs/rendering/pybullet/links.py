"""PyBullet connections, and the poses of links."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import CamshaftError, InvalidOption

BASE = -1  # number of the link that is a body's base


class Connection:
    """PyBullet's functions, bound to the connection of a number."""

    def __init__(self, number: int) -> None:
        import pybullet

        self._pybullet = pybullet
        self._number = number

    def __getattr__(self, name: str) -> Any:
        function = partial(getattr(self._pybullet, name), physicsClientId=self._number)
        setattr(self, name, function)
        return function


def connection(client: Any) -> Any:
    """The functions of a client: a BulletClient, the module `pybullet`, or the number that `connect` returned.

    Raises:
        InvalidOption: the client is something else or not connected.
    """
    if isinstance(client, int | np.integer) and not isinstance(client, bool):
        client = Connection(int(client))
    if not hasattr(client, "getVisualShapeData"):
        raise InvalidOption(
            f"client must be a BulletClient, the module pybullet or the number of a connection, got {client!r}"
        )
    if not client.isConnected():
        raise InvalidOption(f"the PyBullet client {client!r} is not connected")
    return client


def body_ids(client: Any) -> list[int]:
    """Ids of the bodies of a client."""
    return [client.getBodyUniqueId(index) for index in range(client.getNumBodies())]


def _quaternion_table() -> NDArray[np.float64]:
    """(16, 9) weights of the products of two components x, y, z, w of a quaternion in its rotation matrix."""
    table = np.zeros((4, 4, 3, 3))
    for first, second, third in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        table[first, first] = -np.eye(3)
        table[first, first, first, first] = 1.0
        table[first, second, first, second] = table[first, second, second, first] = 2.0
        table[third, 3, second, first], table[third, 3, first, second] = 2.0, -2.0
    table[3, 3] = np.eye(3)
    return table.reshape(16, 9)


QUATERNION_TABLE = _quaternion_table()


def pose_matrices(poses: ArrayLike) -> NDArray[np.float64]:
    """(..., 4, 4) matrices of (..., 7) poses: x, y, z and the quaternion x, y, z, w."""
    poses = np.asarray(poses, np.float64)
    products = poses[..., 3:, None] * poses[..., None, 3:]
    squares = np.trace(products, axis1=-2, axis2=-1)[..., None]
    rotations = products.reshape(*poses.shape[:-1], 16) @ QUATERNION_TABLE / squares
    matrices = np.zeros((*poses.shape[:-1], 4, 4))
    matrices[..., :3, :3] = rotations.reshape(*poses.shape[:-1], 3, 3)
    matrices[..., :3, 3] = poses[..., :3]
    matrices[..., 3, 3] = 1.0
    return matrices


def check_bodies(client: Any, bodies: Iterable[int]) -> None:
    """Check that a client has these bodies.

    Raises:
        InvalidOption: a body does not exist.
    """
    known = body_ids(client)
    for body in bodies:
        if body not in known:
            raise InvalidOption(f"the PyBullet client has no body {body!r}; it has {known}")


class LinkPoses:
    """Poses of the URDF frames of links, in one client or in others with the same bodies.

    Args:
        client: PyBullet's functions.
        links: body id and link number of each; −1 for the base.
    """

    def __init__(self, client: Any, links: Sequence[tuple[int, int]]) -> None:
        self._bodies: list[tuple[int, bool, list[int]]] = []
        order: list[tuple[int, int]] = []
        for body in dict.fromkeys(body for body, _ in links):
            own = sorted({link for other, link in links if other == body})
            self._bodies.append((body, BASE in own, [link for link in own if link != BASE]))
            order += [(body, link) for link in own]
        self._rows = np.array([order.index(link) for link in links], np.int64)
        self._corrections = np.tile(np.eye(4), (len(links), 1, 1))
        for number, (body, link) in enumerate(links):
            if link == BASE:  # PyBullet reports its center of mass
                inertial = client.getDynamicsInfo(body, BASE)
                self._corrections[number] = np.linalg.inv(pose_matrices([*inertial[3], *inertial[4]]))

    def __call__(self, client: Any) -> NDArray[np.float64]:
        """(n, 4, 4) world from link, the current poses in a client.

        Raises:
            CamshaftError: the client lacks one of the bodies or links.
        """
        poses: list[Any] = []
        for body, base, links in self._bodies:
            try:
                if base:
                    position, orientation = client.getBasePositionAndOrientation(body)
                    poses.append(position + orientation)
                if links:
                    states = client.getLinkStates(body, links, computeForwardKinematics=True)
                    poses += [state[4] + state[5] for state in states]
            except Exception as error:  # pybullet.error, or None instead of states
                raise CamshaftError(
                    f"the PyBullet client has no body {body} with these links: {error}"
                ) from error
        if not poses:
            return np.zeros((0, 4, 4))
        return pose_matrices(poses)[self._rows] @ self._corrections


def link_pose(client: Any, body: int, link: int) -> NDArray[np.float64]:
    """(4, 4) world from the URDF frame of a link, −1 for the base."""
    return LinkPoses(client, [(body, link)])(client)[0]
