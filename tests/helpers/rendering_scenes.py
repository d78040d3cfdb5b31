"""Small scenes that the tests of the renderer share."""

import numpy as np

from camshaft.envs.rendering import Camera, Mesh, Renderer, Scene, SceneState, look_at

FORWARD = look_at([0.0, 0.0, 0.0], [1.0, 0.0, 0.0])  # looks along x, y to the left, z up


def moved(x=0.0, y=0.0, z=0.0, yaw=0.0):
    """(4, 4) turned about z, then moved."""
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]
    matrix[:3, 3] = x, y, z
    return matrix


def build(placed, num_worlds=1, keypoints=()):
    """A state whose worlds hold each mesh at its pose; and the objects, in order."""
    scene = Scene()
    objects = [scene.add(str(index), mesh, keypoints=keypoints) for index, (mesh, _) in enumerate(placed)]
    state = SceneState(scene, num_worlds)
    for kind, (_, pose) in zip(objects, placed, strict=True):
        state.set_pose(kind, np.tile(pose, (num_worlds, 1, 1)))
    return state, objects


def clutter():
    """Things at several distances on a floor."""
    return [
        (Mesh.grid(60.0, 60.0, cells=8), moved(6.0, 0.0, -1.2)),
        (Mesh.box([1.0, 2.0, 0.7]), moved(6.0, 1.0, 0.0, 0.3)),
        (Mesh.sphere(0.8, segments=48, rings=24), moved(5.0, -1.0, 0.3)),
        (Mesh.cone(0.6, 1.5), moved(8.0, -2.5, -1.0)),
        (Mesh.cylinder(0.4, 2.0), moved(4.0, 1.6, -0.2)),
    ]


def render(state, camera=None, outputs=("rgb",), pose=FORWARD, **options):
    """Outputs of the first world, by name."""
    images = Renderer(state, camera or Camera(96, 72, 70.0), outputs, 1).render(
        np.tile(pose, (state.num_worlds, 1, 1)), **options
    )
    return {name: image[0] for name, image in images.items()}
