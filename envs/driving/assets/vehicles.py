"""Vehicle models by name, and their paint colors."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from camshaft.envs.driving.assets.bicycle import bicycle
from camshaft.envs.driving.assets.bus import bus
from camshaft.envs.driving.assets.cars import hatchback, sedan, suv
from camshaft.envs.driving.assets.motorcycle import motorcycle
from camshaft.envs.driving.assets.truck import truck
from camshaft.envs.driving.assets.van import van
from camshaft.envs.driving.assets.vehicle_model import VehicleModel

VEHICLES: Mapping[str, Callable[[], VehicleModel]] = {
    "sedan": sedan,
    "hatchback": hatchback,
    "suv": suv,
    "van": van,
    "truck": truck,
    "bus": bus,
    "motorcycle": motorcycle,
    "bicycle": bicycle,
}

OWN_PAINT = (0.75, 0.12, 0.12)  # of the driven car in images from outside

# Common car colors for the slots of vehicles; even ones are for training, odd ones for testing.
PAINTS = (
    (0.88, 0.88, 0.87),
    (0.80, 0.79, 0.76),
    (0.10, 0.10, 0.11),
    (0.16, 0.16, 0.18),
    (0.50, 0.52, 0.54),
    (0.36, 0.37, 0.39),
    (0.68, 0.69, 0.71),
    (0.60, 0.58, 0.54),
    (0.70, 0.10, 0.11),
    (0.50, 0.07, 0.10),
    (0.10, 0.20, 0.50),
    (0.16, 0.36, 0.58),
    (0.09, 0.28, 0.20),
    (0.30, 0.38, 0.24),
    (0.86, 0.62, 0.10),
    (0.80, 0.36, 0.10),
)
