"""Bodies on the table: their parts and properties, for the physics and the renderer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from camshaft.envs.arrays import FloatArray
from camshaft.envs.manipulation.transforms import rigid_transform

Vector = tuple[float, float, float]
Color = tuple[float, float, float]
"""Red, green and blue, 0 to 1."""


@dataclass(frozen=True)
class Part:
    """A box, cylinder, sphere or mesh of a body.

    Attributes:
        kind: "box", "cylinder", "sphere" or "mesh".
        size: meters: x, y, z of a box; radius and height of a cylinder; radius of a sphere; scale of a mesh.
        position: meters, in the body's frame.
        angles: rad, roll, pitch and yaw.
        color: color of the part, multiplied by the body's if `tinted`.
        tinted: whether the color that an episode gives the body applies to this part.
        collides: whether the part is in the physics.
        visible: whether the part is rendered.
        file: mesh file to render.
        collision_file: mesh file whose convex hull collides.
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
        return rigid_transform(self.position, self.angles)


@dataclass(frozen=True)
class Slider:
    """A moving part of a body, on a prismatic or revolute joint.

    Attributes:
        parts: the parts that move, in the frame of the joint.
        kind: "prismatic" or "revolute".
        position: meters, origin of the joint's frame in the body's frame.
        axis: unit vector along or about which the parts move.
        lower, upper: joint limits, meters or rad.
        mass: kg.
        friction: N or N m, joint friction.
        spring: N/m or N m/rad, stiffness of a spring toward `lower`.
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
        name: unique within the task; columns of the state are named after it.
        variants: alternative sets of parts, one of which is sampled per episode.
        mass: kg; a body of mass 0 is fixed where an episode places it.
        friction: Coulomb coefficient; that of a contact is the product of both bodies'.
        rolling_friction: coefficient of rolling resistance, dimensionless.
        color: nominal color.
        slider: moving part, None for a rigid body.
        ghost: rendered but not simulated, such as the marker of a goal.
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

    @property
    def is_free(self) -> bool:
        """Whether the body as a whole moves in all six degrees of freedom."""
        return not self.ghost and self.mass > 0.0 and self.slider is None


def cube(name: str, size: float, color: Color, mass: float, friction: float = 1.0) -> Body:
    """A cube with edges of `size` meters."""
    return Body(name, ((Part("box", (size,) * 3),),), mass, friction, color=color)
