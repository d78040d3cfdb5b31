"""Vehicle models: sizes, levels of detail, lights, and face orientation."""

import numpy as np
import pytest
from model_checks import likeness, see_through, seen_from_ahead, silhouette_agreement

from camshaft.envs.driving import assets
from camshaft.envs.driving.assets.vehicle_model import _AMBER_LIT, _BRAKE_LIT
from camshaft.envs.driving.textures.vehicles import destination
from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering import Camera, Mesh, Renderer, Scene, SceneState, Surface, look_at

MOTOR_VEHICLES = [name for name in assets.VEHICLES if name != "bicycle"]
MOST_TRIANGLES = (480, 210, 80)
MIRRORS = 0.6  # meters by which both mirrors together may protrude


@pytest.mark.parametrize("name", assets.VEHICLES)
def test_a_vehicle_has_the_size_of_its_record_and_stands_on_its_wheels(name):
    vehicle = assets.VEHICLES[name]()
    assert vehicle.name == name
    for number, level in enumerate(vehicle.levels):
        low, high = level.positions.min(axis=0), level.positions.max(axis=0)
        assert high[0] - low[0] == pytest.approx(vehicle.length, abs=0.06)
        assert high[2] == pytest.approx(vehicle.height, abs=0.09 if name in ("van", "bicycle") else 0.03)
        assert abs(low[2]) < 0.025
        width = high[1] - low[1]
        assert width < vehicle.width + (MIRRORS if number == 0 else 0.06)
        assert width > 0.6 * vehicle.width
        assert high[0] == pytest.approx(-low[0], abs=0.05)
    assert vehicle.rear_axle < 0.0 < vehicle.rear_axle + vehicle.wheelbase < 0.5 * vehicle.length


@pytest.mark.parametrize("name", assets.VEHICLES)
def test_levels_have_few_triangles_and_agree_in_silhouette(name):
    levels = assets.VEHICLES[name]().levels
    assert all(len(level.faces) <= most for level, most in zip(levels, MOST_TRIANGLES, strict=True))
    least = {"bicycle": (0.55, 0.45), "motorcycle": (0.7, 0.55)}.get(name, (0.80, 0.74))
    for coarse, share in zip(levels[1:], least, strict=True):
        assert silhouette_agreement(levels[0], coarse) > share


@pytest.mark.parametrize("name", assets.VEHICLES)
def test_faces_look_outwards(name):
    for level in assets.VEHICLES[name]().levels:
        assert see_through(level) < {"bicycle": 0.05, "motorcycle": 0.05}.get(name, 0.02)
        corners = level.positions[level.faces].astype(np.float64)
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        shading = np.einsum("fcj,fj->fc", level.normals[level.faces].astype(np.float64), normals)
        assert (shading > -1e-9).mean() > 0.98


@pytest.mark.parametrize("name", MOTOR_VEHICLES)
def test_brake_lights_shine_red_at_the_rear_and_turn_signals_amber_on_their_side(name):
    vehicle = assets.VEHICLES[name]()
    assert len(vehicle.variants) == len(assets.LIGHTS)
    for lights in assets.LIGHTS:
        for level in vehicle.lit(lights):
            corners = {surface: places_of(level, surface) for surface in level.surfaces}
            brakes, amber = corners.get(_BRAKE_LIT), corners.get(_AMBER_LIT)
            assert (brakes is not None) == ("braking" in lights)
            assert (amber is not None) == ("left" in lights or "right" in lights)
            if brakes is not None:
                assert (brakes[:, 0] < -0.2 * vehicle.length).all()
                assert (
                    brakes[:, 1].max() > (0.3 if name != "motorcycle" else 0.1) * vehicle.width
                    or "left" in lights
                )
            if amber is not None:
                sign = 1.0 if "left" in lights else -1.0
                assert (sign * amber[:, 1] >= 0.0).all()
                assert amber[:, 0].min() < 0.0 < amber[:, 0].max()


def places_of(mesh, surface):
    numbers = [number for number, other in enumerate(mesh.surfaces) if other is surface]
    return mesh.positions[mesh.faces[np.isin(mesh.face_surfaces, numbers)]].reshape(-1, 3)


