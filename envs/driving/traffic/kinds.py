"""Kinds of vehicles in traffic, and their frequencies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VehicleKind:
    """A kind of vehicle in traffic.

    Attributes:
        name: name of its model.
        length, width: meters.
        share: sampling weight.
        pace: factor of its drivers' speeds and accelerations.
    """

    name: str
    length: float
    width: float
    share: float = 1.0
    pace: float = 1.0


SEDAN = VehicleKind("sedan", 4.5, 1.8, 4.0)
EGO_LENGTH, EGO_WIDTH = SEDAN.length, SEDAN.width  # meters, of the driven car
HATCHBACK = VehicleKind("hatchback", 3.95, 1.74, 4.0)
SUV = VehicleKind("suv", 4.65, 1.9, 3.0)
VAN = VehicleKind("van", 5.5, 2.0, 1.5, 0.95)
TRUCK = VehicleKind("truck", 8.2, 2.5, 0.6, 0.85)
BUS = VehicleKind("bus", 12.0, 2.55, 0.5, 0.85)
MOTORCYCLE = VehicleKind("motorcycle", 2.1, 0.7, 0.6, 1.05)
BICYCLE = VehicleKind("bicycle", 1.74, 0.56, 0.8, 0.55)

TOWN_KINDS = (SEDAN, HATCHBACK, SUV, VAN, TRUCK, BUS, MOTORCYCLE, BICYCLE)
HIGHWAY_KINDS = (
    SEDAN,
    HATCHBACK,
    SUV,
    VAN,
    VehicleKind("truck", 8.2, 2.5, 2.5, 0.8),
    VehicleKind("bus", 12.0, 2.55, 0.4, 0.85),
    MOTORCYCLE,
)
