"""Intelligent Driver Model (IDM) of car following.

Source: M. Treiber, A. Hennecke and D. Helbing, "Congested traffic states in empirical observations and microscopic
simulations", Physical Review E 62, 2000: acceleration a (1 − (v/v₀)⁴ − (s*/s)²) with the desired gap
s* = s₀ + v T + v Δv / (2 √(a b)).
"""

from __future__ import annotations

import numpy as np

from camshaft.envs.kernels import inlined

STANDING_GAP, LINE_GAP = 2.0, 0.7  # meters, s₀, behind a vehicle and before a line
HARDEST = 8.0  # m/s², hardest braking


@inlined
def free_acceleration(speed, desired, acceleration):  # type: ignore[no-untyped-def]
    """Acceleration (m/s²) on an empty road; gentle braking above the desired speed."""
    share = speed / max(desired, 0.1)
    if share <= 1.0:
        return acceleration * (1.0 - share * share * share * share)
    return max(-acceleration * (share * share - 1.0), -2.0 * acceleration)


@inlined
def gap_term(speed, closing, gap, headway, acceleration, deceleration, standing):  # type: ignore[no-untyped-def]
    """The term (s*/s)² for a gap; `closing` is the own speed minus that of the leader."""
    wished = standing + max(
        speed * headway + 0.5 * speed * closing / np.sqrt(acceleration * deceleration), 0.0
    )
    share = wished / max(gap, 0.05)
    return share * share


@inlined
def following_acceleration(speed, desired, gap, other, headway, acceleration, deceleration):  # type: ignore[no-untyped-def]
    """Acceleration (m/s²) behind a leader at a gap (meters, bumper to bumper) that drives at `other` m/s."""
    term = gap_term(speed, speed - other, gap, headway, acceleration, deceleration, STANDING_GAP)
    return max(free_acceleration(speed, desired, acceleration) - acceleration * term, -HARDEST)


@inlined
def stopping_acceleration(speed, desired, gap, acceleration, deceleration):  # type: ignore[no-untyped-def]
    """Acceleration (m/s²) toward a stop line (meters ahead of the bumper)."""
    term = gap_term(speed, speed, gap, 0.5, acceleration, deceleration, LINE_GAP)
    return max(free_acceleration(speed, desired, acceleration) - acceleration * term, -HARDEST)


def equilibrium_gap(speed: float, desired: float, headway: float, standing: float = STANDING_GAP) -> float:
    """Meters behind a leader at constant speed: (s₀ + v T) / √(1 − (v/v₀)⁴)."""
    return float((standing + speed * headway) / np.sqrt(1.0 - (speed / desired) ** 4))
