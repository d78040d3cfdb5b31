"""Signs, lights, furniture, barriers and buildings: sizes, levels of detail, lit parts, and no mirrored textures."""

from types import SimpleNamespace

import numpy as np
import pytest
from model_checks import likeness, see_through, seen_from_ahead, silhouette_agreement

from camshaft.envs.driving import assets, textures
from camshaft.envs.driving.assets.barriers import PIECE
from camshaft.envs.driving.assets.signals import COLORS
from camshaft.envs.driving.textures import boards, facades
from camshaft.envs.driving.textures.signs import NUM_STYLES, SIGNS, SPEED_LIMITS, sign_face
from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering import LABELS

FURNITURE = {
    "street_lamp": assets.street_lamp,
    "bollard": assets.bollard,
    "bench": assets.bench,
    "waste_bin": assets.waste_bin,
    "bus_shelter": assets.bus_shelter,
    "advertising_column": assets.advertising_column,
    "planter": assets.planter,
    "wheel_stop": assets.wheel_stop,
    "ticket_machine": assets.ticket_machine,
    "start_gantry": assets.start_gantry,
    "advert_board": assets.advert_board,
    "grandstand": assets.grandstand,
    "traffic_light": lambda: assets.traffic_light("red"),
    "crossing_light": lambda: assets.crossing_light("red"),
    "exit_board": assets.exit_board,
    "street_name": assets.street_name,
    "stop": lambda: assets.sign("stop"),
}
BARRIERS = {
    "guard_rail": (assets.guard_rail, "fence"),
    "concrete_barrier": (assets.concrete_barrier, "fence"),
    "hedge": (assets.hedge, "vegetation"),
    "wooden_fence": (assets.wooden_fence, "fence"),
    "tire_wall": (assets.tire_wall, "fence"),
    "wire_fence": (assets.wire_fence, "fence"),
}
BUILDINGS = range(assets.NUM_BUILDINGS)


def labels(levels):
    return {surface.label for level in levels for surface in level.surfaces}


@pytest.mark.parametrize("name", FURNITURE)
def test_furniture_has_few_triangles_agrees_in_silhouette_and_looks_outwards(name):
    levels = FURNITURE[name]()
    faces = [len(level.faces) for level in levels]
    assert faces == sorted(faces, reverse=True) and faces[0] <= 210 and faces[-1] <= 60
    assert labels(levels) <= set(LABELS)
    for coarse in levels[1:]:
        assert silhouette_agreement(levels[0], coarse) > 0.5
    assert see_through(levels[0]) < 0.05
    assert all(-0.35 < level.positions[:, 2].min() < 0.75 for level in levels)


@pytest.mark.parametrize("name", BARRIERS)
def test_pieces_of_barriers_join_along_x(name):
    make, label = BARRIERS[name]
    levels = make()
    assert labels(levels) == {label}
    for level in levels:
        low, high = level.positions.min(axis=0), level.positions.max(axis=0)
        assert high[0] >= 0.5 * PIECE - 1e-6 and low[0] <= -0.5 * PIECE + 1e-6
        assert high[0] - low[0] < PIECE + 0.1
        assert len(level.faces) <= 40
        assert see_through(level) < 0.08


@pytest.mark.parametrize("sign", SIGNS)
def test_signs_can_be_read_by_traffic_along_x(sign):
    levels = assets.sign(sign, 1, mounting="plate")
    assert labels(levels) == {"traffic_sign"}
    for level in levels:
        width = float(np.ptp(level.positions[:, 1]))
        image = seen_from_ahead([level], [0.0, 0.0, 0.0], 0.66 * width, 0.66 * width, (72, 72))
        texture = sign_face(sign, 1)
        cut = textures_middle(texture, 0.66)
        upright, mirrored = likeness(image, cut)
        assert (
            upright > 0.45 and upright >= mirrored - 1e-6
        )  # the corners of the image are outside some plates
    if sign not in (
        "yield",
        "priority_road",
        "no_entry",
        "crossroads",
        "lights_ahead",
        "motorway",
        "ahead_only",
    ):
        assert upright > mirrored + 0.02


def textures_middle(texture, share):
    image = texture.levels[0]
    border = round(0.5 * (1.0 - share) * len(image))
    return SimpleNamespace(levels=[image[border:-border, border:-border]])


def test_curves_point_to_their_side():
    for sign, side in (("curve_left", -1), ("curve_right", 1)):
        image = sign_face(sign, 0).levels[0].astype(float)
        dark = image.max(axis=2) < 90
        rows, columns = np.nonzero(dark)
        tip = columns[rows > np.quantile(rows, 0.7)].mean()
        assert side * (tip - columns[rows < np.quantile(rows, 0.3)].mean()) > 5


