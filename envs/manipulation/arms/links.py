"""A lighter copy of an arm for the physics, as a URDF.

It has one link a joint: what is fixed to a link is merged into it, and a mesh is replaced by the box about it. PyBullet
then builds an arm in about 2 ms instead of 19.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.manipulation.arms.descriptions import (
    FINGER_FORCE,
    FINGER_MASS,
    FINGER_ROOT,
    FINGER_TRAVEL,
    HAND_MASS,
    PAD,
    Arm,
)
from camshaft.envs.manipulation.arms.urdf import Shape, frame_of

PLAIN_CONTACT = '<lateral_friction value="0.5"/><spinning_friction value="0.001"/>'
PAD_CONTACT = (  # as the Panda's own URDF has it, but for the spinning friction, which is panda-gym's
    '<friction_anchor/><stiffness value="30000"/><damping value="1000"/>'
    '<lateral_friction value="1"/><spinning_friction value="0.001"/>'
)


class Inertial(NamedTuple):
    """Mass (kg), center of mass (3,) and (3, 3) inertia about it, in a link's frame."""

    mass: float
    center: FloatArray
    inertia: FloatArray


def physics_urdf(
    arm: Arm,
    origins: FloatArray,
    limits: tuple[FloatArray, FloatArray],
    masses: list[tuple[float, FloatArray]],
    shapes: list[list[Shape]],
    hand_shapes: list[Shape],
    hand: FloatArray,
) -> str:
    """The arm with one link a joint, boxes for meshes, the hand part of the last link."""
    count = len(origins)
    inertials = [
        _inertial(mass, center, _extent(shape, np.eye(4)))
        for (mass, center), shape in zip(masses, shapes, strict=True)
    ]
    middle = hand[:3, :3] @ np.array([0.0, 0.0, 0.04]) + hand[:3, 3]
    inertials[count] = _joined(inertials[count], _inertial(HAND_MASS, middle, _extent(hand_shapes, hand)))
    parts = [
        f'<robot name="{arm.name}">'
        '<link name="base"><inertial><mass value="1"/><inertia ixx="1" iyy="1" izz="1"/></inertial></link>'
    ]
    for number in range(count):
        boxes = [_box_about(shape, np.eye(4)) for shape in shapes[number + 1]] if number > 0 else []
        if number == count - 1:
            boxes += [_box_about(shape, hand) for shape in hand_shapes]
        parts.append(_link(f"link{number}", inertials[number + 1], boxes))
        parts.append(
            _joint(
                f"joint{number}",
                "revolute",
                "base" if number == 0 else f"link{number - 1}",
                f"link{number}",
                origins[number],
                (0, 0, 1),
                (limits[0][number], limits[1][number]),
                arm.efforts[number],
            )
        )
    for side, sign in (("left", 1.0), ("right", -1.0)):
        center = np.array([0.0, sign * 0.5 * PAD[1], 0.5 * PAD[2]])
        inertial = _inertial(FINGER_MASS, center, np.array(PAD))
        parts.append(_link(f"{side}_finger", inertial, [_box(PAD, center)], contact=PAD_CONTACT))
        root = hand @ frame_of((0.0, 0.0, FINGER_ROOT), (0.0, 0.0, 0.0))
        parts.append(
            _joint(
                f"{side}_finger_joint",
                "prismatic",
                f"link{count - 1}",
                f"{side}_finger",
                root,
                (0, sign, 0),
                (0.0, FINGER_TRAVEL),
                FINGER_FORCE,
            )
        )
    return "\n".join([*parts, "</robot>"])


def _inertial(mass: float, center: FloatArray, size: FloatArray) -> Inertial:
    """Of a box of a size about its center of mass: what the files say of inertia is mostly a placeholder."""
    squares = np.square(size)
    return Inertial(mass, center, np.diag(mass / 12.0 * (squares.sum() - squares)) + 1e-5 * np.eye(3))


def _joined(one: Inertial, other: Inertial) -> Inertial:
    """Two bodies as one (parallel axis theorem)."""
    mass = one.mass + other.mass
    center = (one.mass * one.center + other.mass * other.center) / mass
    inertia = np.zeros((3, 3))
    for part in (one, other):
        away = part.center - center
        inertia += part.inertia + part.mass * (away @ away * np.eye(3) - np.outer(away, away))
    return Inertial(mass, center, inertia)


def _bounds(shape: Shape, outer: FloatArray) -> tuple[FloatArray, FloatArray]:
    matrix = outer @ shape.local
    positions = shape.levels[0].positions @ matrix[:3, :3].T + matrix[:3, 3]
    return positions.min(axis=0), positions.max(axis=0)


def _extent(shapes: list[Shape], outer: FloatArray) -> FloatArray:
    """(3,) meters of the box about shapes, 5 cm where there are none."""
    if not shapes:
        return np.full(3, 0.05)
    bounds = [_bounds(shape, outer) for shape in shapes]
    return np.max([high for _, high in bounds], axis=0) - np.min([low for low, _ in bounds], axis=0)


def _box_about(shape: Shape, outer: FloatArray) -> str:
    low, high = _bounds(shape, np.eye(4))
    return _box(high - low, outer[:3, :3] @ (0.5 * (low + high)) + outer[:3, 3], outer[:3, :3])


def _box(size: FloatArray | tuple[float, ...], center: FloatArray, turn: FloatArray | None = None) -> str:
    yaw = 0.0 if turn is None else math.atan2(turn[1, 0], turn[0, 0])
    return (
        f'<collision><origin xyz="{_text(center)}" rpy="0 0 {yaw:.12g}"/>'
        f'<geometry><box size="{_text(size)}"/></geometry></collision>'
    )


def _link(name: str, inertial: Inertial, boxes: list[str], contact: str = PLAIN_CONTACT) -> str:
    tensor = inertial.inertia
    names = (("ixx", 0, 0), ("ixy", 0, 1), ("ixz", 0, 2), ("iyy", 1, 1), ("iyz", 1, 2), ("izz", 2, 2))
    values = " ".join(f'{axis}="{tensor[row, column]:.9g}"' for axis, row, column in names)
    return (
        f'<link name="{name}"><contact>{contact}</contact>'
        f'<inertial><origin xyz="{_text(inertial.center)}"/><mass value="{inertial.mass}"/><inertia {values}/>'
        f"</inertial>{''.join(boxes)}</link>"
    )


def _joint(
    name: str,
    kind: str,
    parent: str,
    child: str,
    origin: FloatArray,
    axis: tuple[float, float, float],
    limits: tuple[float, float],
    effort: float,
) -> str:
    return (
        f'<joint name="{name}" type="{kind}"><parent link="{parent}"/><child link="{child}"/>'
        f'<origin xyz="{_text(origin[:3, 3])}" rpy="{_text(_roll_pitch_yaw(origin[:3, :3]))}"/>'
        f'<axis xyz="{_text(axis)}"/>'
        f'<limit lower="{limits[0]}" upper="{limits[1]}" effort="{effort}" velocity="10"/></joint>'
    )


def _roll_pitch_yaw(turn: FloatArray) -> tuple[float, float, float]:
    pitch = math.asin(max(-1.0, min(1.0, -turn[2, 0])))
    return math.atan2(turn[2, 1], turn[2, 2]), pitch, math.atan2(turn[1, 0], turn[0, 0])


def _text(values: FloatArray | tuple[float, ...]) -> str:
    return " ".join(f"{value:.12g}" for value in values)
