"""A software renderer for many worlds at once: meshes, scenes, cameras, labels."""

from envs.rendering.camera import Camera, look_at
from envs.rendering.labels import LABELS
from envs.rendering.lens import project, rays
from envs.rendering.mesh import Mesh
from envs.rendering.renderer import Renderer
from envs.rendering.scene import HIDDEN, Arena, Objects, Scene
from envs.rendering.scene_state import SceneState
from envs.rendering.surface import Surface, Texture

__all__ = [
    "HIDDEN",
    "LABELS",
    "Arena",
    "Camera",
    "Mesh",
    "Objects",
    "Renderer",
    "Scene",
    "SceneState",
    "Surface",
    "Texture",
    "look_at",
    "project",
    "rays",
]
