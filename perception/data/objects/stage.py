"""Scene of the object benchmark: an object in front of each camera, with ground, backdrop, clutter and light."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence

import numpy as np

from camshaft.envs.arrays import FloatArray, IntArray
from camshaft.envs.driving.assets import PAINTS
from camshaft.envs.driving.assets.shapes import blob, with_surface
from camshaft.envs.driving.light import DAY, DUSK
from camshaft.envs.randomization import Split
from camshaft.envs.rendering import HIDDEN, Camera, Mesh, Objects, Scene, SceneState, Surface
from camshaft.perception.data.counter_rng import CounterRNG
from camshaft.perception.data.objects.catalogue import CLASSES, ObjectModel, object_models
from camshaft.perception.data.objects.surfaces import ground_surfaces, wall_surfaces

FOV_DEGREES = 40.0
FILL = (0.6, 0.95)  # radius of the object relative to half the image
MAX_OFFSET = 0.22  # of the object from the image center, relative to half the image
LOWEST_CAMERA = 0.12  # above the ground, in radii of the object
GROUND_SIZE, GROUND_REPEATS = 120.0, 40.0  # in radii; repetitions of the texture
WALL = (60.0, 14.0)  # width and height, in radii
MAX_CLUTTER = 6  # pieces
CLUTTER_VARIANTS = 8
MAX_DUSK = 0.6
GROUND_LIGHT_FACTOR = 1.25  # brightness of light from the ground relative to roads
NUM_HUES = 24  # of painted objects


class Stage:
    """Scene of `num_worlds` worlds that is rearranged for every image.

    Args:
        num_worlds: images that are rendered at once.
        split: "train" for the even models and surfaces, "test" for the odd ones.

    Attributes:
        state: state of the scene.
        object: slot of the object.
    """

    def __init__(self, num_worlds: int, split: Split) -> None:
        odd = split == "test"
        self._models = [models[odd::2] for models in map(object_models, CLASSES)]
        self._flat = [model for models in self._models for model in models]
        self._first = np.cumsum([0, *(len(models) for models in self._models)])[:-1]
        self._counts = np.array([len(models) for models in self._models])
        scene = Scene()
        self.object = scene.add("object", [model.levels for model in self._flat])
        self._ground = scene.add("ground", _sheets(ground_surfaces()[odd::2], (GROUND_SIZE, GROUND_SIZE)))
        self._wall = scene.add("wall", _walls(odd))
        self._clutter = scene.add("clutter", _rubble(odd), MAX_CLUTTER)
        self.state = SceneState(scene, num_worlds)
        self._palette = _palette(odd)
        self._worlds = np.arange(num_worlds)

    def arrange(self, classes: IntArray, rng: CounterRNG, camera: Camera) -> FloatArray:
        """Arrange the first n worlds.

        Args:
            classes: (n,) classes of the objects.
            rng: random numbers of these images.
            camera: camera of the images; the distance of the object depends on its size and field of view.

        Returns:
            (n, 4, 4) poses of the cameras, camera to world.
        """
        chosen = self._first[classes] + rng.choice(self._counts[classes])
        models = [self._flat[number] for number in chosen]
        worlds = self._worlds[: len(classes)]
        heights = self._place_objects(worlds, chosen, models, rng)
        cameras, distance = _sample_cameras(models, heights, rng, camera)
        self._place_ground(worlds, rng)
        self._place_wall(worlds, rng)
        self._place_clutter(worlds, distance, rng)
        self._set_light(worlds, rng)
        return cameras

    def _place_objects(
        self, worlds: IntArray, chosen: IntArray, models: Sequence[ObjectModel], rng: CounterRNG
    ) -> FloatArray:
        """Place the objects on the ground; returns the heights that the cameras look at."""
        limit = np.radians([model.yaw_degrees for model in models])
        yaw = rng.uniform(-limit, limit)
        tumbled = _sample_rotations(rng, np.array([model.most_end_on for model in models]))
        tumbles = np.array([model.tumbles for model in models])
        poses = np.tile(np.eye(4), (len(models), 1, 1))
        poses[:, :3, :3] = np.where(tumbles[:, None, None], tumbled, _rotations_z(yaw))
        heights = np.array([model.height for model in models])
        for row in np.flatnonzero(tumbles).tolist():
            lowest = float((models[row].hull @ poses[row, 2, :3]).min())
            poses[row, 2, 3] = heights[row] = -lowest
        self._show(worlds, self.object, np.asarray(self.object.meshes)[chosen][:, None], poses[:, None])
        self.state.colors[worlds, self.object.start] = self._sample_color(rng)
        return heights

    def _place_ground(self, worlds: IntArray, rng: CounterRNG) -> None:
        poses = np.tile(np.eye(4), (len(worlds), 1, 1, 1))
        scale = rng.uniform(0.4, 1.6)
        rotations = _rotations_z(rng.uniform(-math.pi, math.pi))
        poses[:, 0, :2, :2] = scale[:, None, None] * rotations[:, :2, :2]
        self._show(worlds, self._ground, _sample_meshes(self._ground, rng)[:, None], poses)
        self.state.colors[worlds, self._ground.start] = _sample_tints(rng)

    def _place_wall(self, worlds: IntArray, rng: CounterRNG) -> None:
        """Place a wall behind most of the objects."""
        poses = np.tile(np.eye(4), (len(worlds), 1, 1, 1))
        poses[:, 0, :3, :3] = _rotations_z(rng.uniform(-0.6, 0.6)) * rng.uniform(0.4, 1.2)[:, None, None]
        poses[:, 0, 0, 3] = rng.uniform(3.0, 14.0)
        poses[:, 0, 1, 3] = rng.uniform(-4.0, 4.0)
        meshes = np.where(rng.chance(0.6), _sample_meshes(self._wall, rng), HIDDEN)
        self._show(worlds, self._wall, meshes[:, None], poses)
        self.state.colors[worlds, self._wall.start] = _sample_tints(rng)

    def _place_clutter(self, worlds: IntArray, distance: FloatArray, rng: CounterRNG) -> None:
        """Place a random number of pieces behind the objects."""
        pieces = rng.choice(MAX_CLUTTER + 1)
        poses = np.tile(np.eye(4), (len(worlds), MAX_CLUTTER, 1, 1))
        meshes = np.empty((len(worlds), MAX_CLUTTER), np.int64)
        for piece in range(MAX_CLUTTER):
            depth = rng.uniform(2.6, 11.0)
            lateral = rng.uniform(-0.5, 0.5) * (distance + depth)
            rotations = _rotations_z(rng.uniform(-math.pi, math.pi))
            poses[:, piece, :3, :3] = rotations * rng.uniform(0.25, 1.0)[:, None, None]
            poses[:, piece, 0, 3], poses[:, piece, 1, 3] = depth, lateral
            meshes[:, piece] = np.where(piece < pieces, _sample_meshes(self._clutter, rng), HIDDEN)
            self.state.colors[worlds, self._clutter.start + piece] = self._sample_color(rng)
        self._show(worlds, self._clutter, meshes, poses)

    def _set_light(self, worlds: IntArray, rng: CounterRNG) -> None:
        state = self.state
        azimuth, elevation = rng.uniform(-math.pi, math.pi), np.radians(rng.uniform(12.0, 75.0))
        state.sun_direction[worlds] = np.stack(
            [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)],
            axis=1,
        )
        dusk, overcast = MAX_DUSK * rng.uniform() ** 2, rng.uniform()
        warmth = rng.uniform(-0.06, 0.06)
        tint = np.stack([1.0 + warmth, np.ones_like(warmth), 1.0 - warmth], axis=1)
        state.sun_color[worlds] = np.clip(
            _interpolate(DAY.sun, DUSK.sun, dusk) * (1.0 - 0.7 * overcast[:, None]) * tint, 0.0, 1.0
        )
        for target, clear, cloud in (
            (state.sky_zenith, "clear_zenith", "cloud_zenith"),
            (state.sky_horizon, "clear_horizon", "cloud_horizon"),
        ):
            clears = _interpolate(getattr(DAY, clear), getattr(DUSK, clear), dusk)
            clouds = _interpolate(getattr(DAY, cloud), getattr(DUSK, cloud), dusk)
            target[worlds] = np.clip((clears + overcast[:, None] * (clouds - clears)) * tint, 0.0, 1.0)
        ground = GROUND_LIGHT_FACTOR * (DAY.ground + dusk * (DUSK.ground - DAY.ground))
        state.ground_light[worlds] = (ground * (1.0 + 0.4 * overcast))[:, None] * tint
        state.fog_density[worlds] = rng.uniform(0.0, 0.02)

    def _sample_color(self, rng: CounterRNG) -> FloatArray:
        return self._palette[rng.choice(len(self._palette))]

    def _show(self, worlds: IntArray, kind: Objects, meshes: IntArray, poses: FloatArray) -> None:
        self.state.meshes[worlds, kind.slots] = np.maximum(meshes, 0)  # set_pose needs a mesh
        self.state.set_pose(kind, poses, worlds)
        self.state.meshes[worlds, kind.slots] = meshes


def _sample_meshes(kind: Objects, rng: CounterRNG) -> IntArray:
    return np.asarray(kind.meshes, np.int64)[rng.choice(len(kind.meshes))]


def _sample_cameras(
    models: Sequence[ObjectModel], heights: FloatArray, rng: CounterRNG, camera: Camera
) -> tuple[FloatArray, FloatArray]:
    """(n, 4, 4) poses of cameras that look at the objects along +x, and (n,) distances to the objects."""
    aspect = min(1.0, camera.height / camera.width)
    half = (
        math.tan(0.5 * math.radians(camera.fov_degrees)) * aspect
    )  # tangent of half the smaller field of view
    fill = rng.uniform(*FILL)
    distance = 1.0 / np.sin(np.arctan(fill * half))
    low, high = np.radians([model.elevation_degrees for model in models]).T
    elevation = rng.uniform(low, high)
    lowest = np.arcsin(np.clip((LOWEST_CAMERA - heights) / distance, -1.0, 1.0))
    elevation = np.maximum(elevation, lowest)
    max_shift = np.minimum(MAX_OFFSET, 1.05 - fill) * half * distance
    shift_right, shift_down = rng.uniform(-1.0, 1.0) * max_shift, rng.uniform(-1.0, 1.0) * max_shift
    roll = np.radians(rng.uniform(-6.0, 6.0))
    cosine, sine = np.cos(elevation), np.sin(elevation)
    zero, one = np.zeros_like(sine), np.ones_like(sine)
    forward = np.stack([cosine, zero, -sine], axis=1)
    right, down = np.stack([zero, -one, zero], axis=1), np.stack([-sine, zero, -cosine], axis=1)
    poses = np.tile(np.eye(4), (len(fill), 1, 1))
    poses[:, :3, 0] = np.cos(roll)[:, None] * right + np.sin(roll)[:, None] * down
    poses[:, :3, 1] = np.cos(roll)[:, None] * down - np.sin(roll)[:, None] * right
    poses[:, :3, 2] = forward
    target = np.stack([zero, zero, heights], axis=1)
    poses[:, :3, 3] = (
        target - distance[:, None] * forward + shift_right[:, None] * right + shift_down[:, None] * down
    )
    poses[:, 2, 3] = np.maximum(poses[:, 2, 3], LOWEST_CAMERA)
    return poses, distance


def _sample_rotations(rng: CounterRNG, most_end_on: FloatArray) -> FloatArray:
    """(n, 3, 3) random rotations of tumbling objects; see `ObjectModel.most_end_on`."""
    spin, yaw = rng.uniform(-math.pi, math.pi), rng.uniform(-math.pi, math.pi)
    tilt = np.arccos(rng.uniform(-1.0, 1.0))
    yaw = np.where(np.abs(np.sin(tilt) * np.cos(yaw)) > most_end_on, yaw + 0.5 * math.pi, yaw)
    rotations_y = np.zeros((len(tilt), 3, 3))
    rotations_y[:, 0, 0] = rotations_y[:, 2, 2] = np.cos(tilt)
    rotations_y[:, 0, 2] = np.sin(tilt)
    rotations_y[:, 2, 0] = -rotations_y[:, 0, 2]
    rotations_y[:, 1, 1] = 1.0
    return _rotations_z(yaw) @ rotations_y @ _rotations_z(spin)


def _rotations_z(angles: FloatArray) -> FloatArray:
    """(n, 3, 3) rotations about the z axis."""
    rotations = np.zeros((len(angles), 3, 3))
    rotations[:, 0, 0] = rotations[:, 1, 1] = np.cos(angles)
    rotations[:, 1, 0] = np.sin(angles)
    rotations[:, 0, 1] = -rotations[:, 1, 0]
    rotations[:, 2, 2] = 1.0
    return rotations


def _sample_tints(rng: CounterRNG) -> FloatArray:
    """(n, 3) factors of the colors of textures, to vary them."""
    brightness = rng.uniform(0.55, 1.0)
    return brightness[:, None] * np.stack([rng.uniform(0.75, 1.0) for _ in range(3)], axis=1)


def _interpolate(first: Sequence[float], second: Sequence[float], share: FloatArray) -> FloatArray:
    return np.asarray(first) + share[:, None] * (np.asarray(second) - np.asarray(first))


def _palette(odd: bool) -> FloatArray:
    """(n, 3) colors of painted objects: those of cars, and evenly spaced hues."""
    hues = [
        colorsys.hsv_to_rgb(
            (number + 0.5 * odd) / NUM_HUES, (0.45, 0.75, 0.95)[number % 3], (0.9, 0.7)[number % 2]
        )
        for number in range(NUM_HUES)
    ]
    return np.array([*PAINTS[odd::2], *hues])


def _sheets(surfaces: Sequence[Surface], size: tuple[float, float]) -> list[Mesh]:
    sheet = Mesh.grid(*size)
    assert sheet.uvs is not None
    uvs = GROUND_REPEATS * sheet.uvs
    return [
        Mesh(sheet.positions, sheet.faces, sheet.normals, uvs, surfaces=(surface,)) for surface in surfaces
    ]


def _walls(odd: bool) -> list[Mesh]:
    """Vertical sheets that face -x."""
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
    """Rocks and slabs that resemble none of the classes, as background clutter."""
    pieces = []
    surfaces = [*ground_surfaces()[odd::2], *wall_surfaces()[odd::2]]
    for number in range(CLUTTER_VARIANTS):
        rng = np.random.default_rng((31, number, int(odd)))
        surface = surfaces[int(rng.integers(len(surfaces)))]
        stretch = rng.uniform([0.4, 0.4, 0.3], [1.2, 1.4, 1.6])
        pieces.append(
            with_surface(blob(rng, 0.35), surface).scaled(stretch).translated([0.0, 0.0, 0.6 * stretch[2]])
        )
    return pieces
