"""Mesh of parking lots: paving, bays, curbs and surrounding land; and the carpet that marks the goal."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from camshaft.envs.driving.road_network.parking_lot import LotConfig, ParkingLot
from camshaft.envs.driving.streets.appearance import nominal_appearance
from camshaft.envs.driving.streets.street_mesh import CURB_HEIGHT, GROUND_HEIGHT, PAINT_HEIGHT, Kind
from camshaft.envs.driving.streets.strips import ChunkedMesh, MeshBuilder
from camshaft.envs.rendering import Mesh, Surface

PAINT_WIDTH = 0.12  # meters
CURB = 0.25  # meters, width of the curb around the lot
LAND = 160.0  # meters of land around it
CARPET = Surface((0.13, 0.72, 0.32), label="goal")
ARROW = Surface((0.95, 0.97, 0.95), label="goal")
CARPET_HEIGHT, ARROW_HEIGHT = 0.014, 0.026  # meters

Rectangle = Callable[[float, float, float, float, float, Kind], None]


def build_lot_mesh(lot: ParkingLot) -> ChunkedMesh:
    """Build paving, lines, curbs and the surrounding land."""
    appearance = nominal_appearance("car_park")
    mesh = MeshBuilder(appearance.surfaces)
    along, across = lot.half_size
    scale = appearance.scales

    def rectangle(left: float, right: float, low: float, high: float, height: float, kind: Kind) -> None:
        corners = np.array([[left, low], [right, low], [right, high], [left, high]])
        mesh.quad(corners, height, kind, corners / scale[kind])

    for part in np.linspace(-along, along, 9)[:-1]:
        rectangle(part, part + along / 4.0, -across, across, 0.0, Kind.ASPHALT)
        mesh.cut()
    _paint_bays(mesh, lot.config, across, rectangle)
    for left, right, low, high in (
        (-along - CURB, along + CURB, across, across + CURB),
        (-along - CURB, along + CURB, -across - CURB, -across),
        (along, along + CURB, -across, across),
        (-along - CURB, -along, -across, across),
    ):
        _add_curb(mesh, left, right, low, high, scale[Kind.CURB])
    mesh.cut()
    for left in np.arange(-LAND, LAND, LAND / 4.0):
        for low in np.arange(-LAND, LAND, LAND / 4.0):
            rectangle(left, left + LAND / 4.0, low, low + LAND / 4.0, GROUND_HEIGHT, Kind.GROUND)
            mesh.cut()
    return mesh.build()


def _paint_bays(mesh: MeshBuilder, config: LotConfig, across: float, rectangle: Rectangle) -> None:
    half = 0.5 * PAINT_WIDTH
    edges = (np.arange(config.bays + 1) - 0.5 * config.bays) * config.bay_width
    for low, high in ((0.5 * config.aisle, across - 0.1), (-across + 0.1, -0.5 * config.aisle)):
        for number, x in enumerate(edges):
            rectangle(x - half, x + half, low, high, PAINT_HEIGHT, Kind.PAINT)
            if number % 6 == 5:
                mesh.cut()
        mesh.cut()


def _add_curb(mesh: MeshBuilder, left: float, right: float, low: float, high: float, scale: float) -> None:
    """Add a row of curb stones."""
    top = np.array([[left, low], [right, low], [right, high], [left, high]])
    mesh.quad(top, CURB_HEIGHT, Kind.CURB, top / scale)
    for first, second in zip(top, np.roll(top, -1, axis=0), strict=True):
        edge = second - first
        outwards = np.array([edge[1], -edge[0], 0.0]) / np.hypot(*edge)
        points = [[*first, 0.0], [*second, 0.0], [*second, CURB_HEIGHT], [*first, CURB_HEIGHT]]
        length = float(np.hypot(*edge))
        uvs = np.array([[0.0, 0.0], [length, 0.0], [length, CURB_HEIGHT], [0.0, CURB_HEIGHT]]) / scale
        mesh.add(points, [[0, 1, 2], [0, 2, 3]], Kind.CURB, uvs, np.tile(outwards, (4, 1)))


@cache
def goal_carpet(width: float, length: float) -> Mesh:
    """A green carpet for a bay with an arrow along x, the heading of the parked car."""
    half_length, half_width = 0.5 * length - 0.35, 0.5 * width - 0.25
    shaft, head, tip = 0.22, 0.75, 1.6
    points = np.array(
        [
            [-half_length, -half_width, CARPET_HEIGHT],
            [half_length, -half_width, CARPET_HEIGHT],
            [half_length, half_width, CARPET_HEIGHT],
            [-half_length, half_width, CARPET_HEIGHT],
            [-1.4, -shaft, ARROW_HEIGHT],
            [0.5, -shaft, ARROW_HEIGHT],
            [0.5, shaft, ARROW_HEIGHT],
            [-1.4, shaft, ARROW_HEIGHT],
            [0.5, -head, ARROW_HEIGHT],
            [tip, 0.0, ARROW_HEIGHT],
            [0.5, head, ARROW_HEIGHT],
        ]
    )
    faces = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7], [8, 9, 10]])
    normals = np.tile([0.0, 0.0, 1.0], (len(points), 1))
    surfaces = np.array([0, 0, 1, 1, 1])
    return Mesh(points, faces, normals, face_surfaces=surfaces, surfaces=(CARPET, ARROW))
