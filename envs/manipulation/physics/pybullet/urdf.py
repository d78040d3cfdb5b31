"""URDF files for PyBullet to load: an arm with its hand, and a body with a slider."""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.kernels import cache_root
from camshaft.envs.manipulation.arms.hand import FINGER_FORCE, FINGER_ROOT, FINGER_TRAVEL
from camshaft.envs.manipulation.arms.links import Link
from camshaft.envs.manipulation.arms.model import ArmModel
from camshaft.envs.manipulation.bodies import Part, Slider
from camshaft.envs.manipulation.transforms import rigid_transform

LINK_CONTACT = '<lateral_friction value="0.5"/><spinning_friction value="0.001"/>'
PAD_CONTACT = (  # as in the Panda's own URDF, except for the spinning friction, which is panda-gym's
    '<friction_anchor/><stiffness value="30000"/><damping value="1000"/>'
    '<lateral_friction value="1"/><spinning_friction value="0.001"/>'
)


@cache
def arm_urdf(arm: ArmModel) -> Path:
    """File of an arm: its links, then the left and the right finger, one per joint."""
    count = arm.num_joints
    texts = [
        f'<robot name="{arm.description.name}">'
        '<link name="base"><inertial><mass value="1"/><inertia ixx="1" iyy="1" izz="1"/></inertial></link>'
    ]
    for number in range(count):
        texts.append(_link(f"link{number}", arm.links[number], LINK_CONTACT))
        texts.append(
            _joint(
                f"joint{number}",
                "revolute",
                "base" if number == 0 else f"link{number - 1}",
                f"link{number}",
                arm.origins[number],
                (0, 0, 1),
                (arm.lower[number], arm.upper[number]),
                arm.description.efforts[number],
            )
        )
    root = arm.hand @ rigid_transform((0.0, 0.0, FINGER_ROOT), (0.0, 0.0, 0.0))
    for number, (side, sign) in enumerate((("left", 1.0), ("right", -1.0)), count):
        texts.append(_link(f"{side}_finger", arm.links[number], PAD_CONTACT))
        texts.append(
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
    return _cached(arm.description.name, "\n".join([*texts, "</robot>"]))


def slider_urdf(name: str, parts: Sequence[Part], slider: Slider) -> Path:
    """File of a fixed body of some parts with a slider on it."""
    size = max(max(part.size) for part in slider.parts)
    inertia = slider.mass * size * size / 6.0
    tensor = f'<inertia ixx="{inertia:.6g}" iyy="{inertia:.6g}" izz="{inertia:.6g}"/>'
    texts = [f'<robot name="{name}"><link name="base"><inertial><mass value="1"/>{tensor}</inertial>']
    texts += [_collision(part) for part in parts]
    texts.append(f'</link><link name="slider"><inertial><mass value="{slider.mass}"/>{tensor}</inertial>')
    texts += [_collision(part) for part in slider.parts if part.collides]
    position = " ".join(map(str, slider.position))
    axis = " ".join(map(str, slider.axis))
    texts.append(
        f'</link><joint name="slide" type="{slider.kind}"><parent link="base"/><child link="slider"/>'
        f'<origin xyz="{position}"/><axis xyz="{axis}"/>'
        f'<limit lower="{slider.lower}" upper="{slider.upper}" effort="100" velocity="10"/></joint></robot>'
    )
    return _cached(name.replace(" ", "_"), "\n".join(texts))


def _cached(name: str, text: str) -> Path:
    """File with this text in the cache folder, named after its content."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = cache_root() / "urdf" / f"{name}-{digest}.urdf"
    if path.is_file() and path.stat().st_size == len(text.encode()):
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    os.replace(temporary, path)
    return path


def _link(name: str, link: Link, contact: str) -> str:
    inertial = link.inertial
    names = (("ixx", 0, 0), ("ixy", 0, 1), ("ixz", 0, 2), ("iyy", 1, 1), ("iyz", 1, 2), ("izz", 2, 2))
    values = " ".join(f'{axis}="{inertial.inertia[row, column]:.9g}"' for axis, row, column in names)
    boxes = [
        f'<collision><origin xyz="{_text(box.center)}" rpy="0 0 {box.yaw:.12g}"/>'
        f'<geometry><box size="{_text(box.size)}"/></geometry></collision>'
        for box in link.boxes
    ]
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
        f'<axis xyz="{_text(np.array(axis))}"/>'
        f'<limit lower="{limits[0]}" upper="{limits[1]}" effort="{effort}" velocity="10"/></joint>'
    )


def _collision(part: Part) -> str:
    position, angles = " ".join(map(str, part.position)), " ".join(map(str, part.angles))
    if part.kind == "box":
        geometry = f'<box size="{" ".join(map(str, part.size))}"/>'
    elif part.kind == "cylinder":
        geometry = f'<cylinder radius="{part.size[0]}" length="{part.size[1]}"/>'
    else:
        geometry = f'<sphere radius="{part.size[0]}"/>'
    return f'<collision><origin xyz="{position}" rpy="{angles}"/><geometry>{geometry}</geometry></collision>'


def _roll_pitch_yaw(rotation: FloatArray) -> FloatArray:
    pitch = math.asin(max(-1.0, min(1.0, -rotation[2, 0])))
    roll, yaw = math.atan2(rotation[2, 1], rotation[2, 2]), math.atan2(rotation[1, 0], rotation[0, 0])
    return np.array([roll, pitch, yaw])


def _text(values: FloatArray) -> str:
    return " ".join(f"{value:.12g}" for value in values)
