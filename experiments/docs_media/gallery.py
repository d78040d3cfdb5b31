"""Images of the README and of docs/gallery.md: every lens, label, light, sensor effect and surface.

Run as `python -m camshaft.experiments.docs_media.gallery`; writes into docs/.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from camshaft.envs import make_simulation
from camshaft.envs.arrays import Image
from camshaft.envs.driving import textures
from camshaft.envs.driving.assets import broadleaf, bush, conifer
from camshaft.envs.driving.assets.cars import sedan
from camshaft.envs.driving.light import Conditions, point_headlights, sample_light
from camshaft.envs.rendering import (
    Camera,
    Mesh,
    Renderer,
    Scene,
    SceneState,
    Sensor,
    Surface,
    look_at,
    project,
    rays,
    stereo_rig,
    surround_rig,
)
from camshaft.envs.rendering.sensor.model import SensorModel
from camshaft.envs.simulation import Simulation
from camshaft.experiments.docs_media.gallery_street import PAINTS, TIME_STEP, Street
from camshaft.experiments.docs_media.gallery_town import town_sheet, traffic_sheet
from camshaft.experiments.drawing.contact_sheet import contact_sheet, write_sheet
from camshaft.experiments.drawing.label_images import (
    RED,
    WHITE,
    YELLOW,
    depth_image,
    draw_boxes,
    draw_boxes_3d,
    draw_keypoints,
    flow_image,
    instance_image,
    normal_image,
    position_image,
    segmentation_image,
    speed_image,
)

DOCS = Path("docs")
TASK = "camshaft/LaneKeeping-v0"
SEEDS = (1, 3, 4, 12)
STEPS = 80  # driven by the expert before the images are rendered
SIZE = 256  # pixels per side of each camera image

# Inside the windshield. Labels always have one sample per pixel, colors 2×2 here; the sun casts shadows.
CAMERA = Camera(
    352,
    220,
    75.0,
    (0.6, 0.0, 1.4),
    pitch_degrees=4.0,
    near=0.3,
    far=600.0,
    supersampling=2,
    shadow_distance=70.0,
)
MAST = replace(CAMERA, position=(-3.0, 0.0, 5.5), pitch_degrees=16.0)
SPEED = 12.0  # m/s, of the camera through the rain


def lens_sheet() -> Image:
    """The same street through every lens, and a fisheye image remapped to a cylinder."""
    street = Street()
    pinhole = replace(CAMERA, width=480, height=300)
    fisheye = replace(
        CAMERA, width=480, height=480, lens="fisheye", fov_degrees=180.0, position=(0.6, 0.0, 1.6)
    )
    cylinder = replace(fisheye, width=480, height=300, lens="cylindrical", fov_degrees=170.0)
    large = replace(fisheye, width=960, height=960)
    cameras = {
        "pinhole, 75 degrees": pinhole,
        "pinhole, barrel distortion": replace(pinhole, fov_degrees=106.0, distortion=(-0.19, 0.03, 0.0, 0.0)),
        "fisheye, 180 degrees from left to right": fisheye,
        "fisheye, 200 degrees from left to right": replace(fisheye, fov_degrees=200.0),
        "cylindrical, 170 degrees, rendered directly": cylinder,
    }
    tiles: dict[str, Image] = {title: street.see(camera)["rgb"] for title, camera in cameras.items()}
    tiles["cylindrical, remapped from a fisheye image"] = remap(street.see(large)["rgb"], large, cylinder)
    return contact_sheet(tiles, 3)


def remap(image: Image, source: Camera, target: Camera) -> Image:
    """The view of `target`, resampled from the image of `source` at the same position."""
    turn = source.mount[:3, :3].T @ target.mount[:3, :3]
    where = project(source, rays(target) @ turn.T).astype(np.float32)
    return np.asarray(cv2.remap(image, where[..., 0], where[..., 1], cv2.INTER_LINEAR), np.uint8)


def label_sheet() -> Image:
    """All outputs of one rendering of the street."""
    street = Street()
    images = ("rgb", "depth", "segmentation", "instances", "normals", "positions")
    seen = street.see_motion(CAMERA, (*images, "flow", "scene_flow", "occluded"))
    hidden = seen["rgb"].copy()
    hidden[seen["occluded"] > 0] = RED
    speed = np.linalg.norm(seen["scene_flow"], axis=-1) / TIME_STEP
    normals = normal_image(seen["normals"] * np.array([1.0, -1.0, -1.0], np.float32))
    tiles = {
        "color": seen["rgb"],
        "depth: near is bright": depth_image(seen["depth"]),
        "semantic labels": segmentation_image(seen["segmentation"]),
        "instances": instance_image(seen["instances"]),
        "normals: red right, green up, blue toward the camera": normals,
        "positions: 10 m grid of the world": position_image(seen["positions"], seen["rgb"]),
        "optical flow to 0.1 s later": flow_image(seen["flow"], 25.0, wheel=48),
        "scene flow: speed, to 20 m/s": speed_image(speed, 20.0),
        "red: occluded 0.1 s later": hidden,
    }
    return contact_sheet(tiles | _object_tiles(street), 4)


def _object_tiles(street: Street) -> dict[str, Image]:
    """Boxes and keypoints of the cars, seen from higher up."""
    camera = replace(MAST, fov_degrees=36.0, position=(-2.0, 0.0, 2.9), yaw_degrees=2.0, pitch_degrees=6.0)
    seen = street.see(camera, ("rgb", "boxes", "amodal_boxes", "boxes_3d", "keypoints"))
    cars, faded = street.cars.slots, np.asarray(seen["rgb"] // 2 + 100, np.uint8)
    whole = draw_boxes(seen["rgb"], seen["amodal_boxes"][cars], YELLOW)
    return {
        "2D boxes: visible white, amodal yellow": draw_boxes(whole, seen["boxes"][cars], WHITE),
        "3D boxes": draw_boxes_3d(faded, camera, seen["boxes_3d"][cars], RED),
        "keypoints: visible yellow, occluded red": draw_keypoints(faded, seen["keypoints"]),
    }


def light_sheet() -> Image:
    """One street in every light and weather."""
    street = Street()
    street.set_sun(-60.0, 62.0)
    tiles = {"noon": street.see(CAMERA)["rgb"]}
    street.set_sun(75.0, 25.0)
    street.state.sun_color[0], street.state.ground_light[0] = (1.0, 0.92, 0.78), 0.25
    street.state.sky_zenith[0], street.state.sky_horizon[0] = (0.26, 0.42, 0.70), (0.62, 0.66, 0.70)
    tiles["low sun, without shadows"] = street.see(replace(MAST, shadow_distance=0.0))["rgb"]
    tiles["low sun, with shadows"] = street.see(MAST)["rgb"]
    cloudy = Street()
    cloudy.state.sky_zenith[0] = cloudy.state.sky_horizon[0] = (0.72, 0.74, 0.76)
    cloudy.state.sun_color[0], cloudy.state.fog_density[0] = 0.3, 0.03
    tiles["fog"] = cloudy.see(CAMERA)["rgb"]
    tiles["dusk"] = Street(time_of_day="dusk").see(CAMERA)["rgb"]
    tiles["night with headlights"] = Street(time_of_day="night").see(CAMERA)["rgb"]
    cloudy.state.sky_zenith[0] = cloudy.state.sky_horizon[0] = (0.62, 0.65, 0.68)
    cloudy.state.fog_density[0] = 0.006
    dry = cloudy.see(CAMERA)
    tiles["rain"] = spoil(dry, Sensor(rain=0.9), CAMERA)["rgb"]
    tiles["spray on the lens"] = spoil(dry, Sensor(spray=0.8), CAMERA)["rgb"]
    return contact_sheet(tiles, 4)


def spoil(images: dict[str, NDArray[Any]], sensor: Sensor, camera: Camera) -> dict[str, NDArray[Any]]:
    """Copies of one world's images with the effects of a sensor."""
    result = {name: image[None].copy() for name, image in images.items()}
    zero = np.zeros(1, np.int64)
    SensorModel(sensor, camera, 1).apply(result, zero, zero + 7, zero + 20, result.get("flow"), [SPEED])
    return {name: image[0] for name, image in result.items()}


