"""Parking lots from a seed: an aisle between two rows of bays, most of them taken."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from envs.driving.network.curves import FloatArray, Pose
from envs.driving.streets.looks import plain_look
from envs.driving.streets.street_mesh import KERB_HEIGHT, PAINT_HEIGHT, Kind
from envs.driving.streets.strips import ChunkedMesh, MeshBuilder
from envs.errors import InvalidOption

PAINT_WIDTH = 0.12  # metres
KERB = 0.25  # metres of kerb around the lot
GROUND = 160.0  # metres of ground around it
GOAL_MARGIN = 2  # bays at either end of a row that are never the goal


@dataclass(frozen=True)
class LotConfig:
    """What parking lots are like.

    Attributes:
        bays: in each of the two rows.
        bay_width, bay_length: metres.
        aisle: metres between the rows.
        taken: share of the other bays with a car in them, low and high.
    """

    bays: int = 12
    bay_width: float = 2.7
    bay_length: float = 5.2
    aisle: float = 7.5
    taken: tuple[float, float] = (0.3, 0.8)

    def __post_init__(self) -> None:
        if not 2 * GOAL_MARGIN < self.bays <= 40:
            raise InvalidOption(f"a lot has 5 to 40 bays in a row, got {self.bays}")
        if self.bay_width < 2.4 or self.bay_length < 4.6 or self.aisle < 6.0:
            raise InvalidOption(
                "a lot needs bays of at least 2.4 × 4.6 m and an aisle of at least 6 m, got "
                f"{self.bay_width} × {self.bay_length} m and {self.aisle} m"
            )


@dataclass(frozen=True, eq=False)
class ParkingLot:
    """One lot; x runs along the aisle, the middle of which is the origin.

    Attributes:
        config: its measures.
        cars: (K, 3) x, y, heading of the cars that stand there.
        goal: where to park.
        start: where to begin.
    """

    config: LotConfig
    cars: FloatArray
    goal: Pose
    start: Pose

    @property
    def half_size(self) -> tuple[float, float]:
        """Metres from the middle to the kerb, along and across."""
        config = self.config
        return 0.5 * config.bays * config.bay_width + 3.0, 0.5 * config.aisle + config.bay_length

    @cached_property
    def walls(self) -> FloatArray:
        """(4, 5) x, y, heading, length, width of the kerbs."""
        along, across = self.half_size
        return np.array(
            [
                [0.0, across + 0.5, 0.0, 2.0 * along + 2.0, 1.0],
                [0.0, -across - 0.5, 0.0, 2.0 * along + 2.0, 1.0],
                [along + 0.5, 0.0, 0.5 * math.pi, 2.0 * across, 1.0],
                [-along - 0.5, 0.0, 0.5 * math.pi, 2.0 * across, 1.0],
            ]
        )

    def obstacles(self, length: float, width: float) -> FloatArray:
        """(K + 4, 5) x, y, heading, length, width of cars of such a size, and of the kerbs."""
        sizes = np.tile([length, width], (len(self.cars), 1))
        return np.concatenate([np.column_stack([self.cars, sizes]), self.walls])


def draw_lot(rng: np.random.Generator, config: LotConfig = LotConfig()) -> ParkingLot:
    """A lot with cars, a goal and a start."""
    places = (np.arange(config.bays) - 0.5 * (config.bays - 1)) * config.bay_width
    middle = 0.5 * (config.aisle + config.bay_length)
    row = int(rng.integers(2))
    column = int(rng.integers(GOAL_MARGIN, config.bays - GOAL_MARGIN))
    share = rng.uniform(*config.taken)
    cars = []
    for side, y in ((0, middle), (1, -middle)):
        for bay, x in enumerate(places):
            taken, nose_in = rng.random() < share, rng.random() < 0.7
            shift, turn = rng.uniform(-0.12, 0.12, 2), rng.uniform(-0.03, 0.03)
            if taken and (side, bay) != (row, column):
                inwards = 0.5 * math.pi if y > 0.0 else -0.5 * math.pi
                heading = inwards if nose_in else inwards + math.pi
                cars.append((x + shift[0], y + shift[1], heading + turn))
    inwards = 0.5 * math.pi if row == 0 else -0.5 * math.pi
    nose_in = rng.random() < 0.5
    goal = Pose(
        float(places[column]),
        middle if row == 0 else -middle,
        math.atan2(math.sin(inwards + math.pi * (not nose_in)), math.cos(inwards + math.pi * (not nose_in))),
    )
    facing = 0.0 if rng.random() < 0.5 else math.pi
    reach = 0.5 * config.bays * config.bay_width - 1.0
    start = Pose(
        float(rng.uniform(-reach, reach)),
        float(rng.uniform(-0.8, 0.8)),
        facing + float(rng.uniform(-0.25, 0.25)),
    )
    return ParkingLot(config, np.array(cars, np.float64).reshape(-1, 3), goal, start)


def build_lot_mesh(lot: ParkingLot) -> ChunkedMesh:
    """Paving, bays, kerbs and ground; the goal is painted in."""
    look = plain_look()
    mesh = MeshBuilder(look.surfaces)
    along, across = lot.half_size
    scale = look.scales

    def rectangle(left: float, right: float, low: float, high: float, height: float, kind: Kind) -> None:
        corners = np.array([[left, low], [right, low], [right, high], [left, high]])
        mesh.quad(corners, height, kind, corners / scale[kind])

    for part in np.linspace(-along, along, 9)[:-1]:
        rectangle(part, part + along / 4.0, -across, across, 0.0, Kind.ASPHALT)
        mesh.cut()
    config = lot.config
    half = 0.5 * PAINT_WIDTH
    edges = (np.arange(config.bays + 1) - 0.5 * config.bays) * config.bay_width
    for low, high in ((0.5 * config.aisle, across - 0.1), (-across + 0.1, -0.5 * config.aisle)):
        for number, x in enumerate(edges):
            rectangle(x - half, x + half, low, high, PAINT_HEIGHT, Kind.PAINT)
            if number % 6 == 5:
                mesh.cut()
        mesh.cut()
    _paint_goal(mesh, lot, rectangle)
    mesh.cut()
    for left, right, low, high in (
        (-along - KERB, along + KERB, across, across + KERB),
        (-along - KERB, along + KERB, -across - KERB, -across),
        (along, along + KERB, -across, across),
        (-along - KERB, -along, -across, across),
    ):
        _add_kerb(mesh, left, right, low, high, scale[Kind.KERB])
    mesh.cut()
    for left in np.arange(-GROUND, GROUND, GROUND / 4.0):
        for low in np.arange(-GROUND, GROUND, GROUND / 4.0):
            rectangle(left, left + GROUND / 4.0, low, low + GROUND / 4.0, -0.03, Kind.GROUND)
            mesh.cut()
    return mesh.build()


def _paint_goal(mesh: MeshBuilder, lot: ParkingLot, rectangle) -> None:  # type: ignore[no-untyped-def]
    """A green carpet in the bay that is to be parked in, and an arrowhead that says which way the car should face."""
    config, goal = lot.config, lot.goal
    wide, deep = 0.5 * config.bay_width - 0.25, 0.5 * config.bay_length - 0.35
    rectangle(goal.x - wide, goal.x + wide, goal.y - deep, goal.y + deep, 0.006, Kind.GREEN)
    ahead = math.copysign(1.0, math.sin(goal.heading))
    for back, front, half in ((-1.4, 0.5, 0.16),):
        low, high = sorted((goal.y + ahead * back, goal.y + ahead * front))
        rectangle(goal.x - half, goal.x + half, low, high, PAINT_HEIGHT, Kind.PAINT)
    tip, base = goal.y + ahead * 1.5, goal.y + ahead * 0.5
    corners = [[goal.x - 0.6, base], [goal.x + 0.6, base], [goal.x, tip]]
    if ahead < 0.0:
        corners = corners[::-1]
    points = np.column_stack([np.array(corners), np.full(3, PAINT_HEIGHT)])
    mesh.add(points, [[0, 1, 2]], Kind.PAINT, points[:, :2])


def _add_kerb(mesh: MeshBuilder, left: float, right: float, low: float, high: float, scale: float) -> None:
    """A row of kerb stones."""
    top = np.array([[left, low], [right, low], [right, high], [left, high]])
    mesh.quad(top, KERB_HEIGHT, Kind.KERB, top / scale)
    for first, second in zip(top, np.roll(top, -1, axis=0), strict=True):
        edge = second - first
        outwards = np.array([edge[1], -edge[0], 0.0]) / np.hypot(*edge)
        points = [[*first, 0.0], [*second, 0.0], [*second, KERB_HEIGHT], [*first, KERB_HEIGHT]]
        length = float(np.hypot(*edge))
        uvs = np.array([[0.0, 0.0], [length, 0.0], [length, KERB_HEIGHT], [0.0, KERB_HEIGHT]]) / scale
        mesh.add(points, [[0, 1, 2], [0, 2, 3]], Kind.KERB, uvs, np.tile(outwards, (4, 1)))
