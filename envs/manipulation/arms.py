"""The arms: what their URDF files say of joints, masses and shapes, and a lighter copy of each for the physics.

The copies have one link a joint: what is fixed to a link is merged into it, and a mesh is replaced by the box about it.
PyBullet then builds an arm in about 2 ms instead of 19. All arms carry the Franka Hand, a parallel gripper.
"""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.errors import CorruptFile, check_choice
from envs.kernels import cache_root
from envs.rendering import Mesh
from envs.rendering.camera import rotation_x, rotation_y, rotation_z
from envs.rendering.mesh_cache import load_levels
from envs.rendering.mesh_files import texture_files

FloatArray = NDArray[np.float64]
Colour = tuple[float, float, float]

HAND_FILE = "franka_panda/panda.urdf"
HAND_MASS = 0.81  # kg
FINGER_MASS = 0.1  # kg each
FINGER_TRAVEL = 0.04  # metres each
FINGER_FORCE = 70.0  # N, what the Franka Hand holds with continuously (Franka Hand data sheet)
FINGER_ROOT = 0.0584  # metres from hand to the fingers' links, along the hand's z
GRASP_POINT = 0.105  # metres from hand to the point between the pads
PAD = (0.021, 0.0155, 0.0538)  # metres, of the box about a finger, from its inner face outwards
PLAIN_CONTACT = '<lateral_friction value="0.5"/><spinning_friction value="0.001"/>'
PAD_CONTACT = (  # as the Panda's own URDF has it, but for the spinning friction, which is panda-gym's
    '<friction_anchor/><stiffness value="30000"/><damping value="1000"/>'
    '<lateral_friction value="1"/><spinning_friction value="0.001"/>'
)
WHITE: Colour = (0.93, 0.93, 0.92)


@dataclass(frozen=True)
class Arm:
    """One arm, as its maker's URDF in `pybullet_data` describes it.

    Attributes:
        name: as the option `arm` has it.
        file: URDF, relative to `pybullet_data`.
        hand_offset: metres from the last link to the hand along its z.
        hand_yaw: rad, of the hand about that axis.
        base_x: metres, where the base stands.
        neutral: (A,) rad, the pose of which the arm stays near.
        efforts: (A,) N m, the largest torques.
        colour: of the links that the file gives none.
    """

    name: str
    file: str
    hand_offset: float
    hand_yaw: float
    base_x: float
    neutral: tuple[float, ...]
    efforts: tuple[float, ...]
    colour: Colour = WHITE


ARMS = {
    arm.name: arm
    for arm in (
        Arm(  # the pose is panda-gym's; torques: Franka Emika, Panda data sheet
            "panda",
            HAND_FILE,
            0.107,
            -0.25 * math.pi,
            -0.6,
            (0.0, 0.41, 0.0, -1.85, 0.0, 2.26, 0.79),
            (87.0, 87.0, 87.0, 87.0, 12.0, 12.0, 12.0),
        ),
        Arm(  # torques: KUKA, LBR iiwa 14 R820 data sheet
            "iiwa",
            "kuka_iiwa/model.urdf",
            0.045,
            -math.pi,
            -0.6,
            (0.0, 0.811, 0.0, -1.336, 0.0, 0.994, 0.0),
            (320.0, 320.0, 176.0, 176.0, 110.0, 40.0, 40.0),
        ),
        Arm(  # torques: the URDF of UFACTORY
            "xarm6",
            "xarm/xarm6_with_gripper.urdf",
            0.0,
            0.0,
            -0.45,
            (0.0, 0.137, -1.076, 0.0, 0.94, 0.0),
            (50.0, 50.0, 32.0, 32.0, 32.0, 20.0),
        ),
    )
}


class Inertial(NamedTuple):
    """Mass (kg), centre of mass (3,) and (3, 3) inertia about it, in a link's frame."""

    mass: float
    centre: FloatArray
    inertia: FloatArray


class Shape(NamedTuple):
    """A mesh on a link: its levels of detail, (4, 4) link from mesh, and its colour."""

    levels: tuple[Mesh, ...]
    local: FloatArray
    colour: Colour


@dataclass(frozen=True, eq=False)
class ArmModel:
    """An arm with its hand, read from its file.

    Attributes:
        arm: which.
        origins: (A, 4, 4) link below from each joint's frame at angle 0; every joint turns about its own z.
        lower, upper: (A,) rad.
        velocities: (A,) rad/s, the fastest.
        hand: (4, 4) last link from hand.
        shapes: of the base, of every link, the hand and both fingers: what is drawn.
        urdf: file for the physics.
    """

    arm: Arm
    origins: FloatArray
    lower: FloatArray
    upper: FloatArray
    velocities: FloatArray
    hand: FloatArray
    shapes: tuple[tuple[Shape, ...], ...]
    urdf: Path

    @property
    def num_joints(self) -> int:
        """A, without the fingers."""
        return len(self.origins)