def sensor_sheet() -> Image:
    """Sensor effects, one per image."""
    seen = Street().see_motion(CAMERA, ("rgb", "depth", "flow"))
    colors = {
        "perfect": Sensor(),
        "exposure -2 stops": Sensor(exposure=-2.0),
        "exposure +1.5 stops": Sensor(exposure=1.5),
        "white balance 3200 K": Sensor(white_balance=3200.0),
        "white balance 12000 K": Sensor(white_balance=12000.0),
        "noise: 60 electrons full well": Sensor(full_well=60.0, read_noise=3.0),
        "motion blur: shutter open 100 ms": Sensor(motion_blur=1.0),
        "JPEG, quality 8": Sensor(jpeg_quality=8),
        "vignetting 0.9": Sensor(vignetting=0.9),
    }
    depths = {
        "depth": Sensor(),
        "depth noise 0.02 / m": Sensor(depth_noise=0.02),
        "depth holes 0.2, range 2..60 m (gray)": Sensor(depth_holes=0.2, depth_range=(2.0, 60.0)),
    }
    tiles = {title: spoil(seen, sensor, CAMERA)["rgb"] for title, sensor in colors.items()}
    for title, sensor in depths.items():
        tiles[title] = depth_image(spoil(seen, sensor, CAMERA)["depth"], 3.0, 120.0)
    return contact_sheet(tiles, 4)


