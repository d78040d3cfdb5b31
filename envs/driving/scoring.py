"""Infractions and the driving score, as the CARLA leaderboard counts them.

Source: CARLA Autonomous Driving Leaderboard, "Evaluation criteria": the score of a route is its completion in percent
times the product of a penalty for each infraction: 0.50 for a collision with a person, 0.60 with a vehicle, 0.65 with a
static object, 0.70 for a red light, 0.80 for a stop sign; distance driven off the road does not count as completed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray, IntArray

PERSON, VEHICLE, OBJECT, RED_LIGHT, STOP_SIGN, OFF_ROAD = range(6)
NAMES = (
    "collisions_person",
    "collisions_vehicle",
    "collisions_object",
    "red_lights",
    "stop_signs",
    "off_road",
)
PENALTIES = np.array([0.50, 0.60, 0.65, 0.70, 0.80, 1.0])
OUTSIDE = 0.4  # meters, tolerance of the middle of the car off the road
AGAIN = 20  # control steps after a collision during which another one of the same kind does not count


class Infractions:
    """Infractions of N drivers since their episodes began.

    Attributes:
        counts: (N, 6) counts by kind, see NAMES; "off_road" counts departures from the road or its right side.
        off_road: (N,) meters driven off the road or its right side.
        last_hit: (N, 3) control step of the last collision of each kind; a large negative number before the first.
        outside: (N,) whether they are currently off the road or on the wrong side of it.
    """

    def __init__(self, num_worlds: int) -> None:
        self.counts = np.zeros((num_worlds, len(NAMES)), np.int64)
        self.off_road = np.zeros(num_worlds)
        self.last_hit = np.full((num_worlds, 3), -AGAIN, np.int64)
        self.outside = np.zeros(num_worlds, bool)

    def clear(self, world: int) -> None:
        """Reset all counts."""
        self.counts[world] = 0
        self.off_road[world] = 0.0
        self.last_hit[world] = -AGAIN
        self.outside[world] = False

    def count(
        self,
        collisions: tuple[IntArray, NDArray[np.bool_], NDArray[np.bool_]],
        run: tuple[NDArray[np.bool_], NDArray[np.bool_]],
        departures: FloatArray,
        advanced: FloatArray,
        steps: IntArray,
    ) -> FloatArray:
        """Count the infractions of one step.

        Args:
            collisions: (N,) vehicle hit, or −1; whether a person was hit; whether a static object was hit.
            run: (N,) whether a red light was run; whether a stop sign was run.
            departures: (N, 2) meters off the road, and off the lanes of the right direction.
            advanced: (N,) meters of the route driven in this step.
            steps: (N,) control steps since the episodes began.

        Returns:
            (N,) infractions in this step.
        """
        vehicle, person, thing = collisions
        new = np.zeros_like(self.counts)
        for kind, hit in ((PERSON, person), (VEHICLE, vehicle >= 0), (OBJECT, thing)):
            fresh = hit & (steps - self.last_hit[:, kind] >= AGAIN)
            new[:, kind] = fresh
            self.last_hit[hit, kind] = steps[hit]
        new[:, RED_LIGHT], new[:, STOP_SIGN] = run
        outside = departures[:, 1] > OUTSIDE
        new[:, OFF_ROAD] = outside & ~self.outside
        self.outside[:] = outside
        self.off_road += np.where(outside, advanced, 0.0)
        self.counts += new
        return new.sum(axis=1).astype(np.float64)

    @property
    def total(self) -> IntArray:
        """(N,) total infractions."""
        return np.asarray(self.counts.sum(axis=1))

    @property
    def collided(self) -> NDArray[np.bool_]:
        """(N,) whether there was a collision."""
        return np.asarray(self.counts[:, : OBJECT + 1].sum(axis=1) > 0)

    def score(self, completion: FloatArray, length: FloatArray | float = np.inf) -> FloatArray:
        """(N,) driving score, 0..100, for a completed fraction of the route.

        Args:
            completion: (N,) 0..1.
            length: meters, lengths of the routes; distance driven off the road does not count.
        """
        share = np.clip(completion - self.off_road / length, 0.0, 1.0)
        return 100.0 * share * np.prod(PENALTIES**self.counts, axis=1)

    def by_name(self) -> dict[str, IntArray]:
        """(N,) counts by name."""
        return {name: self.counts[:, number] for number, name in enumerate(NAMES)}