@cache
def load_arm(name: str) -> ArmModel:
    """Read an arm; its meshes come from the cache of decimated ones.

    Raises:
        UnknownName: no such arm.
        CorruptFile: its URDF is missing, unreadable, or no chain of joints about z.
    """
    arm = ARMS[check_choice("arm", name, ARMS)]
    source = _Urdf(arm.file)
    joints = source.chain(len(arm.neutral))
    hand = _frame((0.0, 0.0, arm.hand_offset), (0.0, 0.0, arm.hand_yaw))
    links = [joints[0].find("parent").get("link"), *(joint.find("child").get("link") for joint in joints)]  # type: ignore[union-attr]
    limits = [_limits(joint) for joint in joints]
    lower, upper, velocities = (np.array(values) for values in zip(*limits, strict=True))
    franka = _Urdf(HAND_FILE)
    shapes = [source.shapes(link, arm.colour) for link in links]
    gripper = [franka.shapes(link, WHITE) for link in ("panda_hand", "panda_leftfinger", "panda_rightfinger")]
    origins = np.array([_origin(joint) for joint in joints])
    masses = [source.mass(link) for link in links]
    text = _physics_urdf(arm, origins, (lower, upper), masses, shapes, gripper[0], hand)
    return ArmModel(
        arm,
        origins,
        lower,
        upper,
        np.minimum(velocities, math.pi),
        hand,
        (*(tuple(shape) for shape in shapes), *(tuple(shape) for shape in gripper)),
        keep_urdf(arm.name, text),
    )


def data_path(file: str) -> Path:
    """A file of `pybullet_data`.

    Raises:
        CorruptFile: it is not there.
    """
    import pybullet_data

    path = Path(pybullet_data.getDataPath()) / file
    if not path.is_file():
        raise CorruptFile(f"no file at {path}; pybullet_data should have it: reinstall pybullet")
    return path