def test_signs_come_on_posts_of_human_height():
    for sign in SIGNS:
        for level in assets.sign(sign):
            plate = level.positions[level.faces[face_labels(level) == "traffic_sign"]].reshape(-1, 3)
            assert plate[:, 2].min() > 2.0 and plate[:, 2].max() < 3.2
            assert labels([level]) == {"traffic_sign", "pole"}


def face_labels(mesh):
    return np.array([surface.label for surface in mesh.surfaces])[mesh.face_surfaces]


def test_there_is_a_sign_for_every_speed_limit_and_unknown_ones_are_refused():
    assert {f"speed_limit_{limit}" for limit in SPEED_LIMITS} <= set(SIGNS)
    with pytest.raises(InvalidOption, match="stopp"):
        assets.sign("stopp")
    with pytest.raises(InvalidOption, match="variants"):
        assets.sign("stop", textures.NUM_VARIANTS)


def test_signs_of_train_and_test_differ():
    for sign in SIGNS:
        faces = [sign_face(sign, style).levels[0].tobytes() for style in range(NUM_STYLES)]
        assert len(set(faces)) == NUM_STYLES
        assert sign_face(sign, 1) is sign_face(sign, 1 + NUM_STYLES)


@pytest.mark.parametrize("arm", [False, True])
def test_traffic_lights_shine_as_their_state_says(arm):
    lit = {
        "off": (),
        "red": ("red",),
        "red_yellow": ("red", "yellow"),
        "green": ("green",),
        "yellow": ("yellow",),
    }
    height = {"red": 2, "yellow": 1, "green": 0}
    assert len(assets.traffic_light_variants(arm)) == len(assets.SIGNAL_STATES) == len(lit)
    for state in assets.SIGNAL_STATES:
        for level in assets.traffic_light(state, arm):
            shining = {surface.color: surface for surface in level.surfaces if surface.emissive}
            assert set(shining) == {COLORS[color] for color in lit[state]}
            assert {"traffic_light", "pole"} == labels([level])
            for color in lit[state]:
                number = level.surfaces.index(shining[COLORS[color]])
                positions = level.positions[level.faces[level.face_surfaces == number]].reshape(-1, 3)
                heads = [positions[positions[:, 1] < 2.0], positions[positions[:, 1] > 2.0]]
                assert len(heads[0]) and bool(len(heads[1])) == arm
                for head, middle in zip(heads, (2.55, 5.6), strict=True):
                    if len(head):
                        expected = middle + 0.38 * (height[color] - 1)
                        assert head[:, 2].mean() == pytest.approx(expected, abs=0.05)
                        assert (head[:, 0] < -0.25).all()


def test_pedestrian_lights_show_the_standing_figure_above_the_walking_one():
    for state in assets.CROSSING_STATES:
        for level in assets.crossing_light(state):
            shining = [surface for surface in level.surfaces if surface.emissive]
            assert len(shining) == (state != "off")
            for surface in shining:
                positions = level.positions[level.faces[level.face_surfaces == level.surfaces.index(surface)]]
                assert (positions[..., 2].mean() > 2.24) == (state == "red")


def test_street_lamps_shine_only_when_lit():
    for lit in (False, True):
        for level in assets.street_lamp(lit):
            assert any(surface.emissive for surface in level.surfaces) == lit


@pytest.mark.parametrize(
    ("make", "texture", "place", "size"),
    [
        (
            lambda: assets.exit_board(),
            lambda: assets.signs.faces.exit_board("MILLTOWN", 12, 0),
            (2.6,),
            (4.0, 2.0),
        ),
        (
            lambda: assets.street_name(),
            lambda: assets.signs.faces.street_name("STATION RD", 0),
            (2.475,),
            (1.0, 0.25),
        ),
        (lambda: assets.advert_board(1), lambda: boards.advertisement(1), (0.6,), (4.0, 1.0)),
        (lambda: assets.brake_board(100), lambda: boards.distance_board(100), (1.0,), (1.0, 1.0)),
    ],
)
def test_boards_are_the_right_way_round(make, texture, place, size):
    image = seen_from_ahead(make()[:1], [0.0, 0.0, place[0]], 0.99 * size[0], 0.99 * size[1])
    upright, mirrored = likeness(image, texture())
    assert upright > 0.7 and upright > mirrored + 0.1


