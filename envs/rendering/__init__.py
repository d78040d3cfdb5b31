"""Batched software renderer: meshes, scenes, cameras with sensors, images and annotations."""

from camshaft.envs.rendering.camera import Camera, look_at
from camshaft.envs.rendering.camera_set import CameraSet, parse_cameras
from camshaft.envs.rendering.meshes.files import load_mesh
from camshaft.envs.rendering.meshes.labels import LABELS
from camshaft.envs.rendering.meshes.mesh import Mesh
from camshaft.envs.rendering.meshes.surface import Surface, Texture
from camshaft.envs.rendering.projection import project, rays
from camshaft.envs.rendering.pybullet.bodies import PyBulletBodies
from camshaft.envs.rendering.pybullet.camera import PyBulletCamera
from camshaft.envs.rendering.renderer import Renderer
from camshaft.envs.rendering.rigs import stereo_rig, surround_rig
from camshaft.envs.rendering.scene import HIDDEN, Arena, Objects, Scene
from camshaft.envs.rendering.scene_state import SceneSnapshot, SceneState
from camshaft.envs.rendering.sensor.sensor import Sensor, sample_sensor
from camshaft.envs.rendering.simplification.decimation import decimate

__all__ = [
    "HIDDEN",
    "LABELS",
    "Arena",
    "Camera",
    "CameraSet",
    "Mesh",
    "Objects",
    "PyBulletBodies",
    "PyBulletCamera",
    "Renderer",
    "Scene",
    "SceneSnapshot",
    "SceneState",
    "Sensor",
    "Surface",
    "Texture",
    "decimate",
    "load_mesh",
    "look_at",
    "parse_cameras",
    "project",
    "rays",
    "sample_sensor",
    "stereo_rig",
    "surround_rig",
]