def test_unknown_lights_are_refused_by_name():
    with pytest.raises(InvalidOption, match="lights.*blue"):
        assets.sedan().lit("blue")


def test_the_color_of_the_slot_paints_the_body_and_neither_glass_nor_lamps():
    vehicle = assets.hatchback()
    for level in vehicle.variants[1]:
        for surface in level.surfaces:
            assert not (surface.tinted and (surface.emissive or max(surface.color) < 0.5))
        assert any(surface.tinted for surface in level.surfaces)


def test_labels_are_vehicle_bicycle_and_person():
    for name in MOTOR_VEHICLES:
        expected = {"vehicle", "person"} if name == "motorcycle" else {"vehicle"}
        assert {s.label for level in assets.VEHICLES[name]().levels for s in level.surfaces} == expected
    for level in assets.bicycle().levels:
        assert {surface.label for surface in level.surfaces} == {"bicycle", "person"}


def test_paint_and_glass_are_glossy_tires_are_not():
    surfaces = assets.sedan().levels[0].surfaces
    glossy = [surface for surface in surfaces if surface.specular > 0.0]
    assert any(surface.tinted for surface in glossy) and any(max(surface.color) < 0.1 for surface in glossy)
    dull = [surface.color for surface in surfaces if not surface.emissive and surface.specular == 0.0]
    assert any(max(color) < 0.15 for color in dull)


@pytest.mark.parametrize("name", ["sedan", "hatchback", "suv", "van", "bus"])
def test_the_shadow_of_a_vehicle_is_whole(name):
    """A body that is open at the bottom would let the sun through."""
    vehicle = assets.VEHICLES[name]()
    for level in vehicle.levels:
        scene = Scene()
        ground = scene.add("ground", Mesh.grid(50.0, 50.0, Surface((1.0, 1.0, 1.0))))
        kind = scene.add("vehicle", [[level]])
        state = SceneState(scene, 1)
        state.place(0, ground, [[0.0, 0.0, -5.0]])
        state.place(0, kind, [[0.0, 0.0, 1.5]])
        state.sun_direction[:] = (0.0, 0.0, 1.0)
        camera = Camera(160, 160, 100.0, shadow_distance=15.0)
        pose = look_at([0.0, 0.0, 0.9], [0.0, 1e-3, -5.0])  # from below the vehicle, straight down
        image = Renderer(state, camera).render(pose[None])["rgb"][0].mean(axis=-1)
        dark = image < 0.75 * image.max()
        rows, columns = np.nonzero(dark)
        box = dark[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert box.mean() > 0.85


def test_the_board_of_the_bus_can_be_read():
    bus = assets.bus()
    turned = [
        level.transformed(np.diag([-1.0, -1.0, 1.0, 1.0])) for level in bus.levels
    ]  # its front faces -x
    board = bus.levels[0]
    surface = next(s for s in board.surfaces if s.texture is destination())
    corners = places_of(board, surface)
    size = np.ptp(corners, axis=0)
    middle = 0.5 * (corners.min(axis=0) + corners.max(axis=0)) * [-1.0, -1.0, 1.0]
    image = seen_from_ahead(turned[:1], middle, 0.98 * size[1], 0.98 * size[2])
    upright, mirrored = likeness(image, destination())
    assert upright > 0.6 and upright > mirrored + 0.2


def test_riders_pedal_and_hold_the_bars():
    for rider in assets.RIDERS:
        frames = assets.bicycle_frames(rider)
        assert len(frames) == assets.PEDAL_FRAMES
        finest = [frame[0] for frame in frames]
        assert not np.array_equal(finest[0].positions, finest[1].positions)
        people = np.array([surface.label == "person" for surface in finest[0].surfaces])
        for mesh in finest:
            person = mesh.positions[mesh.faces[people[mesh.face_surfaces]]].reshape(-1, 3)
            assert person[:, 2].min() > 0.02
            hands = np.abs(person[:, 0] - 0.33) < 0.16
            assert (hands & (np.abs(person[:, 2] - 1.05) < 0.12)).any()
    assert {rider % 2 for rider in assets.RIDERS} == {0, 1}
