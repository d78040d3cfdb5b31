"""How an episode's masses, frictions, sizes, colors, latency and camera poses vary, in splits that share nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.manipulation.bodies import Body
from camshaft.envs.manipulation.episode import Start
from camshaft.envs.manipulation.physics.pybullet.world import SUBSTEPS
from camshaft.envs.manipulation.scene.table_scene import shifted
from camshaft.envs.randomization import Split, SplitRange, split_variants

MASS_SHARE = SplitRange(0.7, 1.4, nominal=1.0)
FRICTION_SHARE = SplitRange(0.8, 1.25, nominal=1.0)
SIZE_SHARE = SplitRange(0.92, 1.08)
MOST_LATENCY = SUBSTEPS // 2  # substeps until an action takes hold
CAMERA_SHIFT = SplitRange(-0.03, 0.03)  # meters
CAMERA_TURN = SplitRange(-2.0, 2.0)  # degrees


class Dynamics(NamedTuple):
    """Of one episode.

    Attributes:
        masses: (B,) kg.
        frictions: (B,).
        latency: substeps until an action takes hold.
        camera_move: (6,) by which cameras are displaced: meters, and degrees of roll, pitch and yaw.
    """

    masses: FloatArray
    frictions: FloatArray
    latency: int
    camera_move: FloatArray


def draw_dynamics(bodies: Sequence[Body], start: Start, rng: np.random.Generator, split: Split) -> Dynamics:
    """Draw an episode's dynamics; sizes, variants and colors of the bodies are written into `start`."""
    masses, frictions = np.zeros(len(bodies)), np.zeros(len(bodies))
    for index, body in enumerate(bodies):
        masses[index] = body.mass * MASS_SHARE.draw(rng, split)
        frictions[index] = body.friction * FRICTION_SHARE.draw(rng, split)
        size = SIZE_SHARE.draw(rng, split)
        if body.mass > 0.0 and body.slider is None:
            start.scales[index] = size
        choice = split_variants(len(body.variants), split) if len(body.variants) > 1 else (0,)
        start.variants[index] = int(rng.choice(choice))
        start.colors[index] = shifted(body.color, rng, split)
    late = int(rng.choice(split_variants(MOST_LATENCY + 1, split)))
    shifts = [CAMERA_SHIFT.draw(rng, split) for _ in range(3)]
    turns = [CAMERA_TURN.draw(rng, split) for _ in range(3)]
    return Dynamics(masses, frictions, late if split else 0, np.array([*shifts, *turns]))