def surface_sheet() -> Image:
    """A ball of every kind of surface, solid and cut-out plants, and supersampling."""
    balls = {
        "plain": Surface((0.75, 0.35, 0.25)),
        "textured": Surface((1.0, 1.0, 1.0), textures.roof_tiles(0)),
        "specular paint": Surface((0.75, 0.12, 0.12), specular=0.04, shininess=256),
        "metal": Surface((0.85, 0.66, 0.35), specular=0.7, shininess=64, metallic=True),
        "cut out": Surface((1.0, 1.0, 1.0), textures.leaf_cover(0), double_sided=True),
        "emissive, at night": Surface((1.0, 0.80, 0.46), emissive=True),
    }
    tiles = {title: _ball(surface, "night" in title) for title, surface in balls.items()}
    tiles["plants, solid"], tiles["plants, cut out (near level)"] = _plants(False), _plants(True)
    crops = [_far_road(samples) for samples in (1, 2)]
    tiles["1 sample per pixel (enlarged 4 times)"], tiles["2 x 2 samples (enlarged 4 times)"] = crops
    return contact_sheet(tiles, 5)


def _floor(surface: Surface, meters: float, size: float = 80.0) -> Mesh:
    """A floor whose texture repeats after so many meters."""
    return _repeated(Mesh.grid(size, size, surface, cells=8), size / meters, size / meters)


def _repeated(mesh: Mesh, across: float, up: float) -> Mesh:
    return replace(mesh, uvs=np.asarray(mesh.uvs) * np.array([across, up], np.float32))


def _ball(surface: Surface, night: bool) -> Image:
    scene = Scene()
    ground = scene.add("ground", _floor(Surface((1.0, 1.0, 1.0), textures.asphalt(5)), 8.0))
    kind = scene.add("ball", _repeated(Mesh.sphere(1.0, surface, 64, 32), 4.0, 2.0))
    state = SceneState(scene, 1)
    state.place(0, ground, [[0.0, 0.0, 0.0]])
    state.place(0, kind, [[0.0, 0.0, 1.0]])
    sample_light(state, 0, np.random.default_rng(0), None, Conditions("night" if night else "day"))
    state.sun_direction[0] = np.array([-0.55, 0.45, 0.70]) / np.linalg.norm([0.55, 0.45, 0.70])
    camera = Camera(280, 220, 42.0, supersampling=2, shadow_distance=12.0)
    image: Image = Renderer(state, camera).render(look_at([-4.2, 0.0, 1.9], [0.0, 0.0, 0.85])[None])["rgb"][0]
    return image


def _plants(cut_out: bool) -> Image:
    scene = Scene()
    ground = scene.add("ground", _floor(Surface((1.0, 1.0, 1.0), textures.grass(1)), 20.0))
    makers = (conifer(2, cut_out), broadleaf(2, cut_out), bush(1, cut_out))
    plants = scene.add("plant", list(makers), 3)
    state = SceneState(scene, 1)
    state.place(0, ground, [[0.0, 0.0, 0.0]])
    state.place(0, plants, [[18.0, 5.5, 0.0], [16.0, -3.2, 0.0], [9.0, 1.2, 0.0]], variant=[0, 1, 2])
    sample_light(state, 0, np.random.default_rng(0), None)
    state.sun_direction[0] = np.array([-0.5, -0.6, 0.75]) / np.linalg.norm([0.5, 0.6, 0.75])
    camera = Camera(280, 220, 52.0, supersampling=2, shadow_distance=40.0)
    image: Image = Renderer(state, camera).render(look_at([0.0, 0.0, 1.6], [16.0, 0.0, 4.2])[None])["rgb"][0]
    return image


def _far_road(samples: int) -> Image:
    camera = replace(CAMERA, width=240, height=150, supersampling=samples)
    image = Street().see(camera)["rgb"][38:93, 80:150]
    return np.asarray(cv2.resize(image, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST), np.uint8)


