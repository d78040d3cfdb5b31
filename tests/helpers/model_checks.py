"""Checks shared by the tests of models: silhouettes, and faces visible from behind."""

from dataclasses import replace

import cv2
import numpy as np

from camshaft.envs.rendering import Camera, Mesh, Renderer, Scene, SceneState, look_at

VIEWS = np.array(  # viewing directions
    [
        [-1.0, 0.05, 0.2],
        [1.0, 0.05, 0.2],
        [0.05, -1.0, 0.2],
        [0.05, 1.0, 0.2],
        [-0.7, 0.6, 0.5],
        [0.6, -0.7, 0.8],
    ]
)
PIXELS = 96


def silhouette(mesh, view, center, radius):
    """(96, 96) bool: silhouette of a mesh from far away."""
    direction = view / np.linalg.norm(view)
    right = np.cross([0.0, 0.0, 1.0], direction)
    right /= np.linalg.norm(right)
    up = np.cross(direction, right)
    flat = (mesh.positions - center) @ np.stack([right, up], axis=1)
    points = np.round((flat / radius * 0.5 + 0.5) * PIXELS * 16.0).astype(np.int32)
    image = np.zeros((PIXELS, PIXELS), np.uint8)
    for triangle in points[mesh.faces]:
        cv2.fillConvexPoly(image, triangle, 1, cv2.LINE_8, 4)
    return image > 0


def silhouette_agreement(first, second):
    """The smallest intersection over union of two meshes' silhouettes, over all views."""
    low, high = first.positions.min(axis=0), first.positions.max(axis=0)
    center, radius = 0.5 * (low + high), 0.55 * float(np.linalg.norm(high - low))
    shares = []
    for view in VIEWS:
        one, two = (silhouette(mesh, view, center, radius) for mesh in (first, second))
        shares.append((one & two).sum() / (one | two).sum())
    return min(shares)


def see_through(mesh, tolerance=0.06):
    """Share of a mesh's pixels, over all views, where a back face would be nearer."""
    depths = []
    for both in (False, True):
        surfaces = tuple(
            replace(surface, double_sided=surface.double_sided or both) for surface in mesh.surfaces
        )
        depths.append(_depths(replace(mesh, surfaces=surfaces)))
    covered = depths[1] < depths[1].max()
    return float((depths[0] - depths[1] > tolerance)[covered].mean())


def _depths(mesh: Mesh) -> np.ndarray:
    """(views, 96, 96) meters."""
    scene = Scene()
    kind = scene.add("model", [mesh])
    state = SceneState(scene, len(VIEWS))
    low, high = mesh.positions.min(axis=0), mesh.positions.max(axis=0)
    center, radius = 0.5 * (low + high), 0.5 * float(np.linalg.norm(high - low))
    for world in range(len(VIEWS)):
        state.place(world, kind, [[0.0, 0.0, 0.0]])
    eyes = center + 4.0 * radius * VIEWS / np.linalg.norm(VIEWS, axis=1, keepdims=True)
    poses = np.stack([look_at(eye, center) for eye in eyes])
    camera = Camera(PIXELS, PIXELS, 30.0, near=0.1 * radius, far=20.0 * radius)
    return Renderer(state, camera, ("depth",), 1).render(poses)["depth"].reshape(len(VIEWS), PIXELS, PIXELS)


def seen_from_ahead(levels, center, width, height, pixels=(160, 80)):
    """Image of a front that faces -x, filling the image, in flat light."""
    scene = Scene()
    kind = scene.add("model", [levels])
    state = SceneState(scene, 1)
    state.place(0, kind, [[0.0, 0.0, 0.0]])
    state.sun_color[:] = 0.0
    state.sky_zenith[:] = state.sky_horizon[:] = state.ground_light[:] = 1.0
    fov, distance = 7.0, 0.5 * width / np.tan(np.radians(3.5))
    camera = Camera(pixels[0], round(pixels[0] * height / width), fov, supersampling=2)
    eye = np.asarray(center) - [distance, 0.0, 0.0]
    return Renderer(state, camera, ("rgb",), 1).render(look_at(eye, center)[None])["rgb"][0]


def likeness(rendered, texture):
    """Correlation of an image with a texture, upright and mirrored."""
    painted = cv2.resize(texture.levels[0][::-1, :, :3], rendered.shape[1::-1], interpolation=cv2.INTER_AREA)
    flat = rendered.astype(float).ravel()
    return tuple(
        float(np.corrcoef(flat, image.astype(float).ravel())[0, 1]) for image in (painted, painted[:, ::-1])
    )
