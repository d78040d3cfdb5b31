"""A software renderer for many worlds at once: meshes, scenes, cameras, labels."""

from envs.rendering.camera import Camera, look_at
from envs.rendering.camera_set import CameraSet, parse_cameras
from envs.rendering.labels import LABELS
from envs.rendering.lens import project, rays
from envs.rendering.mesh import Mesh
from envs.rendering.pybullet_bodies import PyBulletBodies
from envs.rendering.pybullet_camera import PyBulletCamera
from envs.rendering.renderer import Renderer
from envs.rendering.rigs import stereo_rig, surround_rig
from envs.rendering.scene import HIDDEN, Arena, Objects, Scene
from envs.rendering.scene_state import SceneState
from envs.rendering.sensor import Sensor, sample_sensor
from envs.rendering.surface import Surface, Texture

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
    "SceneState",
    "Sensor",
    "Surface",
    "Texture",
    "look_at",
    "parse_cameras",
    "project",
    "rays",
    "sample_sensor",
    "stereo_rig",
    "surround_rig",
]
