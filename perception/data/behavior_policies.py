"""Who acts in a simulated stream: the expert, the expert disturbed, or chance, another in every episode."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from camshaft.envs.errors import InvalidOption
from camshaft.envs.simulation import Simulation
from camshaft.perception.data.draws import Draws

STYLES = ("expert", "disturbed", "random")
STYLE_SHARES = {  # of the episodes, in the order of STYLES
    "expert": (1.0, 0.0, 0.0),
    "disturbed": (0.0, 1.0, 0.0),
    "random": (0.0, 0.0, 1.0),
    "mixed": (0.35, 0.4, 0.25),
}
DISTURBANCE, CHANCE = 0.25, 0.6
MEMORY = 10.0  # steps in which noise forgets its past


class Actors:
    """The actions of all worlds, smooth where they are random.

    Noise is an autoregressive process of uniform draws, of standard deviation DISTURBANCE on an expert's actions and
    CHANCE alone, of the action range's half; of discrete actions, a share of DISTURBANCE is drawn afresh.

    Args:
        simulation: whose actions.
        acting: one of STYLE_SHARES.
        draws: random numbers of the worlds.
    """

    def __init__(self, simulation: Simulation, acting: str, draws: Draws) -> None:
        self._simulation = simulation
        self._shares = np.cumsum(STYLE_SHARES[acting])
        self._draws = draws
        self._kept = math.exp(-1.0 / MEMORY)
        self._size = _action_size(simulation.action_space)
        self._noise = np.zeros((simulation.num_worlds, self._size))
        self.styles = np.zeros(simulation.num_worlds, np.int64)

    def start(self, worlds: NDArray[np.int64]) -> None:
        """Draw who acts in new episodes."""
        drawn = np.searchsorted(self._shares, self._draws.uniform(), side="right")
        self.styles[worlds] = np.minimum(drawn, len(STYLES) - 1)[worlds]
        self._noise[worlds] = 0.0

    def act(self) -> NDArray[Any]:
        """The next actions."""
        space = self._simulation.action_space
        chance = self.styles == STYLES.index("random")
        expert = None if chance.all() else self._simulation.expert_action()
        if isinstance(space, spaces.Discrete):
            afresh = self._draws.uniform() < np.choose(self.styles, (0.0, DISTURBANCE, 1.0))
            drawn = self._draws.choice(int(space.n))
            return drawn if expert is None else np.where(afresh, drawn, expert)
        assert isinstance(space, spaces.Box)
        fresh = np.stack([self._draws.uniform(-1.0, 1.0) for _ in range(self._size)], axis=1) * math.sqrt(3.0)
        self._noise = self._kept * self._noise + math.sqrt(1.0 - self._kept**2) * fresh
        half, middle = 0.5 * (space.high - space.low), 0.5 * (space.high + space.low)
        scale = np.choose(self.styles, (0.0, DISTURBANCE, CHANCE))[:, None]
        noise = half * scale * self._noise
        start = middle if expert is None else np.where(chance[:, None], middle, expert)
        return np.clip(start + noise, space.low, space.high).astype(np.float32)


def _action_size(space: spaces.Space[Any]) -> int:
    if isinstance(space, spaces.Discrete):
        return 1
    if isinstance(space, spaces.Box) and len(space.shape) == 1:
        finite = np.isfinite(space.low).all() and np.isfinite(space.high).all()
        if finite:
            return int(space.shape[0])
    raise InvalidOption(
        f"frames are drawn from tasks whose actions are a bounded vector or choices, not {space}"
    )