def keep_urdf(name: str, text: str) -> Path:
    """Write a URDF where PyBullet can read it; one file for each content, under the cache's root."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    kept = cache_root() / "urdf" / f"{name}-{digest}.urdf"
    if kept.is_file() and kept.stat().st_size == len(text.encode()):
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=kept.parent, suffix=".part")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    os.replace(part, kept)
    return kept


class _Urdf:
    """What is needed of a URDF file."""

    def __init__(self, file: str) -> None:
        self._path = data_path(file)
        try:
            self._root = ElementTree.parse(self._path).getroot()
        except ElementTree.ParseError as error:
            raise CorruptFile(f"{self._path} is not a URDF: {error}") from error
        self._links = {link.get("name"): link for link in self._root.iter("link")}
        self._colours = {
            material.get("name"): colour.get("rgba", "")
            for material in self._root.iter("material")
            if (colour := material.find("color")) is not None
        }

    def chain(self, count: int) -> list[ElementTree.Element]:
        """The first `count` turning joints, one after the other."""
        joints = [
            joint for joint in self._root.findall("joint") if joint.get("type") in ("revolute", "continuous")
        ]
        joints = joints[:count]
        for joint in joints:
            axis = joint.find("axis")
            if axis is None or _numbers(axis.get("xyz", "")).tolist() != [0.0, 0.0, 1.0]:
                raise CorruptFile(f"{self._path}: joint {joint.get('name')} does not turn about its z")
        if len(joints) < count:
            raise CorruptFile(f"{self._path} has {len(joints)} joints that turn, {count} are needed")
        return joints

    def mass(self, link: str | None) -> tuple[float, FloatArray]:
        """Mass (kg) and centre of mass (3,) of a link."""
        element = self._links[link].find("inertial")
        mass = None if element is None else element.find("mass")
        if element is None or mass is None:
            return 0.0, np.zeros(3)
        return float(mass.get("value", 0.0)), _origin(element)[:3, 3]

    def shapes(self, link: str | None, colour: Colour) -> list[Shape]:
        """What is drawn of a link."""
        shapes = []
        for visual in self._links[link].findall("visual"):
            mesh = visual.find("geometry/mesh")
            if mesh is None:
                continue
            path = self._path.parent / mesh.get("filename", "").removeprefix("package://")
            images = texture_files(path) if path.suffix == ".obj" else []
            levels = load_levels(path, images[0] if images and images[0].is_file() else None)
            shapes.append(Shape(levels, _origin(visual), self._colour(visual, colour)))
        return shapes

    def _colour(self, visual: ElementTree.Element, default: Colour) -> Colour:
        material = visual.find("material")
        if material is None:
            return default
        colour = material.find("color")
        text = colour.get("rgba", "") if colour is not None else self._colours.get(material.get("name"), "")
        if not text:
            return default
        red, green, blue = _numbers(text)[:3]
        return default if red == green == blue == 1.0 else (float(red), float(green), float(blue))


def _physics_urdf(
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
        _inertial(mass, centre, _extent(shape, np.eye(4)))
        for (mass, centre), shape in zip(masses, shapes, strict=True)
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
        centre = np.array([0.0, sign * 0.5 * PAD[1], 0.5 * PAD[2]])
        inertial = _inertial(FINGER_MASS, centre, np.array(PAD))
        parts.append(_link(f"{side}_finger", inertial, [_box(PAD, centre)], contact=PAD_CONTACT))
        root = hand @ _frame((0.0, 0.0, FINGER_ROOT), (0.0, 0.0, 0.0))
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


def _inertial(mass: float, centre: FloatArray, size: FloatArray) -> Inertial:
    """Of a box of a size about its centre of mass: what the files say of inertia is mostly a placeholder."""
    squares = np.square(size)
    return Inertial(mass, centre, np.diag(mass / 12.0 * (squares.sum() - squares)) + 1e-5 * np.eye(3))


def _joined(one: Inertial, other: Inertial) -> Inertial:
    """Two bodies as one (parallel axis theorem)."""
    mass = one.mass + other.mass
    centre = (one.mass * one.centre + other.mass * other.centre) / mass
    inertia = np.zeros((3, 3))
    for part in (one, other):
        away = part.centre - centre
        inertia += part.inertia + part.mass * (away @ away * np.eye(3) - np.outer(away, away))
    return Inertial(mass, centre, inertia)


def _bounds(shape: Shape, outer: FloatArray) -> tuple[FloatArray, FloatArray]:
    matrix = outer @ shape.local
    positions = shape.levels[0].positions @ matrix[:3, :3].T + matrix[:3, 3]
    return positions.min(axis=0), positions.max(axis=0)


def _extent(shapes: list[Shape], outer: FloatArray) -> FloatArray:
    """(3,) metres of the box about shapes, 5 cm where there are none."""
    if not shapes:
        return np.full(3, 0.05)
    bounds = [_bounds(shape, outer) for shape in shapes]
    return np.max([high for _, high in bounds], axis=0) - np.min([low for low, _ in bounds], axis=0)


def _box_about(shape: Shape, outer: FloatArray) -> str:
    low, high = _bounds(shape, np.eye(4))
    return _box(high - low, outer[:3, :3] @ (0.5 * (low + high)) + outer[:3, 3], outer[:3, :3])


def _box(size: FloatArray | tuple[float, ...], centre: FloatArray, turn: FloatArray | None = None) -> str:
    yaw = 0.0 if turn is None else math.atan2(turn[1, 0], turn[0, 0])
    return (
        f'<collision><origin xyz="{_text(centre)}" rpy="0 0 {yaw:.12g}"/>'
        f'<geometry><box size="{_text(size)}"/></geometry></collision>'
    )


def _link(name: str, inertial: Inertial, boxes: list[str], contact: str = PLAIN_CONTACT) -> str:
    tensor = inertial.inertia
    names = (("ixx", 0, 0), ("ixy", 0, 1), ("ixz", 0, 2), ("iyy", 1, 1), ("iyz", 1, 2), ("izz", 2, 2))
    values = " ".join(f'{axis}="{tensor[row, column]:.9g}"' for axis, row, column in names)
    return (
        f'<link name="{name}"><contact>{contact}</contact>'
        f'<inertial><origin xyz="{_text(inertial.centre)}"/><mass value="{inertial.mass}"/><inertia {values}/>'
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


def _limits(joint: ElementTree.Element) -> tuple[float, float, float]:
    """Lowest and highest angle (rad) and speed (rad/s)."""
    limit = joint.find("limit")
    assert limit is not None
    lower, upper, velocity = (float(limit.get(name, 0.0)) for name in ("lower", "upper", "velocity"))
    return lower, upper, velocity


def _origin(element: ElementTree.Element) -> FloatArray:
    origin = element.find("origin")
    if origin is None:
        return np.eye(4)
    return _frame(_numbers(origin.get("xyz", "0 0 0")), _numbers(origin.get("rpy", "0 0 0")))


def _frame(position: FloatArray | tuple[float, ...], angles: FloatArray | tuple[float, ...]) -> FloatArray:
    """(4, 4) of URDF's xyz and rpy."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_z(angles[2]) @ rotation_y(angles[1]) @ rotation_x(angles[0])
    matrix[:3, 3] = position
    return matrix


def _roll_pitch_yaw(turn: FloatArray) -> tuple[float, float, float]:
    pitch = math.asin(max(-1.0, min(1.0, -turn[2, 0])))
    return math.atan2(turn[2, 1], turn[2, 2]), pitch, math.atan2(turn[1, 0], turn[0, 0])


def _numbers(text: str) -> FloatArray:
    return np.array([float(word) for word in text.split()])


def _text(values: FloatArray | tuple[float, ...]) -> str:
    return " ".join(f"{value:.12g}" for value in values)
