"""PyBullet's own Panda table scene, the same meshes at the same places for its TinyRenderer and for ours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pybullet
import pybullet_data
import trimesh
from numpy.typing import NDArray
from pybullet_utils.bullet_client import BulletClient

from envs.rendering import Camera, Mesh, Renderer, Scene, SceneState, Surface, Texture, look_at

FOV_DEGREES = 60.0
NEAR, FAR = 0.05, 20.0  # metres
TARGET = np.array([0.35, 0.0, 0.15])
MODELS = (
    ("plane.urdf", (0.0, 0.0, -0.65), "terrain"),
    ("table/table.urdf", (0.5, 0.0, -0.65), "table"),
    ("franka_panda/panda.urdf", (0.0, 0.0, 0.0), "robot"),
)
ARM_POSE = (0.0, 0.4, 0.0, -1.8, 0.0, 2.2, 0.8)  # radians
MAX_TEXTURE_SIDE = 1024
OUTPUTS = ("rgb", "depth", "segmentation")


@dataclass(frozen=True)
class Part:
    """One visual mesh of the scene.

    Attributes:
        mesh: in its own frame, scaled.
        pose: (4, 4) world from mesh.
    """

    mesh: Mesh
    pose: NDArray[np.float64]


def camera_poses(count: int) -> NDArray[np.float64]:
    """(count, 4, 4) world from camera, OpenCV axes, around the table."""
    angles = np.linspace(-1.2, 1.2, count)
    eyes = TARGET + np.column_stack([1.3 * np.cos(angles), 1.3 * np.sin(angles), np.full(count, 0.75)])
    return np.stack([look_at(eye, TARGET) for eye in eyes])


def table_client() -> BulletClient:
    """PyBullet with the scene as it ships it."""
    client = BulletClient(pybullet.DIRECT)
    client.setAdditionalSearchPath(pybullet_data.getDataPath())
    for file, position, _ in MODELS:
        body = client.loadURDF(file, position, useFixedBase=True)
    for joint, angle in enumerate(ARM_POSE):
        client.resetJointState(body, joint, angle)
    return client


def table_parts(client: BulletClient) -> list[Part]:
    """Every visual mesh of the scene, as PyBullet has loaded it."""
    parts = []
    for body, (_, _, label) in enumerate(MODELS):
        for shape in client.getVisualShapeData(body):
            mesh = Mesh.load(shape[4].decode(), _surface(Path(shape[4].decode()), label)).scaled(shape[3])
            link_pose = _link_pose(client, body, shape[1])
            pose = client.multiplyTransforms(*link_pose, shape[5], shape[6])
            parts.append(Part(mesh, _matrix(client, *pose)))
    return parts


def decimated(parts: Sequence[Part], faces: int) -> list[Part]:
    """The scene in plain colours with about `faces` triangles, every mesh giving up the same share."""
    share = faces / triangles(parts)
    plain = [replace(part.mesh, surfaces=(_plain(part.mesh.surfaces[0]),)) for part in parts]
    return [
        Part(mesh.decimated(max(12, round(len(mesh.faces) * share))), part.pose)
        for mesh, part in zip(plain, parts, strict=True)
    ]


def triangles(parts: Sequence[Part]) -> int:
    """Triangles of the scene."""
    return sum(len(part.mesh.faces) for part in parts)


def parts_client(parts: Sequence[Part], folder: Path) -> BulletClient:
    """PyBullet with these meshes, by way of OBJ files in `folder`."""
    client = BulletClient(pybullet.DIRECT)
    for number, part in enumerate(parts):
        path = folder / f"part_{number}.obj"
        _write_obj(path, part.mesh)
        colour = (*part.mesh.surfaces[0].colour, 1.0)
        shape = client.createVisualShape(pybullet.GEOM_MESH, fileName=str(path), rgbaColor=colour)
        position, orientation = part.pose[:3, 3], _quaternion(part.pose[:3, :3])
        client.createMultiBody(0, -1, shape, position, orientation)
    return client


class BulletCamera:
    """PyBullet's TinyRenderer: picture, depth and segmentation of one camera after another.

    Args:
        client: PyBullet with a scene.
        size: width and height in pixels.
        poses: (n, 4, 4) world from camera, OpenCV axes.
    """

    def __init__(self, client: BulletClient, size: int, poses: NDArray[np.float64]) -> None:
        self._client = client
        self._size = size
        self._views = [client.computeViewMatrix(*_eye_target_up(pose)) for pose in poses]
        self._projection = client.computeProjectionMatrixFOV(FOV_DEGREES, 1.0, NEAR, FAR)

    def frames(self) -> list[tuple[Any, Any, Any]]:
        """RGBA, depth buffer and body ids of every camera; without shadows, as ours."""
        return [
            self._client.getCameraImage(
                self._size,
                self._size,
                view,
                self._projection,
                shadow=0,
                renderer=pybullet.ER_TINY_RENDERER,
            )[2:]
            for view in self._views
        ]


class PartsCamera:
    """Our renderer on the same meshes: one world a camera.

    Args:
        parts: the scene.
        size: width and height in pixels.
        poses: (n, 4, 4) world from camera, OpenCV axes.
        num_threads: as in `Renderer`.
    """

    def __init__(
        self, parts: Sequence[Part], size: int, poses: NDArray[np.float64], num_threads: int | None
    ) -> None:
        scene = Scene()
        slots = [scene.add(f"part_{number}", part.mesh) for number, part in enumerate(parts)]
        state = SceneState(scene, len(poses))
        for slot, part in zip(slots, parts, strict=True):
            state.set_pose(slot, np.tile(part.pose, (len(poses), 1, 1)))
        camera = Camera(width=size, height=size, fov_degrees=FOV_DEGREES, near=NEAR, far=FAR)
        self._renderer = Renderer(state, camera, OUTPUTS, num_threads)
        self._poses = poses

    def frames(self) -> dict[str, NDArray[Any]]:
        """rgb, depth and segmentation of every camera."""
        return self._renderer.render(self._poses)


def _surface(path: Path, label: str) -> Surface:
    """Colour and texture that a mesh file names; image rows run down, texture rows up."""
    loaded: Any = trimesh.load(path, force="mesh")
    material = getattr(loaded.visual, "material", None)
    image = getattr(material, "image", None)
    if image is None:
        return Surface(label=label)
    sides = [min(MAX_TEXTURE_SIDE, 2 ** round(math.log2(side))) for side in image.size]
    texels = np.asarray(image.convert("RGB").resize(sides))[::-1]
    return Surface((1.0, 1.0, 1.0), Texture(np.ascontiguousarray(texels)), label)


def _plain(surface: Surface) -> Surface:
    """The surface in its mean colour: decimation loses texture coordinates."""
    if surface.texture is None:
        return surface
    red, green, blue = surface.texture.levels[-1].reshape(3) / 255.0
    return Surface((float(red), float(green), float(blue)), label=surface.label)


def _link_pose(client: BulletClient, body: int, link: int) -> Any:
    """Where the URDF frame of a link stands; PyBullet gives that of the base as its centre of mass."""
    if link >= 0:
        return client.getLinkState(body, link, computeForwardKinematics=True)[4:6]
    centre = client.getBasePositionAndOrientation(body)
    inertial = client.invertTransform(*client.getDynamicsInfo(body, -1)[3:5])
    return client.multiplyTransforms(*centre, *inertial)


def _matrix(client: BulletClient, position: Any, orientation: Any) -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(client.getMatrixFromQuaternion(orientation), (3, 3))
    matrix[:3, 3] = position
    return matrix


def _quaternion(rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """(x, y, z, w) of a rotation matrix, by its largest component."""
    trace = np.trace(rotation)
    squares = np.array([*(1.0 + 2.0 * np.diag(rotation) - trace), 1.0 + trace]) / 4.0
    largest = int(squares.argmax())
    quaternion = np.empty(4)
    quaternion[largest] = math.sqrt(squares[largest])
    divisor = 4.0 * quaternion[largest]
    for axis in range(3):
        one, two = (axis + 1) % 3, (axis + 2) % 3
        if largest == 3:
            quaternion[axis] = (rotation[two, one] - rotation[one, two]) / divisor
        elif axis == largest:
            quaternion[3] = (rotation[two, one] - rotation[one, two]) / divisor
            quaternion[one] = (rotation[one, axis] + rotation[axis, one]) / divisor
            quaternion[two] = (rotation[two, axis] + rotation[axis, two]) / divisor
    return quaternion


def _eye_target_up(pose: NDArray[np.float64]) -> tuple[list[float], list[float], list[float]]:
    eye, forward, down = pose[:3, 3], pose[:3, 2], pose[:3, 1]
    return eye.tolist(), (eye + forward).tolist(), (-down).tolist()


def _write_obj(path: Path, mesh: Mesh) -> None:
    lines = [f"v {x:.7g} {y:.7g} {z:.7g}" for x, y, z in mesh.positions]
    lines += [f"vn {x:.5g} {y:.5g} {z:.5g}" for x, y, z in mesh.normals]  # type: ignore[union-attr]
    lines += [f"f {a}//{a} {b}//{b} {c}//{c}" for a, b, c in (mesh.faces + 1).tolist()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