def test_names_of_shops_are_the_right_way_round():
    for number in assets.buildings("shop"):
        model = assets.building(number)
        middle = [0.0, 0.0, 0.885 * 3.6]
        band = 0.2 * 3.6
        rendered = seen_from_ahead(model.levels[:1], middle, 0.9 * model.width, band)
        image = facades.shopfront(number - assets.buildings("shop")[0]).levels[0]
        height, width = image.shape[:2]
        rows = slice(round((0.885 - 0.1) * height), round((0.885 + 0.1) * height))

        name = SimpleNamespace(levels=[image[rows, round(0.05 * width) : round(0.95 * width)]])
        upright, mirrored = likeness(rendered, name)
        assert upright > 0.5 and upright > mirrored + 0.03


@pytest.mark.parametrize("number", BUILDINGS)
def test_buildings_have_their_size_and_few_triangles(number):
    model = assets.building(number)
    assert model.name == assets.KINDS[number]
    for level, most in zip(model.levels, (150, 40, 30), strict=True):
        assert len(level.faces) <= most
        assert labels([level]) == {"building"}
        low, high = level.positions.min(axis=0), level.positions.max(axis=0)
        assert model.width - 0.05 <= high[1] - low[1] <= model.width + 1.9
        assert model.depth - 0.05 <= high[0] - low[0] <= model.depth + 1.9
        assert -0.6 < low[2] < -0.2
        assert 0.8 * model.height < high[2] < model.height + 0.1
    assert model.levels[0].positions[:, 2].max() == pytest.approx(model.height, abs=0.1)


@pytest.mark.parametrize("number", BUILDINGS)
def test_buildings_agree_in_silhouette_and_are_closed(number):
    model = assets.building(number)
    for coarse, share in zip(model.levels[1:], (0.85, 0.8), strict=True):
        assert silhouette_agreement(model.levels[0], coarse) > share
    for level in model.levels:
        assert see_through(level, 0.3) < 0.02


def test_at_night_some_windows_shine_and_walls_do_not_change():
    for number in BUILDINGS:
        dark, lit = assets.building(number), assets.building(number, True)
        assert not any(surface.emissive for level in dark.levels for surface in level.surfaces)
        extra = [
            len(bright.faces) - len(plain.faces)
            for bright, plain in zip(lit.levels, dark.levels, strict=True)
        ]
        assert 0 <= extra[2] <= extra[1] <= extra[0] <= 36
        if assets.KINDS[number] != "garage":
            assert any(surface.emissive for surface in lit.levels[0].surfaces)


def test_there_are_enough_buildings_of_every_kind_in_either_split():
    assert assets.NUM_BUILDINGS >= 16
    for kind in set(assets.KINDS):
        numbers = assets.buildings(kind)
        assert {number % 2 for number in numbers} == {0, 1}
    with pytest.raises(InvalidOption, match="buildings"):
        assets.building(assets.NUM_BUILDINGS)


def test_buildings_of_train_and_test_share_no_facade():
    used = [{texture_bytes(number) for number in BUILDINGS[split::2]} for split in (0, 1)]
    first, second = (set().union(*split) for split in used)
    shared = {*first} & {*second} - {facades.clock_face().levels[0].tobytes()}
    assert not shared


def texture_bytes(number):
    surfaces = [surface for level in assets.building(number).levels for surface in level.surfaces]
    return frozenset(surface.texture.levels[0].tobytes() for surface in surfaces if surface.texture)


STREETS = (
    "street_asphalt",
    "track_asphalt",
    "car_park",
    "paving",
    "cobbles",
    "curb_stone",
    "lawn",
    "runoff_gravel",
    "curb_stripes",
    "concrete",
)


@pytest.mark.parametrize("kind", STREETS)
def test_textures_of_streets_vary_are_cached_and_neither_black_nor_blown_out(kind):
    make = getattr(textures, kind)
    images = [make(variant).levels[0] for variant in range(textures.NUM_VARIANTS)]
    assert make(0) is make(0)
    means = np.array([image.mean() for image in images])
    assert (means > 25).all() and (means < 245).all()
    assert len({image.tobytes() for image in images}) == len(images)


@pytest.mark.parametrize("kind", [kind for kind in STREETS if kind not in ("curb_stone", "concrete")])
def test_textures_of_streets_repeat_without_a_seam(kind):
    for variant in range(textures.NUM_VARIANTS):
        image = getattr(textures, kind)(variant).levels[0].astype(np.float64).mean(axis=2)
        for axis in (0, 1):
            steps = np.abs(np.diff(image, axis=axis)).mean(axis=1 - axis)
            seam = np.abs(np.take(image, 0, axis) - np.take(image, -1, axis)).mean()
            assert seam <= 1.5 * steps.max() + 1.0
