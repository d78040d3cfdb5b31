"""PyBullet's Panda table scene, as shipped and as converted for our renderer."""

from __future__ import annotations

import numpy as np
import pybullet
import pybullet_data
from pybullet_utils.bullet_client import BulletClient

from camshaft.envs.rendering import PyBulletBodies, SceneState
from camshaft.experiments.benchmarks.parts import Part

MODELS = (
    ("plane.urdf", (0.0, 0.0, -0.65), "terrain"),
    ("table/table.urdf", (0.5, 0.0, -0.65), "table"),
    ("franka_panda/panda.urdf", (0.0, 0.0, 0.0), "robot"),
)
ARM_POSE = (0.0, 0.4, 0.0, -1.8, 0.0, 2.2, 0.8)  # radians


def fill_table(client: BulletClient) -> None:
    """Load the scene into a client."""
    client.setAdditionalSearchPath(pybullet_data.getDataPath())
    for file, position, _ in MODELS:
        body = client.loadURDF(file, position, useFixedBase=True)
    for joint, angle in enumerate(ARM_POSE):
        client.resetJointState(body, joint, angle)


def table_client() -> BulletClient:
    """PyBullet with the scene."""
    client = BulletClient(pybullet.DIRECT)
    fill_table(client)
    return client


def table_bodies(client: BulletClient) -> PyBulletBodies:
    """The scene converted for our renderer, with its levels of detail."""
    return PyBulletBodies(client, labels={body: label for body, (_, _, label) in enumerate(MODELS)})


def table_state(bodies: PyBulletBodies, num_worlds: int) -> SceneState:
    """The scene in `num_worlds` worlds."""
    state = SceneState(bodies.scene, num_worlds)
    for world in range(num_worlds):
        bodies.update(state, world)
    return state


def table_parts(bodies: PyBulletBodies) -> list[Part]:
    """Every visual mesh of the scene, at full detail."""
    return [
        Part(shape.levels[0], np.asarray(pose))
        for shape, pose in zip(bodies.shapes, bodies.poses(), strict=True)
    ]
