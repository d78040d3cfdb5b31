"""Domain randomization: masses, friction, sizes, colors, latency and camera poses of an episode, in disjoint splits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.manipulation.bodies import Body
from camshaft.envs.manipulation.episode import EpisodeStart
from camshaft.envs.manipulation.physics.world import SUBSTEPS
from camshaft.envs.randomization import Split, SplitRange, split_variants

MASS_SCALE = SplitRange(0.7, 1.4, nominal=1.0)
FRICTION_SCALE = SplitRange(0.8, 1.25, nominal=1.0)
SIZE_SCALE = SplitRange(0.92, 1.08)
COLOR_SHIFT = SplitRange(-0.12, 0.12)
MAX_LATENCY = SUBSTEPS // 2  # substeps until an action takes effect
CAMERA_SHIFT = SplitRange(-0.03, 0.03)  # meters
CAMERA_TURN = SplitRange(-2.0, 2.0)  # degrees


class Dynamics(NamedTuple):
    """Dynamics and camera displacement of an episode.

    Attributes:
        masses: (B,) kg.
        frictions: (B,) Coulomb coefficients.
        latency: substeps until an action takes effect.
        camera_shift: (6,) displacement of the cameras: x, y, z in meters; roll, pitch, yaw in degrees.
    """

    masses: FloatArray
    frictions: FloatArray
    latency: int
    camera_shift: FloatArray


def sample_dynamics(
    bodies: Sequence[Body], start: EpisodeStart, rng: np.random.Generator, split: Split
) -> Dynamics:
    """Sample the dynamics of an episode; scales, variants and colors of the bodies are written into `start`."""
    masses, frictions = np.zeros(len(bodies)), np.zeros(len(bodies))
    for index, body in enumerate(bodies):
        masses[index] = body.mass * MASS_SCALE.draw(rng, split)
        frictions[index] = body.friction * FRICTION_SCALE.draw(rng, split)
        scale = SIZE_SCALE.draw(rng, split)
        if body.is_free:
            start.scales[index] = scale
        choice = split_variants(len(body.variants), split) if len(body.variants) > 1 else (0,)
        start.variants[index] = int(rng.choice(choice))
        start.colors[index] = sample_color(body.color, rng, split)
    latency = int(rng.choice(split_variants(MAX_LATENCY + 1, split)))
    shifts = [CAMERA_SHIFT.draw(rng, split) for _ in range(3)]
    turns = [CAMERA_TURN.draw(rng, split) for _ in range(3)]
    return Dynamics(masses, frictions, latency if split else 0, np.array([*shifts, *turns]))


def sample_color(color: Sequence[float], rng: np.random.Generator, split: Split) -> FloatArray:
    """(3,) a color close to the nominal one."""
    shifts = [COLOR_SHIFT.draw(rng, split) for _ in range(3)]
    return np.clip(np.array(color) + shifts, 0.05, 1.0)
