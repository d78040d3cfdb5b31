"""Gallery images of towns and race tracks: buildings, signs, vehicles, people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from camshaft.envs.arrays import Image
from camshaft.envs.driving import assets, textures
from camshaft.envs.driving.light import Conditions, point_headlights, sample_light
from camshaft.envs.driving.textures.signs import SIGNS
from camshaft.envs.rendering import (
    Camera,
    Mesh,
    Renderer,
    Scene,
    SceneState,
    Surface,
    Texture,
    look_at,
    project,
)
from camshaft.experiments.drawing.contact_sheet import contact_sheet
from camshaft.experiments.drawing.label_images import YELLOW

Position = tuple[float, float]  # x and y, meters

VIEW = (352, 220)
WHITE = (1.0, 1.0, 1.0)


class Stage:
    """A scene that is set up object by object and rendered once.

    Args:
        ground: texture of the ground.
        meters: distance after which the texture repeats.
        time_of_day: as in `camshaft.envs.driving.light`.
    """

    def __init__(self, ground: Texture, meters: float = 8.0, time_of_day: str = "day") -> None:
        self._time_of_day = time_of_day
        self._scene = Scene()
        self._placed: list[tuple[Any, ...]] = []
        self.add([[floor(ground, meters)]], [(0.0, 0.0)])

    def add(
        self,
        variants: Sequence[Sequence[Mesh]],
        positions: Sequence[Position],
        yaws: ArrayLike = 0.0,
        chosen: ArrayLike = 0,
        colors: ArrayLike = 1.0,
        height: float = 0.0,
    ) -> None:
        """Add variants of an object at positions; yaws in degrees."""
        objects = self._scene.add(str(len(self._placed)), variants, len(positions))
        raised = np.column_stack([np.array(positions), np.full(len(positions), height)])
        self._placed.append((objects, raised, np.radians(yaws), chosen, colors))

    def see(
        self, eye: ArrayLike, target: ArrayLike, fov_degrees: float = 50.0, size: tuple[int, int] = VIEW
    ) -> Image:
        """The image from an eye position toward a target."""
        state = SceneState(self._scene, 1)
        for objects, positions, yaws, chosen, colors in self._placed:
            state.place(0, objects, positions, yaws, 1.0, chosen, colors)
        sample_light(state, 0, np.random.default_rng(0), None, Conditions(self._time_of_day))
        pose = look_at(eye, target)
        if self._time_of_day == "night":
            car = np.eye(4)
            car[:3, 0] = np.asarray(target, np.float64) - np.asarray(eye, np.float64)
            car[:3, 0] *= np.array([1.0, 1.0, 0.0]) / np.linalg.norm(car[:2, 0])
            car[:3, 1], car[:2, 3] = np.cross([0.0, 0.0, 1.0], car[:3, 0]), np.asarray(eye)[:2]
            point_headlights(state, np.array([0]), car[None])
        far = float(np.linalg.norm(np.asarray(target) - np.asarray(eye)))
        camera = Camera(*size, fov_degrees, near=0.3, far=600.0, supersampling=2, shadow_distance=2.5 * far)
        return np.asarray(Renderer(state, camera).render(pose[None])["rgb"][0], np.uint8)


def floor(texture: Texture, meters: float, size: float = 240.0) -> Mesh:
    """A floor whose texture repeats after so many meters."""
    mesh = Mesh.grid(size, size, Surface(WHITE, texture, "road"), cells=4)
    return Mesh(
        mesh.positions,
        mesh.faces,
        mesh.normals,
        mesh.positions[:, :2] / np.float32(meters),
        None,
        mesh.surfaces,
    )


def traffic_sheet() -> Image:
    """Vehicles with their lights, and people in all animation frames, with keypoints."""
    tiles = {
        "vehicles": _vehicles(0.0),
        "from the front": _vehicles(60.0),
        "from behind": _vehicles(-55.0),
        "brakes and indicators": _lights("day"),
        "the same at night": _lights("night"),
        "riders": _riders(),
        "twelve people": _people(),
        "one stride in twelve frames, and standing": _stride(),
        "COCO keypoints of a frame": _keypoints(),
    }
    return contact_sheet(tiles, 3)


def _vehicles(yaw: float) -> Image:
    """Motor vehicles in a row, small ones in front."""
    stage = Stage(textures.street_asphalt(0))
    rows = {"hatchback": (6.0, 4.5), "sedan": (6.0, 0.0), "suv": (6.0, -4.9), "van": (12.0, 6.5)}
    rows |= {"truck": (13.0, -3.5), "bus": (20.5, 2.5)}
    for number, (name, position) in enumerate(rows.items()):
        paint = assets.PAINTS[(8, 10, 0, 14, 12, 11)[number]]
        stage.add([assets.VEHICLES[name]().levels], [position], 270.0 - yaw, colors=[paint])
    return stage.see([-8.0, 0.0, 5.0], [8.0, 0.0, 1.2], 58.0)


def _lights(time_of_day: str) -> Image:
    """The states of a sedan's and a van's lights."""
    stage = Stage(textures.street_asphalt(2), time_of_day=time_of_day)
    for name, x, paint in (("sedan", 8.0, 6), ("van", 15.0, 0)):
        positions = [(x, y) for y in (6.2, 3.1, 0.0, -3.1, -6.2)]
        stage.add(
            assets.VEHICLES[name]().variants,
            positions,
            0.0,
            [0, 1, 2, 3, 4],
            [assets.PAINTS[paint]] * len(positions),
        )
    return stage.see([-6.0, 0.0, 4.0], [9.0, 0.0, 0.6], 60.0)


def _riders() -> Image:
    stage = Stage(textures.street_asphalt(4))
    stage.add([assets.motorcycle(4).levels], [(5.8, -2.9)], 150.0, colors=[assets.PAINTS[8]])
    for number, rider in enumerate(assets.RIDERS[:5]):
        position = (5.4 + 1.6 * (number % 2), 3.1 - 1.15 * number)
        stage.add(
            assets.bicycle_frames(rider), [position], 230.0 + 24.0 * number, number, [assets.SHIRTS[number]]
        )
    return stage.see([0.0, 0.0, 1.9], [5.5, 0.0, 0.85], 64.0)


def _people() -> Image:
    stage = Stage(textures.paving(0), textures.PAVING_METERS)
    for body in range(assets.NUM_BODIES):
        position = (5.4 + 1.2 * (body % 2), 3.0 - 0.55 * body)
        stage.add(
            assets.pedestrian_frames(body),
            [position],
            200.0 - 14.0 * (body % 4),
            3 * body % 13,
            [assets.SHIRTS[body]],
        )
    return stage.see([0.0, 0.0, 1.7], [5.6, 0.0, 0.8], 60.0)


def _stride() -> Image:
    stage = Stage(textures.paving(4), textures.PAVING_METERS)
    count = assets.WALK_FRAMES + 1
    positions = [(6.5, 3.7 - 0.62 * frame) for frame in range(count)]
    stage.add(assets.pedestrian_frames(0), positions, 270.0, range(count), [assets.SHIRTS[2]] * count)
    return stage.see([0.0, 0.0, 1.3], [6.5, 0.0, 0.85], 66.0)


def _keypoints() -> Image:
    """A walking woman and a running child, with their keypoints."""
    stage = Stage(textures.cobbles(0), textures.COBBLE_METERS)
    eye, target, fov = np.array([0.0, 0.0, 1.3]), np.array([3.2, 0.0, 0.85]), 50.0
    points = []
    for body, frame, position, yaw in ((6, 1, (3.3, 0.7), 235.0), (8, 7, (3.0, -0.6), 150.0)):
        stage.add(assets.pedestrian_frames(body), [position], yaw, frame, [assets.SHIRTS[body]])
        cosine, sine = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
        turn = np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])
        points.append(assets.frame_keypoints(body)[frame] @ turn + [*position, 0.0])
    image = stage.see(eye, target, fov).copy()
    pose = look_at(eye, target)
    pixels = project(Camera(*VIEW, fov), (np.concatenate(points) - pose[:3, 3]) @ pose[:3, :3])
    for column, row in np.round(pixels).astype(int):
        image[row - 2 : row + 2, column - 2 : column + 2] = YELLOW
    return image


def town_sheet() -> Image:
    """Buildings, signs, lights, furniture, a street by day and at night, a car park and a race track."""
    tiles = {
        "a street by day": street("day"),
        "at dusk": street("dusk"),
        "at night": street("night"),
        "buildings for training": _buildings(range(0, assets.NUM_BUILDINGS, 2)),
        "buildings for testing": _buildings(range(1, assets.NUM_BUILDINGS, 2)),
        "signs": _signs(),
        "traffic lights in their states": _signals(),
        "furniture of streets": _furniture(),
        "barriers": _barriers(),
        "car park": _car_park(),
        "start of a race track": _track(),
        "grounds": _grounds(),
    }
    return contact_sheet(tiles, 3)


def street(time_of_day: str) -> Image:
    """A street with houses on both sides, traffic and people."""
    rng = np.random.default_rng(3)
    stage = Stage(textures.street_asphalt(0), time_of_day=time_of_day)
    lit = time_of_day != "day"
    pavement = Surface(WHITE, textures.paving(0), "sidewalk")
    slabs = Mesh.grid(240.0, 5.0, pavement)
    uvs = slabs.positions[:, :2] / np.float32(textures.PAVING_METERS)
    slabs = Mesh(slabs.positions, slabs.faces, slabs.normals, uvs, None, slabs.surfaces)
    stage.add([[slabs]], [(60.0, 6.2), (60.0, -6.2)], height=0.12)
    for side, order in ((1.0, (0, 4, 8, 18, 2, 24, 12, 6)), (-1.0, (20, 16, 0, 2, 14, 4, 10, 8))):
        x = -4.0
        for number in order:
            model = assets.building(number, lit)
            x += 0.5 * model.width
            position = (x, side * (9.2 + 0.5 * model.depth))
            stage.add([model.levels], [position], 90.0 * side)
            x += 0.5 * model.width + (0.0 if model.name == "terraced_house" else 1.5)
    lamps = [(4.0 + 24.0 * number, 4.4 * side) for number in range(5) for side in (1.0, -1.0)]
    stage.add([assets.street_lamp(lit)], lamps, [0.0 if y < 0.0 else 180.0 for _, y in lamps])
    trees = [(12.0 + 12.0 * number, 8.0 * side) for number in range(8) for side in (1.0, -1.0)]
    stage.add([[tree.scaled(0.6) for tree in assets.broadleaf(4, True)]], trees)
    stage.add(assets.traffic_light_variants(), [(34.0, -4.6), (46.0, 4.6)], [0.0, 180.0], [1, 3])
    stage.add([assets.sign("pedestrian_crossing")], [(27.0, -4.5)])
    stage.add([assets.sign("speed_limit_30")], [(15.0, -4.5)])
    for name, x, y, yaw, lights, paint in (
        ("bus", 29.0, 1.8, 180.0, 0, 10),
        ("hatchback", 14.0, -1.8, 0.0, 1, 8),
        ("van", 23.0, -1.8, 0.0, 1, 0),
        ("sedan", 13.0, 1.8, 180.0, 0, 12),
    ):
        variants = assets.VEHICLES[name]().variants
        stage.add(variants, [(x, y)], yaw, lights, [assets.PAINTS[paint]])
    stage.add(assets.bicycle_frames(2), [(11.0, -3.6)], 0.0, 1, [assets.SHIRTS[10]])
    for body in range(assets.NUM_BODIES):
        position = (float(rng.uniform(8.0, 30.0)), float(rng.choice([-6.4, 6.2]) + rng.uniform(-1.0, 1.0)))
        yaw, frame = float(rng.choice([0.0, 180.0])), int(rng.integers(13))
        stage.add(assets.pedestrian_frames(body), [position], yaw, frame, [assets.SHIRTS[body]], height=0.12)
    return stage.see([0.0, -1.8, 2.0], [20.0, -1.2, 2.6], 66.0)


def _buildings(numbers: Sequence[int]) -> Image:
    """Two rows of buildings, large ones behind."""
    stage = Stage(textures.lawn(0), textures.LAWN_METERS)
    ordered = sorted((assets.building(number) for number in numbers), key=lambda model: model.height)
    for x, row in ((0.0, ordered[:7]), (50.0, ordered[7:])):
        gap = 4.0 if x == 0.0 else 8.0
        left = 0.5 * (sum(model.width for model in row) + gap * (len(row) - 1))
        for model in row:
            stage.add([model.levels], [(x, left - 0.5 * model.width)], 0.0)
            left -= model.width + gap
    return stage.see([-80.0, 12.0, 46.0], [28.0, 0.0, 4.0], 64.0)


def _signs() -> Image:
    stage = Stage(textures.lawn(2), textures.LAWN_METERS)
    for number, kind in enumerate(SIGNS):
        plate = assets.sign(kind, number % 4, mounting="plate")
        stage.add([plate], [(8.0, 4.2 - 1.2 * (number % 8))], height=3.4 - 1.1 * (number // 8))
    return stage.see([0.0, 0.0, 2.3], [8.0, 0.0, 2.3], 68.0)


def _signals() -> Image:
    stage = Stage(textures.street_asphalt(4))
    count = len(assets.SIGNAL_STATES)
    positions = [(9.0, 4.6 - 1.5 * number) for number in range(count)]
    stage.add(assets.traffic_light_variants(arm=False), positions, 0.0, range(count))
    stage.add(assets.traffic_light_variants(), [(14.0, -6.5)], 0.0, [2])
    crossing = [(8.5, -2.5 - 0.95 * number) for number in range(len(assets.CROSSING_STATES))]
    stage.add(assets.crossing_light_variants(), crossing, 0.0, range(len(crossing)))
    return stage.see([0.0, 0.0, 1.8], [10.0, 0.0, 2.7], 66.0)


def _furniture() -> Image:
    stage = Stage(textures.paving(4), textures.PAVING_METERS)
    for levels, position, yaw in (
        (assets.bus_shelter(1), (10.0, 4.6), -15.0),
        (assets.advertising_column(2), (9.5, -4.6), 0.0),
        (assets.bench(), (7.5, 0.8), 20.0),
        (assets.waste_bin(), (7.3, -0.9), 0.0),
        (assets.planter(1), (8.2, -2.4), 10.0),
        (assets.ticket_machine(), (6.4, 2.6), 10.0),
        (assets.bollard(), (6.2, -1.9), 0.0),
        (assets.bollard(), (6.2, -3.2), 0.0),
        (assets.street_name(), (6.8, -3.0), 0.0),
    ):
        stage.add([levels], [position], yaw)
    return stage.see([0.0, 0.0, 2.0], [8.0, 0.0, 1.2], 62.0)


def _barriers() -> Image:
    stage = Stage(textures.lawn(4), textures.LAWN_METERS)
    rows = [assets.guard_rail(), assets.concrete_barrier(), assets.hedge(0), assets.wooden_fence(0)]
    rows += [assets.tire_wall(0), assets.wire_fence()]
    for number, levels in enumerate(rows):
        y = 6.0 - 2.4 * number
        stage.add([levels], [(7.0 + 4.0 * piece, y) for piece in range(4)], 180.0 if y > 0.0 else 0.0)
    stage.add([assets.traffic_cone()], [(5.0, 0.3), (5.0, -0.5), (5.0, 1.1)])
    return stage.see([-3.5, 0.0, 4.6], [9.0, 0.0, 0.2], 66.0)


def _car_park() -> Image:
    stage = Stage(textures.car_park(2))
    stripe = Mesh.grid(5.0, 0.12, Surface(WHITE, textures.paint(0, "white"), "lane_marking"))
    lines = [(14.0, 2.5 * number - 8.75) for number in range(8)]
    stage.add([[stripe]], lines, height=0.01)
    stage.add([assets.wheel_stop()], [(16.2, 2.5 * number - 7.5) for number in range(7)])
    for name, bay, paint in (("hatchback", 1, 8), ("suv", 2, 11), ("sedan", 5, 4), ("van", 6, 0)):
        stage.add(
            [assets.VEHICLES[name]().levels], [(13.8, 2.5 * bay - 7.5)], 180.0, colors=[assets.PAINTS[paint]]
        )
    stage.add([assets.ticket_machine()], [(9.0, 3.6)])
    stage.add([assets.sign("parking")], [(9.5, -4.6)])
    stage.add([assets.hedge(2)], [(18.0, 4.0 * number - 8.0) for number in range(5)], 90.0)
    return stage.see([0.0, 0.0, 4.6], [13.0, 0.0, 0.3], 60.0)


def _track() -> Image:
    stage = Stage(textures.runoff_gravel(0), 6.0)
    road = Mesh.grid(200.0, 12.0, Surface(WHITE, textures.track_asphalt(0), "road"))
    curb = Mesh.grid(200.0, 1.0, Surface(WHITE, textures.curb_stripes(0), "shoulder"))
    scales = ((road, 8.0), (curb, textures.STRIPE_METERS))
    sheets = [
        Mesh(m.positions, m.faces, m.normals, m.positions[:, :2] / np.float32(meters), None, m.surfaces)
        for m, meters in scales
    ]
    stage.add([[sheets[0]]], [(60.0, 0.0)], height=0.02)
    stage.add([[sheets[1]]], [(60.0, 6.5), (60.0, -6.5)], height=0.04)
    stage.add([assets.start_gantry(15.0, 0, 3)], [(34.0, 0.0)])
    stage.add([assets.tire_wall(0)], [(8.0 + 4.0 * piece, -8.6) for piece in range(16)])
    stage.add([assets.guard_rail()], [(8.0 + 4.0 * piece, 8.6) for piece in range(16)], 180.0)
    boards = [assets.advert_board(variant) for variant in range(4)]
    stage.add(boards, [(12.0 + 4.1 * piece, 9.6) for piece in range(8)], 90.0, np.arange(8) % 4)
    stage.add([assets.grandstand(0)], [(44.0, 17.0)], 90.0)
    stage.add([assets.brake_board(100)], [(12.0, -7.4)])
    return stage.see([0.0, -2.0, 2.4], [25.0, 0.0, 2.4], 62.0)


def _grounds() -> Image:
    """Ten ground textures as squares of 4 m."""
    stage = Stage(textures.street_asphalt(6))
    kinds: tuple[tuple[Texture, float], ...] = (
        (textures.street_asphalt(0), textures.STREET_METERS),
        (textures.track_asphalt(0), textures.STREET_METERS),
        (textures.car_park(2), textures.STREET_METERS),
        (textures.paving(0), textures.PAVING_METERS),
        (textures.paving(2), textures.PAVING_METERS),
        (textures.cobbles(2), textures.COBBLE_METERS),
        (textures.lawn(2), textures.LAWN_METERS),
        (textures.runoff_gravel(2), 4.0),
        (textures.curb_stripes(0), textures.STRIPE_METERS),
        (textures.concrete(0), 2.0),
    )
    for number, (texture, meters) in enumerate(kinds):
        square = floor(texture, meters, 4.0)
        stage.add([[square]], [(6.0 + 4.3 * (number // 5), 8.6 - 4.3 * (number % 5))], height=0.02)
    return stage.see([-2.5, 0.0, 9.5], [7.3, 0.0, 0.0], 76.0)
