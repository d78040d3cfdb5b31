"""A country road with traffic, the scene of the gallery's images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.assets.cars import SEDAN, sedan
from camshaft.envs.driving.country_road.mesh import RoadAppearance, all_surfaces, arena_size, build_geometry
from camshaft.envs.driving.country_road.road import RoadConfig, generate_road
from camshaft.envs.driving.country_road.scenery import RoadsideScenery
from camshaft.envs.driving.light import Conditions, point_headlights, sample_light
from camshaft.envs.rendering import Camera, Renderer, Scene, SceneSnapshot, SceneState

ROAD = RoadConfig(length=500.0)
PAINTS = ((0.75, 0.12, 0.12), (0.10, 0.20, 0.52), (0.86, 0.87, 0.88), (0.08, 0.30, 0.18), (0.93, 0.72, 0.10))
TIME_STEP = 0.1  # seconds between two frames
LANE = -0.5 * ROAD.lane_width  # meters from the center line to the middle of the own lane

# Meters ahead of the own car, lane (1 own, −1 oncoming), meters a second along the road, paint.
TRAFFIC = (
    (11.0, 1.0, 14.0, 0),
    (25.0, 1.0, 11.0, 2),
    (16.0, -1.0, -15.0, 1),
    (38.0, -1.0, -16.0, 4),
    (-12.0, 1.0, 13.0, 3),
)
OWN_SPEED = 12.0  # m/s


def car_keypoints() -> FloatArray:
    """(12, 3) meters, car frame: wheels, lamps, corners of the roof; on the left, then on the right."""
    half, radius = 0.5 * SEDAN.wheelbase, SEDAN.wheel_radius
    left = [[half, 0.92, radius], [-half, 0.92, radius], [2.26, 0.5, 0.57], [-2.26, 0.57, 0.7]]
    left += [[0.12, 0.58, 1.41], [-1.05, 0.57, 1.43]]
    return np.concatenate([left, np.array(left) * [1.0, -1.0, 1.0]])


class Street:
    """One world: a road, its land and houses, five cars, and an own car that cameras are mounted on.

    Args:
        seed: of road and scenery.
        distance: meters along the road at which the own car stands.
        time_of_day: one of `camshaft.envs.driving.light.TIMES_OF_DAY`.
        cut_out: whether near plants have leaves that are cut out.
        traffic: whether the five cars are there.

    Attributes:
        state: the world.
    """

    def __init__(
        self,
        seed: int = 0,
        distance: float = 160.0,
        time_of_day: str = "day",
        cut_out: bool = True,
        traffic: bool = True,
    ) -> None:
        rng = np.random.default_rng(seed)
        self._road = generate_road(rng, ROAD)
        geometry = build_geometry(self._road, RoadAppearance(asphalt=1), rng)
        scene = Scene()
        scene.add_arena(*arena_size(ROAD), surfaces=all_surfaces())
        scenery = RoadsideScenery(scene, ROAD, lit_windows=time_of_day != "day", cut_out=cut_out)
        self.cars = scene.add("car", [sedan().levels], len(TRAFFIC), car_keypoints())
        self.state = SceneState(scene, 1)
        self.state.set_arena(0, geometry.mesh, geometry.vertex_splits, geometry.face_splits)
        scenery.populate(self.state, 0, geometry, rng)
        sample_light(self.state, 0, rng, None, Conditions(time_of_day))
        self._distance, self._headlights, self._traffic = distance, time_of_day != "day", traffic
        self.own = np.eye(4)
        self.move(0.0)

    def move(self, seconds: float) -> None:
        """Put all cars where they are that long after the start."""
        self.own = self._car_pose(self._distance + OWN_SPEED * seconds, 1.0)
        if self._traffic:
            distances = [self._distance + ahead + speed * seconds for ahead, _, speed, _ in TRAFFIC]
            poses = [
                self._car_pose(distance, lane)
                for distance, (_, lane, _, _) in zip(distances, TRAFFIC, strict=True)
            ]
            self.state.set_pose(self.cars, np.stack(poses)[None])
            self.state.colors[0, self.cars.slots] = [PAINTS[paint] for *_, paint in TRAFFIC]
        if self._headlights:
            point_headlights(self.state, np.array([0]), self.own[None])

    def see(
        self,
        camera: Camera,
        outputs: Sequence[str] = ("rgb",),
        flow_target: tuple[SceneSnapshot, Any] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Outputs of a camera on the own car, by name."""
        renderer = Renderer(self.state, camera, outputs, 1)
        images = renderer.render((self.own @ camera.mount)[None], flow_target=flow_target)
        return {name: image[0] for name, image in images.items()}

    def see_motion(
        self, camera: Camera, outputs: Sequence[str], seconds: float = TIME_STEP
    ) -> dict[str, NDArray[Any]]:
        """Likewise, with the motion to the frame some time later."""
        self.move(seconds)
        later = (self.state.snapshot(), (self.own @ camera.mount)[None])
        self.move(0.0)
        return self.see(camera, outputs, later)

    def set_sun(self, azimuth_degrees: float, elevation_degrees: float) -> None:
        """Turn the sun; azimuth to the left of the own car's heading."""
        heading = math.atan2(self.own[1, 0], self.own[0, 0]) + math.radians(azimuth_degrees)
        level, height = math.cos(math.radians(elevation_degrees)), math.sin(math.radians(elevation_degrees))
        self.state.sun_direction[0] = (level * math.cos(heading), level * math.sin(heading), height)

    def _car_pose(self, distance: float, lane: float) -> FloatArray:
        """(4, 4) world from car on the middle of a lane, along its traffic."""
        (x, y, z), (_, _, z_ahead) = self._road.positions_at(
            np.array([distance, distance + 1.0]), np.full(2, lane * LANE)
        )
        heading = float(self._road.headings_at(distance)) + (math.pi if lane < 0.0 else 0.0)
        climb = math.atan2((z_ahead - z) * lane, 1.0)
        forward = np.array(
            [math.cos(heading) * math.cos(climb), math.sin(heading) * math.cos(climb), math.sin(climb)]
        )
        left = np.array([-math.sin(heading), math.cos(heading), 0.0])
        pose = np.eye(4)
        pose[:3, :3] = np.column_stack([forward, left, np.cross(forward, left)])
        pose[:3, 3] = x, y, z
        return pose
