"""Parking lot generator: an aisle between two rows of bays, some of them taken."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.curves import Pose
from camshaft.envs.errors import InvalidOption

GOAL_MARGIN = 2  # bays at either end of a row that are never the goal
END = 3.0  # meters of lot beyond the last bays


@dataclass(frozen=True)
class LotConfig:
    """Configuration of parking lots.

    Attributes:
        bays: number of bays in each of the two rows.
        bay_width, bay_length: meters.
        aisle: meters between the rows.
        taken: share of bays with a parked car, low and high.
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
        if not 0.0 <= self.taken[0] <= self.taken[1] <= 0.95:
            raise InvalidOption(f"taken must be two shares within 0..0.95, low and high, got {self.taken}")


@dataclass(frozen=True, eq=False)
class ParkingLot:
    """One parking lot; x runs along the aisle, the origin is its middle.

    Attributes:
        config: its dimensions.
        seed: seed that it was generated from.
        cars: (K, 3) x, y, heading of the parked cars.
        free: (F, 3) x, y of the middle of each bay that may be the goal, and the heading of a car parked nose first.
    """

    config: LotConfig
    seed: int
    cars: FloatArray
    free: FloatArray

    @property
    def half_size(self) -> tuple[float, float]:
        """Meters from the middle to the curb, along and across the aisle."""
        config = self.config
        return 0.5 * config.bays * config.bay_width + END, 0.5 * config.aisle + config.bay_length

    @cached_property
    def walls(self) -> FloatArray:
        """(4, 5) x, y, heading, length, width of boxes for the land beyond the curbs."""
        along, across = self.half_size
        return np.array(
            [
                [0.0, across + 0.5, 0.0, 2.0 * along + 2.0, 1.0],
                [0.0, -across - 0.5, 0.0, 2.0 * along + 2.0, 1.0],
                [along + 0.5, 0.0, 0.5 * math.pi, 2.0 * across, 1.0],
                [-along - 0.5, 0.0, 0.5 * math.pi, 2.0 * across, 1.0],
            ]
        )

    def sample_task(self, rng: np.random.Generator) -> tuple[Pose, Pose]:
        """A start pose in the aisle and a goal pose in a free bay, both of the car's middle."""
        x, y, inwards = self.free[int(rng.integers(len(self.free)))]
        heading = inwards if rng.random() < 0.5 else inwards + math.pi
        goal = Pose(float(x), float(y), math.atan2(math.sin(heading), math.cos(heading)))
        facing = 0.0 if rng.random() < 0.5 else math.pi
        reach = 0.5 * self.config.bays * self.config.bay_width - 1.0
        start = Pose(
            float(rng.uniform(-reach, reach)),
            float(rng.uniform(-0.8, 0.8)),
            facing + float(rng.uniform(-0.25, 0.25)),
        )
        return start, goal


def generate_lot(seed: int, config: LotConfig = LotConfig()) -> ParkingLot:
    """Generate the lot of a seed; at least one bay that may be the goal is free."""
    rng = np.random.default_rng([seed, 14])
    positions = (np.arange(config.bays) - 0.5 * (config.bays - 1)) * config.bay_width
    middle = 0.5 * (config.aisle + config.bay_length)
    kept = int(rng.integers(2)), int(rng.integers(GOAL_MARGIN, config.bays - GOAL_MARGIN))
    share = rng.uniform(*config.taken)
    cars, free = [], []
    for side, y in ((0, middle), (1, -middle)):
        inwards = 0.5 * math.pi if y > 0.0 else -0.5 * math.pi
        for bay, x in enumerate(positions):
            taken, nose_in = rng.random() < share, rng.random() < 0.7
            shift, turn = rng.uniform(-0.12, 0.12, 2), rng.uniform(-0.03, 0.03)
            if taken and (side, bay) != kept:
                heading = inwards if nose_in else inwards + math.pi
                cars.append((x + shift[0], y + shift[1], heading + turn))
            elif GOAL_MARGIN <= bay < config.bays - GOAL_MARGIN:
                free.append((x, y, inwards))
    return ParkingLot(config, seed, np.array(cars, np.float64).reshape(-1, 3), np.array(free))
