"""Classes of the object benchmark and their 3-D models; even models are for training, odd ones for testing.

Classes with a single model use it in all splits; pose, light, background and color still differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.driving import assets
from camshaft.envs.driving.assets.shapes import with_surface
from camshaft.envs.driving.textures.painting import NUM_VARIANTS
from camshaft.envs.rendering import Mesh
from camshaft.envs.rendering.geometry import bounding_sphere
from camshaft.perception.data.objects.pybullet_models import urdf_levels
from camshaft.perception.data.objects.surfaces import object_surfaces

SIGN_RADIUS, SIGN_HEIGHT = 0.56, 2.5  # meters; the part of a sign on its post that the camera looks at
ANY_SIDE, FRONT = 180.0, 55.0  # degrees of yaw to either side
HULL_POINTS = 64  # that represent a shape when it is placed on the ground


@dataclass(frozen=True, eq=False)
class ObjectModel:
    """A 3-D model of a class, scaled so that the part that the camera looks at has radius 1.

    Attributes:
        levels: levels of detail, finest first.
        height: height above the ground of the point that the camera looks at.
        yaw_degrees: maximum yaw to either side; at 0 the front faces the camera.
        elevation_degrees: lowest and highest elevation of the camera, seen from the object.
        tumbles: whether the orientation is random instead of upright.
        most_end_on: maximum cosine between the z axis and the line of sight of a tumbling object: a cone seen from
            below would be a disc.
        hull: (h, 3) points on the convex hull of a tumbling object, to place it on the ground.
    """

    levels: list[Mesh]
    height: float
    yaw_degrees: float = ANY_SIDE
    elevation_degrees: tuple[float, float] = (3.0, 38.0)
    tumbles: bool = False
    most_end_on: float = 1.0
    hull: NDArray[np.float64] = field(default_factory=lambda: np.zeros((1, 3)))


def scaled_model(
    levels: Sequence[Mesh],
    yaw_degrees: float = ANY_SIDE,
    elevation_degrees: tuple[float, float] = (3.0, 38.0),
    tumbles: bool = False,
    most_end_on: float = 1.0,
    focus: tuple[float, float] | None = None,
) -> ObjectModel:
    """Scale a model in meters for the benchmark.

    Args:
        levels: levels of detail, standing on z = 0.
        yaw_degrees: see `ObjectModel`.
        elevation_degrees: see `ObjectModel`.
        tumbles: see `ObjectModel`.
        most_end_on: see `ObjectModel`.
        focus: height and radius (meters) of the part that the camera looks at; by default the whole model.
    """
    visible = levels[0].positions[levels[0].positions[:, 2] > -1e-3] if not tumbles else levels[0].positions
    x, y, height, radius = (float(value) for value in bounding_sphere(visible))
    if focus is not None:
        height, radius = focus
    matrix = np.diag([1.0 / radius] * 3 + [1.0])
    matrix[:3, 3] = -matrix[:3, :3] @ [x, y, height if tumbles else 0.0]
    moved = [level.transformed(matrix) for level in levels]
    hull = _hull(moved[0].positions) if tumbles else np.zeros((1, 3))
    return ObjectModel(moved, height / radius, yaw_degrees, elevation_degrees, tumbles, most_end_on, hull)


def _hull(positions: NDArray[np.float32]) -> NDArray[np.float64]:
    """(HULL_POINTS, 3) the outermost points in directions that are spread over the sphere."""
    height = 1.0 - (2.0 * np.arange(HULL_POINTS) + 1.0) / HULL_POINTS
    turn = np.arange(HULL_POINTS) * np.pi * (3.0 - np.sqrt(5.0))
    across = np.sqrt(1.0 - height**2)
    directions = np.column_stack([across * np.cos(turn), across * np.sin(turn), height])
    return positions[np.argmax(positions @ directions.T, axis=0)].astype(np.float64)


def _vehicles(*makers: Callable[[], assets.VehicleModel]) -> list[ObjectModel]:
    return [scaled_model(make().levels) for make in makers for _ in range(2)]


def _both(levels: Sequence[Mesh], **options: Any) -> list[ObjectModel]:
    """A single model, for both training and testing."""
    return [scaled_model(levels, **options)] * 2


def _variants(make: Callable[[int], list[Mesh]], yaw_degrees: float = ANY_SIDE) -> list[ObjectModel]:
    return [scaled_model(make(variant), yaw_degrees) for variant in range(NUM_VARIANTS)]


def _people() -> list[ObjectModel]:
    frames = (0, 3, 6, 9, assets.STANDING)
    return [
        scaled_model(assets.pedestrian_frames(body)[frames[(body // 2 + turn) % len(frames)]])
        for turn in range(2)
        for body in range(2 * (assets.NUM_BODIES // 2))
    ]


def _riders(make: Callable[[int], assets.VehicleModel]) -> list[ObjectModel]:
    return [scaled_model(make(rider).levels) for rider in (0, 1, 2, 3, 0, 5, 2, 7)]


def _signs(*kinds: str) -> list[ObjectModel]:
    return [
        scaled_model(assets.sign(kind, variant), FRONT, (-12.0, 25.0), focus=(SIGN_HEIGHT, SIGN_RADIUS))
        for kind in kinds
        for variant in range(NUM_VARIANTS)
    ]


def _traffic_lights() -> list[ObjectModel]:
    chosen = [variant for variant in assets.traffic_light_variants(arm=False)[1:] for _ in range(2)]
    return [scaled_model(levels, FRONT, (-5.0, 25.0)) for levels in chosen]


def _houses() -> list[ObjectModel]:
    return _variants(assets.house) + [
        scaled_model(assets.building(number).levels)
        for kind in ("terraced_house", "apartment_block")
        for number in assets.buildings(kind)
    ]


def _primitives(make: Callable[[int], list[Mesh]], most_end_on: float = 1.0) -> list[ObjectModel]:
    """Geometric solids with each of the surfaces; `make` varies the proportions by the number of the surface."""
    found = []
    for number, surface in enumerate(object_surfaces()):
        levels = [with_surface(level, surface) for level in make(number)]
        found.append(scaled_model(levels, tumbles=True, most_end_on=most_end_on))
    return found


def _bullet(
    file: str,
    joints: Sequence[tuple[float, ...]] = ((), ()),
    y_up: bool = False,
    painted: bool = False,
    **options: Any,
) -> list[ObjectModel]:
    return [scaled_model(urdf_levels(file, pose, y_up, painted), **options) for pose in joints]


def _cubes(number: int) -> list[Mesh]:
    return [Mesh.box(1.0)]


def _spheres(number: int) -> list[Mesh]:
    return [replace(Mesh.sphere(1.0, segments=n, rings=n // 2), error=5.0 / n**2) for n in (32, 16)]


def _cylinders(number: int) -> list[Mesh]:
    height = 1.1 + 0.35 * (number // 2 % 4)
    return [replace(Mesh.cylinder(0.5, height, segments=n), error=2.5 / n**2) for n in (32, 16)]


def _cones(number: int) -> list[Mesh]:
    height = 0.9 + 0.3 * (number // 2 % 4)
    return [replace(Mesh.cone(0.5, height, segments=n), error=2.5 / n**2) for n in (32, 16)]


def _rings(number: int) -> list[Mesh]:
    return [replace(torus(0.7, 0.2 + 0.03 * (number // 2 % 4), n), error=3.0 / n**2) for n in (32, 16)]


def torus(radius: float, thickness: float, segments: int) -> Mesh:
    """A torus about the z axis, centered at the origin; `thickness` is the radius of the tube."""
    around = np.linspace(0.0, 2.0 * np.pi, segments + 1)
    across = np.linspace(0.0, 2.0 * np.pi, segments // 2 + 1)
    turn, tube = (axis.ravel() for axis in np.meshgrid(around, across, indexing="ij"))
    normals = np.column_stack([np.cos(turn) * np.cos(tube), np.sin(turn) * np.cos(tube), np.sin(tube)])
    middle = radius * np.column_stack([np.cos(turn), np.sin(turn), np.zeros_like(turn)])
    columns = len(across)
    first = (np.arange(segments)[:, None] * columns + np.arange(columns - 1)).ravel()
    beside = first + columns
    faces = np.concatenate(
        [np.stack([first, beside, beside + 1], axis=1), np.stack([first, beside + 1, first + 1], axis=1)]
    )
    uvs = np.column_stack([4.0 * turn, tube]) / (2.0 * np.pi)
    return Mesh(middle + thickness * normals, faces, normals, uvs)  # type: ignore[arg-type]


_ARM = ((0.3, 0.5, 0.2, -1.2, 0.1, 0.9), (-0.4, 0.9, 0.0, -0.8, 0.5, 1.2))

MAKERS: Mapping[str, Callable[[], list[ObjectModel]]] = {
    "car": lambda: _vehicles(assets.sedan, assets.hatchback, assets.suv),
    "van": lambda: _vehicles(assets.van),
    "lorry": lambda: _vehicles(assets.truck),
    "bus": lambda: _vehicles(assets.bus),
    "motorcycle": lambda: _riders(assets.motorcycle),
    "bicycle": lambda: _riders(assets.bicycle),
    "person": _people,
    "stop_sign": lambda: _signs("stop"),
    "give_way_sign": lambda: _signs("yield"),
    "no_entry_sign": lambda: _signs("no_entry"),
    "priority_sign": lambda: _signs("priority_road"),
    "speed_limit_sign": lambda: _signs("speed_limit_30", "speed_limit_50", "speed_limit_80"),
    "traffic_light": _traffic_lights,
    "bollard": lambda: _both(assets.bollard()),
    "traffic_cone": lambda: _both(assets.traffic_cone()),
    "bench": lambda: _both(assets.bench()),
    "waste_bin": lambda: _both(assets.waste_bin()),
    "bus_shelter": lambda: _variants(assets.bus_shelter),
    "advertising_column": lambda: _variants(assets.advertising_column),
    "planter": lambda: _variants(assets.planter),
    "conifer": lambda: _variants(assets.conifer),
    "broadleaf": lambda: _variants(assets.broadleaf),
    "house": _houses,
    "cube": lambda: _primitives(_cubes),
    "sphere": lambda: _primitives(_spheres),
    "cylinder": lambda: _primitives(_cylinders, 0.75),
    "cone": lambda: _primitives(_cones, 0.75),
    "ring": lambda: _primitives(_rings),
    "duck": lambda: _bullet("duck_vhacd.urdf", y_up=True),
    "football": lambda: _bullet("soccerball.urdf", tumbles=True),
    "teddy": lambda: _bullet("teddy_large.urdf", y_up=True),
    "toy_brick": lambda: _bullet("lego/lego.urdf", painted=True, tumbles=True),
    "mug": lambda: _bullet("objects/mug.urdf", painted=True, elevation_degrees=(15.0, 45.0)),
    "table": lambda: _bullet("table/table.urdf"),
    "tray": lambda: _bullet("tray/traybox.urdf"),
    "robot_arm": lambda: _bullet("kuka_iiwa/model.urdf", _ARM),
}

CLASSES = tuple(MAKERS)


@cache
def object_models(name: str) -> tuple[ObjectModel, ...]:
    """Models of one of CLASSES: an even number, alternating between training and testing."""
    return tuple(MAKERS[name]())
