"""Keyboard play of a task in a window, and headless replay of recorded actions."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import cv2
import gymnasium
import numpy as np
from numpy.typing import NDArray
from tyro.conf import Positional, arg

from camshaft import envs
from camshaft.envs.arrays import Image
from camshaft.envs.errors import CamshaftError, InvalidOption
from camshaft.experiments.cli.episodes import task_options, usual_control_mode
from camshaft.experiments.terminal.console import Console
from camshaft.perception.runs.durable_files import named_disk_errors, write_durably

if TYPE_CHECKING:
    from camshaft.agents.lerobot.video import VideoWriter

Actions = NDArray[Any]  # (N, A), or (N,) for discrete actions; a row of NaN starts the next episode
SECONDS_TO_FULL = 0.35  # time that a key is held until its axis reaches full deflection
INSET = 0.3  # width of the observation image, as a fraction of the frame


@dataclass(frozen=True)
class PlayConfig:
    """Play a task by keyboard in a window, or replay recorded actions without one.

    Driving: arrow keys or W A S D steer, accelerate and brake. Arms: the same keys move the hand over the table, R and
    F move it up and down, Q and E turn it, and the space bar toggles the gripper. Backspace starts the next episode,
    Escape quits. The window needs pygame: pip install 'camshaft[play]'.

    For example: camshaft play Racing --record laps.npy
    """

    task: Annotated[str, Positional, arg(metavar="TASK")]
    """Task, see 'camshaft tasks'; "Racing" is short for "camshaft/Racing-v0"."""
    actions: Path | None = None
    """Replay these actions, a (steps, A) array as written by --record, without a window."""
    record: Path | None = None
    """Write the actions to this file, to be replayed with the same seed."""
    video: Path | None = None
    """Write a film to this MP4 file."""
    view: Literal["rgb_array", "map"] = "rgb_array"
    """View shown in the window and film."""
    seed: int = 0
    """Seed of the first episode; episode e has seed + e."""
    randomize: Literal["train", "test", "none"] = "none"
    """Split that appearance and dynamics are sampled from; none for the nominal ones."""
    control_mode: str | None = None
    """Control mode; by default curvature where the task has it, else the first continuous one."""
    env: tuple[str, ...] = ()
    """Further options of the task as NAME=VALUE, such as weather=rain time_of_day=night arm=iiwa, and of its camera,
    such as camera.lens=fisheye camera.fov_degrees=120."""
    steps: int | None = None
    """Number of steps after which to stop."""

    def when_stopped(self) -> str:
        """Message after Ctrl-C."""
        wanted = [str(path) for path in (self.record, self.video) if path is not None]
        return f"The steps played so far are in {' and '.join(wanted)}." if wanted else "Nothing was kept."


def run(config: PlayConfig) -> None:
    """Play until the window is closed, the actions end or the number of steps is reached."""
    task = envs.find_task(config.task)
    if config.steps is not None and config.steps < 1:
        raise InvalidOption(f"steps must be at least 1, got {config.steps}")
    if config.video is not None and config.video.suffix.lower() != ".mp4":
        raise InvalidOption(f"films are MP4: name a .mp4 file, not {config.video}")
    views = task.simulation_class().render_modes
    if config.view not in views:
        raise InvalidOption(f"{task.id} has no view {config.view!r}; it has {', '.join(views)}")
    env = _make(task.id, config)
    planned = None if config.actions is None else _read_actions(config.actions, env.action_space)
    window = None if planned is not None else _Window(task.tags, env)
    game = _Game(env, config)
    try:
        while config.steps is None or len(game.taken) < config.steps:
            if planned is not None:
                if len(game.taken) == len(planned):
                    break
                action = planned[len(game.taken)]
            else:
                assert window is not None
                wanted = window.read()
                if wanted is None:
                    break
                action = np.full_like(wanted, np.nan) if window.restart else wanted
            game.step(action)
            if window is not None:
                window.show(game.frame())
    finally:
        if window is not None:
            window.close()
        game.close()
    _report(game, config)


def _make(task_id: str, config: PlayConfig) -> gymnasium.Env[Any, Any]:
    return gymnasium.make(
        task_id,
        obs_mode="rgb",
        render_mode=config.view,
        control_mode=config.control_mode or usual_control_mode(task_id),
        randomize=None if config.randomize == "none" else config.randomize,
        **task_options(config.env),
    )


def _read_actions(path: Path, space: gymnasium.Space[Any]) -> Actions:
    try:
        actions = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise CamshaftError(f"{path} is not an array of actions as written by --record") from error
    if not isinstance(actions, np.ndarray) or actions.dtype.kind not in "fiu" or not actions.ndim:
        raise CamshaftError(f"{path} is not an array of actions as written by --record")
    if actions.shape[1:] != space.shape:
        raise InvalidOption(
            f"{path} holds actions of shape {actions.shape[1:]}, the task takes {space.shape}; was another "
            "--control-mode recorded?"
        )
    rows = actions[:, None] if actions.ndim == 1 else actions
    restarts = np.isnan(rows).all(axis=1)
    bad = np.flatnonzero(~restarts & ~np.isfinite(rows).all(axis=1))
    if restarts.all() or len(bad):
        what = f"row {bad[0]} is not finite" if len(bad) else "there are none"
        raise InvalidOption(f"{path} must hold finite actions, and rows of NaN only between episodes: {what}")
    if isinstance(space, gymnasium.spaces.Discrete):
        whole = (actions == np.floor(actions)) & (actions >= 0) & (actions < space.n)
        bad = np.flatnonzero(~restarts & ~whole)
        if len(bad):
            raise InvalidOption(
                f"{path} must hold choices within 0..{space.n - 1}: row {bad[0]} is {actions[bad[0]]}"
            )
    return actions.astype(np.float32)


class _Game:
    """Successive episodes, their actions and their film."""

    def __init__(self, env: gymnasium.Env[Any, Any], config: PlayConfig) -> None:
        self._env, self._config = env, config
        self.taken: list[NDArray[np.float32]] = []
        self.finished: list[tuple[float, bool]] = []
        self._seed = config.seed
        self._film: VideoWriter | None = None
        self.restart()

    def restart(self) -> None:
        """Start the next episode."""
        self._observation, _ = self._env.reset(seed=self._seed)
        self._seed += 1
        self._return, self._steps = 0.0, 0
        self._info: dict[str, Any] = {}

    def step(self, action: NDArray[np.float32]) -> None:
        """Take one step; the next episode starts when one ends, or when the action is NaN."""
        self.taken.append(action)
        if np.isnan(action).any():
            self.restart()
            return
        self._observation, reward, terminated, truncated, self._info = self._env.step(
            np.asarray(action, self._env.action_space.dtype)
        )
        self._return += float(reward)
        self._steps += 1
        if self._config.video is not None:
            self._add_to_film()
        if terminated or truncated:
            self.finished.append((self._return, bool(self._info["is_success"])))
            self.restart()

    def frame(self) -> Image:
        """The current frame: view, observation image in a corner, and status line."""
        frame = np.ascontiguousarray(self._env.render())
        observed = self._observation
        width = round(INSET * frame.shape[1]) // 2 * 2
        height = round(width * observed.shape[0] / observed.shape[1])
        inset = cv2.resize(observed, (width, height), interpolation=cv2.INTER_NEAREST)
        if self._config.view == "map":  # beside the map, because the inset could cover the route
            frame = cv2.copyMakeBorder(frame, 0, 0, width + 16, 0, cv2.BORDER_CONSTANT)
        frame[8 : 8 + height, 8 : 8 + width] = inset
        cv2.rectangle(frame, (7, 7), (8 + width, 8 + height), (245, 245, 245), 1)
        speed = f"   {3.6 * float(self._info['speed']):4.0f} km/h" if "speed" in self._info else ""
        text = f"step {self._steps:4d}   return {self._return:8.2f}{speed}"
        bottom = frame.shape[0]
        frame[bottom - 28 :] = (0.35 * frame[bottom - 28 :]).astype(np.uint8)
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(frame, text, (10, bottom - 9), font, 0.5, (245, 245, 245), 1, cv2.LINE_AA)
        return frame

    def _add_to_film(self) -> None:
        from camshaft.agents.lerobot.video import VideoWriter

        frame = self.frame()
        if self._film is None:
            assert self._config.video is not None
            self._config.video.parent.mkdir(parents=True, exist_ok=True)
            size = frame.shape[0], frame.shape[1]
            self._film = VideoWriter(self._config.video, size, int(self._env.metadata["render_fps"]))
        self._film.add([frame])

    def close(self) -> None:
        """Write the actions, and finish the film."""
        path = self._config.record
        with ExitStack() as stack:
            stack.callback(self._env.close)
            if self._film is not None:
                stack.callback(self._film.close)
            if path is not None and self.taken:
                stack.enter_context(named_disk_errors(path.parent))
                write_durably(path, lambda stream: np.save(stream, np.stack(self.taken)))


@dataclass
class _Axis:
    """One component of an action, controlled by two keys; it returns to 0 unless it holds.

    Attributes:
        more, less: names of the keys.
        holds: whether a key press toggles it between −1 and 1.
        value: current value.
    """

    more: tuple[str, ...]
    less: tuple[str, ...] = ()
    holds: bool = False
    value: float = field(default=0.0)

    def follow(self, pressed: Callable[[str], bool], step: float) -> float:
        """Move toward the pressed key by at most a step, and return the value."""
        if not self.holds:
            wanted = float(any(map(pressed, self.more))) - float(any(map(pressed, self.less)))
            self.value += float(np.clip(wanted - self.value, -step, step))
        return self.value


LEFT, RIGHT, UP, DOWN = ("left", "a"), ("right", "d"), ("up", "w"), ("down", "s")


def _axes(tags: tuple[str, ...], numbers: int, mode: str) -> list[_Axis]:
    """Keyboard axes for the components of an action."""
    if "driving" in tags:
        if mode == "pedal":
            return [_Axis(UP, DOWN)]
        return [_Axis(LEFT, RIGHT), _Axis(UP, DOWN)][:numbers]
    axes = [_Axis(UP, DOWN), _Axis(LEFT, RIGHT), _Axis(("r",), ("f",))]
    axes += [_Axis(("q",), ("e",)) if number == 2 else _Axis(()) for number in range(numbers - 4)]
    return [*axes[: numbers - 1], _Axis(("space",), holds=True, value=1.0)][:numbers]


class _Window:
    """A window that shows frames and reads keys, in real time."""

    def __init__(self, tags: tuple[str, ...], env: gymnasium.Env[Any, Any]) -> None:
        try:
            import pygame
        except ImportError as error:
            raise CamshaftError(
                "playing by keyboard needs pygame: pip install 'camshaft[play]'; --actions needs no window"
            ) from error
        if not isinstance(env.action_space, gymnasium.spaces.Box):
            raise InvalidOption(
                f"the keyboard needs a continuous control mode, not {env.action_space}; choose another of "
                f"{env.unwrapped.simulation.control_modes} with --control-mode"  # type: ignore[attr-defined]
            )
        simulation = env.unwrapped.simulation  # type: ignore[attr-defined]
        self._axes = _axes(tags, env.action_space.shape[0], simulation.control_mode)
        self._rate = float(env.metadata["render_fps"])
        self._pygame: Any = pygame
        try:
            pygame.display.init()
            if "SDL_VIDEODRIVER" not in os.environ and pygame.display.get_driver() in ("dummy", "offscreen"):
                raise pygame.error("there is no display")
            pygame.display.set_caption("Camshaft")
            self._screen: Any = None
            self._clock = pygame.time.Clock()
            self._show_first(env)
        except pygame.error as error:
            raise CamshaftError(f"no window can be opened here: {error}; --actions needs none") from error
        self.restart = False

    def _show_first(self, env: gymnasium.Env[Any, Any]) -> None:
        env.reset(seed=0)
        self.show(np.asarray(env.render()))

    def read(self) -> NDArray[np.float32] | None:
        """The action from the pressed keys; None when the user quits."""
        self.restart = False
        for event in self._pygame.event.get():
            if event.type == self._pygame.QUIT:
                return None
            if event.type == self._pygame.KEYDOWN:
                if event.key == self._pygame.K_ESCAPE:
                    return None
                self.restart |= event.key == self._pygame.K_BACKSPACE
                for axis in self._axes:
                    if axis.holds and self._pygame.key.name(event.key) in axis.more:
                        axis.value = -axis.value
        keys = self._pygame.key.get_pressed()

        def pressed(name: str) -> bool:
            return bool(keys[self._pygame.key.key_code(name)])

        step = 1.0 / (SECONDS_TO_FULL * self._rate)
        return np.array([axis.follow(pressed, step) for axis in self._axes], np.float32)

    def show(self, frame: Image) -> None:
        """Show a frame, and wait for the end of the step."""
        size = frame.shape[1], frame.shape[0]
        if self._screen is None:
            self._screen = self._pygame.display.set_mode(size)
        self._screen.blit(self._pygame.surfarray.make_surface(frame.swapaxes(0, 1)), (0, 0))
        self._pygame.display.flip()
        self._clock.tick(self._rate)

    def close(self) -> None:
        """Close the window."""
        self._pygame.display.quit()


def _report(game: _Game, config: PlayConfig) -> None:
    console = Console()
    done = "".join(
        f"\n  return {total:.2f}, {'success' if won else 'no success'}" for total, won in game.finished
    )
    console.print(f"{len(game.taken)} steps, {len(game.finished)} episodes ended{done}")
    for path, what in ((config.record, "actions"), (config.video, "film")):
        if path is not None and game.taken:
            console.print(f"The {what}: {path}")
