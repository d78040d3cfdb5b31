"""The stage of the object benchmark: an object in front of each camera, with ground, backdrop, clutter and light."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence

import numpy as np

from camshaft.envs.arrays import FloatArray, IntArray
from camshaft.envs.driving.assets import PAINTS
from camshaft.envs.driving.assets.shapes import blob
from camshaft.envs.driving.assets.shapes import with_surface as dressed
from camshaft.envs.driving.light import DAY, DUSK
from camshaft.envs.randomization import Split
from camshaft.envs.rendering import HIDDEN, Camera, Mesh, Objects, Scene, SceneState
from camshaft.perception.data.draws import Draws
from camshaft.perception.data.objects.catalogue import CLASSES, ObjectModel, object_models
from camshaft.perception.data.objects.looks import ground_surfaces, wall_surfaces

FOV_DEGREES = 40.0
FILL = (0.6, 0.95)  # of the image's half, that the radius of what is looked at takes
OFF_CENTER = 0.22  # of the image's half, at most
LOWEST_CAMERA = 0.12  # above the ground, in radii of the object
GROUND_SIZE, GROUND_REPEATS = 120.0, 40.0  # in radii; times that a texture repeats
WALL = (60.0, 14.0)  # width and height, in radii
CLUTTER = 6  # pieces at most
CLUTTER_LOOKS = 8
MOST_DUSK = 0.6
BRIGHTER = 1.25  # light from the ground, against that on roads
NUM_TONES = 24  # hues of the colors for what is painted


class Stage:
    """A scene of `num_worlds` worlds that is set anew for every image.

    Args:
        num_worlds: images that are drawn at once.
        split: "train" for the even models and looks, "test" for the odd ones.

    Attributes:
        state: what stands where.
        shown: the slot of the object.
    """

    def __init__(self, num_worlds: int, split: Split) -> None:
        odd = split == "test"
        self._models = [models[odd::2] for models in map(object_models, CLASSES)]
        self._flat = [model for models in self._models for model in models]
        self._first = np.cumsum([0, *(len(models) for models in self._models)])[:-1]
        self._counts = np.array([len(models) for models in self._models])
        scene = Scene()
        self.shown = scene.add("object", [model.levels for model in self._flat])
        self._ground = scene.add("ground", _sheets(ground_surfaces()[odd::2], (GROUND_SIZE, GROUND_SIZE)))
        self._wall = scene.add("wall", _walls(odd))
        self._clutter = scene.add("clutter", _rubble(odd), CLUTTER)
        self.state = SceneState(scene, num_worlds)
        self._palette = _palette(odd)
        self._worlds = np.arange(num_worlds)

    def set(self, classes: IntArray, draws: Draws, camera: Camera) -> FloatArray:
        """Set the first n worlds, and return (n, 4, 4) world from camera.

        Args:
            classes: (n,) what stands in front of the cameras.
            draws: random numbers of these images.
            camera: its size tells how much fits into the image's height.
        """
        chosen = self._first[classes] + draws.choice(self._counts[classes])
        models = [self._flat[number] for number in chosen]
        worlds = self._worlds[: len(classes)]
        heights = self._place_object(worlds, chosen, models, draws)
        cameras, distance = _cameras(models, heights, draws, camera)
        self._place_surroundings(worlds, distance, draws)
        self._light(worlds, draws)
        return cameras

    def _place_object(
        self, worlds: IntArray, chosen: IntArray, models: Sequence[ObjectModel], draws: Draws
    ) -> FloatArray:
        """Stand or lay the objects on the ground; returns the heights of their middles."""
        limit = np.radians([model.yaw_degrees for model in models])
        yaw = draws.uniform(-limit, limit)
        tumbled = _tumbled(draws, np.array([model.most_end_on for model in models]))
        tumbles = np.array([model.tumbles for model in models])
        poses = np.tile(np.eye(4), (len(models), 1, 1))
        poses[:, :3, :3] = np.where(tumbles[:, None, None], tumbled, _turns(yaw))
        heights = np.array([model.height for model in models])
        for row in np.flatnonzero(tumbles).tolist():
            lowest = float((models[row].hull @ poses[row, 2, :3]).min())
            poses[row, 2, 3] = heights[row] = -lowest
        self._show(worlds, self.shown, np.asarray(self.shown.meshes)[chosen][:, None], poses[:, None])
        tone = self._palette[draws.choice(len(self._palette))]
        self.state.colors[worlds, self.shown.start] = tone
        return heights

    def _place_surroundings(self, worlds: IntArray, distance: FloatArray, draws: Draws) -> None:
        count = len(worlds)
        poses = np.tile(np.eye(4), (count, 1, 1, 1))
        scale = draws.uniform(0.4, 1.6)
        poses[:, 0, :2, :2] = scale[:, None, None] * _turns(draws.uniform(-math.pi, math.pi))[:, :2, :2]
        self._show(worlds, self._ground, self._any(self._ground, draws)[:, None], poses)
        self.state.colors[worlds, self._ground.start] = _tints(draws)

        poses[:, 0, :3, :3] = _turns(draws.uniform(-0.6, 0.6)) * draws.uniform(0.4, 1.2)[:, None, None]
        poses[:, 0, 0, 3] = draws.uniform(3.0, 14.0)
        poses[:, 0, 1, 3] = draws.uniform(-4.0, 4.0)
        meshes = np.where(draws.chance(0.6), self._any(self._wall, draws), HIDDEN)
        self._show(worlds, self._wall, meshes[:, None], poses)
        self.state.colors[worlds, self._wall.start] = _tints(draws)

        pieces = draws.choice(CLUTTER + 1)
        poses = np.tile(np.eye(4), (count, CLUTTER, 1, 1))
        meshes = np.empty((count, CLUTTER), np.int64)
        for piece in range(CLUTTER):
            away = draws.uniform(2.6, 11.0)
            aside = draws.uniform(-0.5, 0.5) * (distance + away)
            poses[:, piece, :3, :3] = (
                _turns(draws.uniform(-math.pi, math.pi)) * draws.uniform(0.25, 1.0)[:, None, None]
            )
            poses[:, piece, 0, 3], poses[:, piece, 1, 3] = away, aside
            meshes[:, piece] = np.where(piece < pieces, self._any(self._clutter, draws), HIDDEN)
            self.state.colors[worlds, self._clutter.start + piece] = self._palette[
                draws.choice(len(self._palette))
            ]
        self._show(worlds, self._clutter, meshes, poses)

    def _light(self, worlds: IntArray, draws: Draws) -> None:
        state = self.state
        azimuth, elevation = draws.uniform(-math.pi, math.pi), np.radians(draws.uniform(12.0, 75.0))
        state.sun_direction[worlds] = np.stack(
            [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)],
            axis=1,
        )
        dusk, overcast = MOST_DUSK * draws.uniform() ** 2, draws.uniform()
        warmth = draws.uniform(-0.06, 0.06)
        tint = np.stack([1.0 + warmth, np.ones_like(warmth), 1.0 - warmth], axis=1)
        state.sun_color[worlds] = np.clip(
            _mixed(DAY.sun, DUSK.sun, dusk) * (1.0 - 0.7 * overcast[:, None]) * tint, 0.0, 1.0
        )
        for target, clear, cloud in (
            (state.sky_zenith, "clear_zenith", "cloud_zenith"),
            (state.sky_horizon, "clear_horizon", "cloud_horizon"),
        ):
            clears = _mixed(getattr(DAY, clear), getattr(DUSK, clear), dusk)
            clouds = _mixed(getattr(DAY, cloud), getattr(DUSK, cloud), dusk)
            target[worlds] = np.clip((clears + overcast[:, None] * (clouds - clears)) * tint, 0.0, 1.0)
        ground = BRIGHTER * (DAY.ground + dusk * (DUSK.ground - DAY.ground))
        state.ground_light[worlds] = (ground * (1.0 + 0.4 * overcast))[:, None] * tint
        state.fog_density[worlds] = draws.uniform(0.0, 0.02)

    def _show(self, worlds: IntArray, kind: Objects, meshes: IntArray, poses: FloatArray) -> None:
        self.state.meshes[worlds, kind.slots] = np.maximum(meshes, 0)  # bounds need a mesh
        self.state.set_pose(kind, poses, worlds)
        self.state.meshes[worlds, kind.slots] = meshes

    @staticmethod
    def _any(kind: Objects, draws: Draws) -> IntArray:
        return np.asarray(kind.meshes, np.int64)[draws.choice(len(kind.meshes))]


def _cameras(
    models: Sequence[ObjectModel], heights: FloatArray, draws: Draws, camera: Camera
) -> tuple[FloatArray, FloatArray]:
    """(n, 4, 4) cameras that look at the objects along +x, and their distances."""
    share = min(1.0, camera.height / camera.width)
    half = math.tan(0.5 * math.radians(camera.fov_degrees)) * share  # of the shorter side
    fill = draws.uniform(*FILL)
    distance = 1.0 / np.sin(np.arctan(fill * half))
    low, high = np.radians([model.elevation_degrees for model in models]).T
    elevation = draws.uniform(low, high)
    lowest = np.arcsin(np.clip((LOWEST_CAMERA - heights) / distance, -1.0, 1.0))
    elevation = np.maximum(elevation, lowest)
    shift = np.minimum(OFF_CENTER, 1.05 - fill) * half * distance
    aside, above = draws.uniform(-1.0, 1.0) * shift, draws.uniform(-1.0, 1.0) * shift
    roll = np.radians(draws.uniform(-6.0, 6.0))
    level, rise = np.cos(elevation), np.sin(elevation)
    nothing, one = np.zeros_like(rise), np.ones_like(rise)
    forward = np.stack([level, nothing, -rise], axis=1)
    right, down = np.stack([nothing, -one, nothing], axis=1), np.stack([-rise, nothing, -level], axis=1)
    poses = np.tile(np.eye(4), (len(fill), 1, 1))
    poses[:, :3, 0] = np.cos(roll)[:, None] * right + np.sin(roll)[:, None] * down
    poses[:, :3, 1] = np.cos(roll)[:, None] * down - np.sin(roll)[:, None] * right
    poses[:, :3, 2] = forward
    middle = np.stack([nothing, nothing, heights], axis=1)
    poses[:, :3, 3] = middle - distance[:, None] * forward + aside[:, None] * right + above[:, None] * down
    poses[:, 2, 3] = np.maximum(poses[:, 2, 3], LOWEST_CAMERA)
    return poses, distance


def _tumbled(draws: Draws, most_end_on: FloatArray) -> FloatArray:
    """(n, 3, 3) rotations of what lies any way up; see `ObjectModel.most_end_on`."""
    spin, yaw = draws.uniform(-math.pi, math.pi), draws.uniform(-math.pi, math.pi)
    tilt = np.arccos(draws.uniform(-1.0, 1.0))
    yaw = np.where(np.abs(np.sin(tilt) * np.cos(yaw)) > most_end_on, yaw + 0.5 * math.pi, yaw)
    tips = np.zeros((len(tilt), 3, 3))
    tips[:, 0, 0] = tips[:, 2, 2] = np.cos(tilt)
    tips[:, 0, 2] = np.sin(tilt)
    tips[:, 2, 0] = -tips[:, 0, 2]
    tips[:, 1, 1] = 1.0
    return _turns(yaw) @ tips @ _turns(spin)


def _turns(angles: FloatArray) -> FloatArray:
    """(n, 3, 3) turns about z."""
    turns = np.zeros((len(angles), 3, 3))
    turns[:, 0, 0] = turns[:, 1, 1] = np.cos(angles)
    turns[:, 1, 0] = np.sin(angles)
    turns[:, 0, 1] = -turns[:, 1, 0]
    turns[:, 2, 2] = 1.0
    return turns


def _tints(draws: Draws) -> FloatArray:
    """(n, 3) what textures are multiplied by, so that few of them look like many."""
    level = draws.uniform(0.55, 1.0)
    return level[:, None] * np.stack([draws.uniform(0.75, 1.0) for _ in range(3)], axis=1)


def _mixed(first: Sequence[float], second: Sequence[float], share: FloatArray) -> FloatArray:
    return np.asarray(first) + share[:, None] * (np.asarray(second) - np.asarray(first))


def _palette(odd: bool) -> FloatArray:
    """(n, 3) colors for what is painted: those of cars, and hues all around."""
    tones = [
        colorsys.hsv_to_rgb(
            (number + 0.5 * odd) / NUM_TONES, (0.45, 0.75, 0.95)[number % 3], (0.9, 0.7)[number % 2]
        )
        for number in range(NUM_TONES)
    ]
    return np.array([*PAINTS[odd::2], *tones])


def _sheets(surfaces: Sequence[object], size: tuple[float, float]) -> list[Mesh]:
    sheet = Mesh.grid(*size)
    assert sheet.uvs is not None
    return [
        Mesh(sheet.positions, sheet.faces, sheet.normals, GROUND_REPEATS * sheet.uvs, surfaces=(surface,))  # type: ignore[arg-type]
        for surface in surfaces
    ]


def _walls(odd: bool) -> list[Mesh]:
    """Upright sheets that face -x."""
    width, height = WALL
    corners = [
        [0.0, 0.5 * width, 0.0],
        [0.0, -0.5 * width, 0.0],
        [0.0, -0.5 * width, height],
        [0.0, 0.5 * width, height],
    ]
    uvs = np.array([[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]]) / 5.0
    normals = np.tile([-1.0, 0.0, 0.0], (4, 1))
    return [
        Mesh(np.array(corners), np.array([[0, 1, 2], [0, 2, 3]]), normals, uvs, surfaces=(surface,))  # type: ignore[arg-type]
        for surface in wall_surfaces()[odd::2]
    ]


def _rubble(odd: bool) -> list[Mesh]:
    """Rocks and slabs that are like none of the classes, as things that stand behind."""
    pieces = []
    surfaces = [*ground_surfaces()[odd::2], *wall_surfaces()[odd::2]]
    for number in range(CLUTTER_LOOKS):
        rng = np.random.default_rng((31, number, int(odd)))
        surface = surfaces[int(rng.integers(len(surfaces)))]
        stretch = rng.uniform([0.4, 0.4, 0.3], [1.2, 1.4, 1.6])
        pieces.append(
            dressed(blob(rng, 0.35), surface).scaled(stretch).translated([0.0, 0.0, 0.6 * stretch[2]])
        )
    return pieces
