"""Layout of parking lots: cars, planters, lamps, hedges, buildings and trees."""

from __future__ import annotations

import math

import numpy as np

from camshaft.envs.driving.assets import PAINTS
from camshaft.envs.driving.road_network.parking_lot import ParkingLot
from camshaft.envs.driving.streets.free_space import FreeSpace
from camshaft.envs.driving.streets.layout import Layout, LayoutBuilder
from camshaft.envs.driving.streets.planting import plant_woods

MARGIN = 90.0  # meters of land around a lot
TREES = 150  # number of positions tried
CARS, ODDS = ("sedan", "hatchback", "suv", "van"), (0.35, 0.4, 0.2, 0.05)
BUILDINGS = ("shop", "office", "warehouse")
HEDGE = 4.0  # meters, length of a hedge segment
LAMP_SPACING = 11.0  # meters
TRUNK = 4.7  # meters; longer cars do not fit a bay and are not parked


def lay_out_lot(lot: ParkingLot) -> Layout:
    """Lay out the objects in and around a lot; even variants if its seed is even."""
    rng = np.random.default_rng([lot.seed, 15])
    along, across = lot.half_size
    corner = np.array([along + MARGIN, across + MARGIN])
    builder = LayoutBuilder("car_park", FreeSpace(-corner, corner), lot.seed % 2, rng)
    builder.space.take(np.array([[-along, -across], [along, -across], [along, across], [-along, across]]))
    paints = PAINTS[lot.seed % 2 :: 2]
    for x, y, heading in lot.cars:
        name = str(rng.choice(CARS, p=ODDS))
        if builder.footprint(name, builder.choose(name))[0] > TRUNK:
            name = "suv"
        paint = paints[int(rng.integers(len(paints)))]
        builder.put(name, builder.choose(name), (x, y), float(heading), 0.0, tint=paint)
    middle, end = 0.5 * (across + 0.5 * lot.config.aisle), along - 1.5
    for x, y in ((end, middle), (end, -middle), (-end, middle), (-end, -middle)):
        builder.put("planter", builder.choose("planter"), (x, y), 0.0, 0.0)
    machine = (end, 0.5 * lot.config.aisle + 0.6)
    builder.put("ticket_machine", builder.choose("ticket_machine"), machine, -0.5 * math.pi, 0.0)
    for side in (1.0, -1.0):
        for x in np.arange(-along + 4.0, along, LAMP_SPACING):
            heading = math.pi if side > 0.0 else 0.0
            builder.put("street_lamp", builder.choose("street_lamp"), (x, side * (across + 0.6)), heading)
        for x in np.arange(-along + 2.0, along, HEDGE):
            point = (x, side * (across + 1.7))
            builder.put_if_free("hedge", builder.choose("hedge"), point, 0.0, -0.1)
        for y in np.arange(-across + 2.0, across, HEDGE):
            point = (side * (along + 1.7), y)
            builder.put_if_free("hedge", builder.choose("hedge"), point, 0.5 * math.pi, -0.1)
        _add_buildings(builder, side, along, across)
    plant_woods(builder, -corner + 4.0, corner - 4.0, TREES, 9, 18.0, 1.0)
    return builder.build()


def _add_buildings(builder: LayoutBuilder, side: float, along: float, across: float) -> None:
    """Add a row of buildings beside the lot, facing it."""
    rng = builder.rng
    x = -along - float(rng.uniform(0.0, 25.0))
    while x < along + 15.0:
        name = str(rng.choice(BUILDINGS))
        variant = builder.choose(name)
        depth, width = builder.footprint(name, variant)
        point = (x + 0.5 * width, side * (across + 9.0 + 0.5 * depth))
        builder.put_if_free(name, variant, point, side * 0.5 * math.pi, 0.3, tint=builder.tint(0.06))
        x += width + float(rng.uniform(2.0, 20.0))
