"""A simulation without physics: a point that drifts off a line, and whose frames show where it is."""

import gymnasium
import numpy as np

from camshaft.envs.rendering.camera import Camera
from camshaft.envs.simulation import Measurements, Simulation

HEIGHT, WIDTH = 10, 16


class DriftingPoint(Simulation):
    """A point that drifts off a line by chance and is steered back; its frames show where it stands."""

    state_names = ("place",)
    control_modes = ("steering",)
    control_frequency = 20.0

    def __init__(self, num_worlds=1, *, camera=None, max_episode_steps=45, **options):
        super().__init__(num_worlds, max_episode_steps=max_episode_steps, camera=camera, **options)
        self.camera = Camera.parse(camera, Camera(width=WIDTH, height=HEIGHT))
        self.cameras = {"": self.camera}
        spaces = {
            "rgb": gymnasium.spaces.Box(0, 255, (self.camera.height, self.camera.width, 3), np.uint8),
            "state": gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float32),
        }
        chosen = {part: spaces[part] for part in self.obs_parts}
        self.observation_space = (
            gymnasium.spaces.Dict(chosen) if len(chosen) > 1 else next(iter(chosen.values()))
        )
        self.action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
        self.offset, self.turn = np.zeros((2, num_worlds))
        self.length = np.zeros(num_worlds, int)
        self.executed = []

    def _reset(self, worlds, options):
        for world in worlds:
            self.offset[world] = self.generators[world].normal()
            self.length[world] = self.generators[world].integers(20, 60)

    def _step(self, actions):
        self.executed.append(actions[:, 0].copy())
        drift = [generator.normal() for generator in self.generators]
        self.offset += 0.2 * actions[:, 0] + 0.02 * np.array(drift)
        over = self.elapsed_steps >= self.length
        return Measurements(-np.abs(self.offset), over, np.abs(self.offset) < 0.5)

    def _frames(self, offset, turn):
        rows, columns, _ = np.ogrid[: self.camera.height, : self.camera.width, :3]
        phase = rows / 3 + columns / 5 + (40 * (offset + 3 * turn))[:, None, None, None]
        return (127 + 120 * np.sin(phase)).astype(np.uint8).repeat(3, axis=3)

    def _view(self, offset, turn):
        parts = {"rgb": self._frames(offset, turn), "state": np.stack([offset, turn], 1).astype(np.float32)}
        return {part: parts[part] for part in self.obs_parts} if len(self.obs_parts) > 1 else parts["rgb"]

    def observe(self, worlds=None):
        chosen = slice(None) if worlds is None else worlds
        return self._view(self.offset[chosen], self.turn[chosen])

    def expert_action(self):
        return self._expert(self.offset, self.turn)

    def displaced_views(self, lateral, heading):
        moved = (self.offset + lateral, self.turn + heading)
        return self._view(*moved), self._expert(*moved)

    @staticmethod
    def _expert(offset, turn):
        return np.clip(-offset - turn, -1, 1)[:, None].astype(np.float32)

    def reset_info(self, worlds):
        return {}

    def render_frames(self, worlds):
        return self._frames(self.offset[worlds], self.turn[worlds])

    def get_state(self):
        return {}

    def set_state(self, state):
        pass
