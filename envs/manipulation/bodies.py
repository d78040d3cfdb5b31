"""What lies, stands and moves on the table: bodies of a few parts, for the physics and for the eye."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.errors import CorruptFile
from camshaft.envs.rendering import Mesh, Surface, load_mesh
from camshaft.envs.rendering.rotations import rotation_x, rotation_y, rotation_z

Vector = tuple[float, float, float]
Color = tuple[float, float, float]


@dataclass(frozen=True)
class Part:
    """A box, cylinder, sphere or mesh of a body.

    Attributes:
        kind: "box", "cylinder", "sphere" or "mesh".
        size: meters: x, y, z of a box; radius and height of a cylinder; radius of a sphere; scale of a mesh.
        position: meters, in the body's frame.
        angles: rad, roll, pitch and yaw.
        color: multiplies the body's own if `tinted`.
        tinted: whether the color that an episode gives the body changes this part.
        collides, visible: whether it is there for the physics, and for the eye.
        file, collision_file: of a mesh; the physics takes the convex hull of the second.
    """

    kind: str
    size: tuple[float, ...]
    position: Vector = (0.0, 0.0, 0.0)
    angles: Vector = (0.0, 0.0, 0.0)
    color: Color = (1.0, 1.0, 1.0)
    tinted: bool = True
    collides: bool = True
    visible: bool = True
    file: Path | None = None
    collision_file: Path | None = None

    @property
    def frame(self) -> FloatArray:
        """(4, 4) body from part."""
        matrix = np.eye(4)
        roll, pitch, yaw = self.angles
        matrix[:3, :3] = rotation_z(yaw) @ rotation_y(pitch) @ rotation_x(roll)
        matrix[:3, 3] = self.position
        return matrix


@dataclass(frozen=True)
class Slider:
    """A part of a body that slides or turns against the rest of it.

    Attributes:
        parts: what moves, in the frame of the joint.
        kind: "prismatic" or "revolute".
        position: meters, of the joint's frame in the body's.
        axis: along or about which it moves.
        lower, upper: meters or rad.
        mass: kg.
        friction: N or N m, that holds it where it is.
        spring: N/m or N m/rad toward `lower`.
    """

    parts: tuple[Part, ...]
    kind: str
    position: Vector
    axis: Vector
    lower: float
    upper: float
    mass: float
    friction: float = 0.0
    spring: float = 0.0


@dataclass(frozen=True)
class Body:
    """A body of a task.

    Attributes:
        name: what it is.
        variants: its parts, or several choices of parts, one of which is drawn for each episode.
        mass: kg; 0 stands fast where an episode has put it.
        friction: Coulomb coefficient; PyBullet multiplies those of both bodies.
        rolling_friction: meters-free coefficient, against rolling away.
        color: the nominal one.
        slider: what moves against it.
        ghost: seen, not felt: a goal's mark.
        label: semantic label.
    """

    name: str
    variants: tuple[tuple[Part, ...], ...]
    mass: float = 0.0
    friction: float = 0.5
    rolling_friction: float = 0.0
    color: Color = (0.7, 0.7, 0.7)
    slider: Slider | None = None
    ghost: bool = False
    label: str = "object"


def cube(name: str, size: float, color: Color, mass: float, friction: float = 1.0) -> Body:
    """A cube."""
    return Body(name, ((Part("box", (size,) * 3),),), mass, friction, color=color)


def parts_mesh(parts: Sequence[Part], label: str) -> Mesh | None:
    """What is seen of some parts, in one mesh; nothing where nothing is."""
    meshes = [_part_mesh(part, label) for part in parts if part.visible]
    return Mesh.merge(meshes) if meshes else None


@lru_cache(maxsize=4096)
def _part_mesh(part: Part, label: str) -> Mesh:
    surface = Surface(part.color, None, label, specular=0.06, shininess=32, tinted=part.tinted)
    if part.kind == "box":
        mesh = Mesh.box(part.size, surface)
    elif part.kind == "cylinder":
        mesh = Mesh.cylinder(part.size[0], part.size[1], surface, 24)
    elif part.kind == "sphere":
        mesh = Mesh.sphere(part.size[0], surface, 20, 10)
    else:
        if part.file is None or not part.file.is_file():
            raise CorruptFile(f"no mesh file at {part.file}")
        mesh = load_mesh(part.file, surface).scaled(part.size[0])
    return mesh.transformed(part.frame)