def car_sheet() -> Image:
    """Cars from all sides, near and far, by day, and at night in the ego vehicle's headlights."""
    views = {"front": 180.0, "front left": 215.0, "left": 270.0, "rear left": 325.0, "rear": 0.0}
    tiles = {}
    for time_of_day, distances in (("day", (6.0, 15.0, 60.0)), ("night", (15.0, 40.0))):
        scene = Scene()
        ground = scene.add("ground", _floor(Surface((1.0, 1.0, 1.0), textures.asphalt(2)), 8.0, 160.0))
        cars = scene.add("car", [sedan().levels])
        state = SceneState(scene, 1)
        state.place(0, ground, [[0.0, 0.0, 0.0]])
        sample_light(state, 0, np.random.default_rng(0), None, Conditions(time_of_day))
        if time_of_day == "night":
            point_headlights(state, np.array([0]), np.eye(4)[None])
        for distance in distances:
            for index, (side, yaw) in enumerate(views.items()):
                state.place(0, cars, [[distance, 0.0, 0.0]], np.radians(yaw), colors=PAINTS[index])
                field = float(np.degrees(2.0 * np.arctan(2.9 / distance)))
                camera = Camera(280, 150, field, supersampling=2, shadow_distance=distance + 6.0)
                pose = look_at([0.0, 0.0, 1.4 + 0.02 * distance], [distance, 0.0, 0.6])
                image = Renderer(state, camera).render(pose[None])["rgb"][0]
                tiles[f"{side}, {distance:.0f} m, {time_of_day}"] = image
    return contact_sheet(tiles, 5)


def rig_sheet() -> Image:
    """A stereo pair with its disparity, and a surround rig of four cameras."""
    street = Street()
    baseline, eye = 0.5, replace(CAMERA, position=(0.6, 0.25, 1.4))
    pair = {name: street.see(camera, ("rgb", "depth")) for name, camera in stereo_rig(eye, baseline).items()}
    disparity = eye.focal_length * baseline / pair["left"]["depth"]
    scaled = np.clip(disparity / 32.0 * 255.0, 0.0, 255.0).astype(np.uint8)
    colored = np.asarray(cv2.applyColorMap(scaled, cv2.COLORMAP_TURBO)[..., ::-1], np.uint8)
    anaglyph = np.dstack([pair["left"]["rgb"][..., 0], pair["right"]["rgb"][..., 1:]])
    tiles = {
        "stereo: left": pair["left"]["rgb"],
        "stereo: right, 0.5 m beside it": pair["right"]["rgb"],
        "disparity f b / z, to 32 pixels": colored,
        "both, as an anaglyph (red: left)": anaglyph,
    }
    outward = replace(CAMERA, fov_degrees=95.0, position=(0.0, 0.0, 1.7))
    names = ("surround: ahead", "surround: left", "surround: behind", "surround: right")
    for name, camera in zip(names, surround_rig(outward, 4).values(), strict=True):
        tiles[name] = street.see(camera)["rgb"]
    return contact_sheet(tiles, 4)


def camera_sheet(simulation: Simulation) -> Image:
    """One row per world: view from behind, then color, depth and segmentation of the camera."""
    seen = simulation.observe()
    assert isinstance(seen, dict)
    rows = []
    for world, behind in enumerate(simulation.render_frames(range(simulation.num_worlds))):
        parts = [
            cv2.resize(
                behind, (behind.shape[1] * SIZE // behind.shape[0], SIZE), interpolation=cv2.INTER_AREA
            ),
            seen["rgb"][world],
            depth_image(seen["depth"][world, ..., 0]),
            segmentation_image(seen["segmentation"][world, ..., 0]),
        ]
        rows.append(np.hstack(parts))
    return np.vstack(rows)


def write_camera_sheet(path: Path) -> None:
    """Write the image at the top of the README."""
    camera = {"width": SIZE, "height": SIZE}
    simulation = make_simulation(
        TASK, len(SEEDS), obs_mode="rgb+depth+segmentation", randomize="train", camera=camera
    )
    simulation.reset(seeds=SEEDS)
    for _ in range(STEPS):
        simulation.step(simulation.expert_action())
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(camera_sheet(simulation), cv2.COLOR_RGB2BGR))
    print(f"wrote {path}")


SHEETS = {
    "lenses": lens_sheet,
    "labels": label_sheet,
    "light": light_sheet,
    "sensor": sensor_sheet,
    "surfaces": surface_sheet,
    "cars": car_sheet,
    "traffic": traffic_sheet,
    "town": town_sheet,
    "rigs": rig_sheet,
}


def main() -> None:
    """Write docs/cameras.png and the contact sheets of the gallery."""
    write_camera_sheet(DOCS / "cameras.png")
    for name, sheet in SHEETS.items():
        write_sheet(DOCS / f"gallery_{name}.jpg", sheet())


if __name__ == "__main__":
    main()
