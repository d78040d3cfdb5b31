"""A world of bodies simulated by PyBullet."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

from camshaft.envs.errors import CamshaftError
from camshaft.envs.manipulation.arms.hand import FINGER_FORCE
from camshaft.envs.manipulation.arms.model import ArmModel
from camshaft.envs.manipulation.bodies import Body, Part, Slider
from camshaft.envs.manipulation.physics.pybullet.library import load_pybullet
from camshaft.envs.manipulation.physics.pybullet.urdf import arm_urdf, slider_urdf
from camshaft.envs.manipulation.physics.world import (
    GRAVITY,
    POSITION_GAIN,
    SUBSTEPS,
    TABLE_FRICTION,
    TIME_STEP,
    TORQUE_MARGIN,
    BodyWorld,
    Reading,
    Row,
    Setup,
)
from camshaft.envs.rendering.pybullet.links import Connection

SOLVER_ITERATIONS = 12
SPINNING_FRICTION = 0.001  # meters
COLLISION_MARGIN = 0.0005  # meters

Method = TypeVar("Method", bound=Callable[..., Any])


def _explains_errors(method: Method) -> Method:
    """A method of a world that raises PyBullet's errors as `CamshaftError`."""

    @wraps(method)
    def call(self: PyBulletWorld, *arguments: Any) -> Any:
        try:
            return method(self, *arguments)
        except (load_pybullet().error, TypeError) as error:
            raise self.explanation(error) from error

    return cast(Method, call)


class PyBulletWorld(BodyWorld):
    """One PyBullet client in DIRECT mode, without visual shapes.

    A reset builds everything from scratch. PyBullet's `restoreState` is not bit-exact, and neither is moving all bodies
    back, since it remembers contacts and their impulses; a rebuild takes 2 to 3 ms with the plain arm of `arm_urdf`.

    Attributes:
        client: PyBullet's functions, bound to this world's connection.
    """

    def __init__(self, number: int, arm: ArmModel, bodies: Sequence[Body], table: Sequence[Part]) -> None:
        super().__init__(number, arm, bodies, table)
        self._pybullet = pybullet = load_pybullet()
        connection = pybullet.connect(pybullet.DIRECT)
        if connection < 0:
            raise CamshaftError(
                "PyBullet gives no more connections in this process (1,024 at most): close environments"
            )
        self.client: Any = Connection(connection)
        self._finalizer = weakref.finalize(self, _disconnect, connection)
        self._arm_file = str(arm_urdf(arm))
        self._urdf_flags = pybullet.URDF_IGNORE_VISUAL_SHAPES | pybullet.URDF_USE_INERTIA_FROM_FILE
        self._servo_indices = list(range(arm.num_joints + 2))
        efforts = [TORQUE_MARGIN * effort for effort in arm.description.efforts]
        self._forces = [*efforts, FINGER_FORCE, FINGER_FORCE]
        self._gains = [POSITION_GAIN] * len(self._servo_indices)
        self._springs = [
            (index, body.slider)
            for index, body in enumerate(self._bodies)
            if body.slider is not None and body.slider.spring > 0.0
        ]
        self._ids: list[int] = []
        self._latency = 0
        self._targets: list[float] = []
        self._rates: list[float] = []

    @_explains_errors
    def reset(self, setup: Setup) -> None:
        """Rebuild the world from scratch, with everything at rest."""
        client, late = self.client, setup.latency > 0
        client.resetSimulation()
        client.setPhysicsEngineParameter(
            fixedTimeStep=TIME_STEP if late else SUBSTEPS * TIME_STEP,
            numSubSteps=0 if late else SUBSTEPS,
            numSolverIterations=SOLVER_ITERATIONS,
            deterministicOverlappingPairs=1,
            enableFileCaching=1,
        )
        client.setGravity(0.0, 0.0, -GRAVITY)
        self._load_table()
        self._robot = client.loadURDF(
            self._arm_file,
            (self._arm.description.base_x, 0.0, 0.0),
            useFixedBase=True,
            flags=self._urdf_flags,
        )
        finger = 0.5 * setup.opening
        self._targets = [*setup.joints.tolist(), finger, finger]
        self._rates = [0.0] * len(self._targets)
        self._latency = setup.latency
        for joint, position in enumerate(self._targets):
            client.resetJointState(self._robot, joint, position)
        self._ids = [self._load(index, body, setup) for index, body in enumerate(self._bodies)]

    @_explains_errors
    def step(self, targets: list[float], rates: list[float]) -> None:
        """Advance by one control step; see `BodyWorld.step`."""
        if self._latency:
            self._servo(self._targets, self._rates)
            self._advance(self._latency)
        self._servo(targets, rates)
        self._advance(SUBSTEPS - self._latency)
        self._targets, self._rates = targets, rates

    @_explains_errors
    def read(self) -> Reading:
        """State of the world after the last step or reset."""
        client = self.client
        joints, rates, _, _ = zip(*client.getJointStates(self._robot, self._servo_indices), strict=True)
        poses: list[Row] = []
        velocities: list[Row] = []
        for index in self.free:
            body = self._ids[index]
            position, orientation = client.getBasePositionAndOrientation(body)
            linear, angular = client.getBaseVelocity(body)
            poses.append(position + orientation)
            velocities.append(linear + angular)
        sliders = [client.getJointState(self._ids[index], 0)[0] for index in self.sliding]
        return Reading(joints, rates, poses, velocities, sliders)

    def close(self) -> None:
        """Disconnect from PyBullet."""
        self._finalizer()

    def explanation(self, error: Exception) -> CamshaftError:
        """The error to raise for one of PyBullet's."""
        if self.client.isConnected():
            return CamshaftError(f"PyBullet failed in world {self.number}: {error}")
        return CamshaftError(
            f"world {self.number} has lost its connection to PyBullet: the environment was closed, or something "
            "called pybullet.disconnect on it; make the environment again"
        )

    def _servo(self, targets: list[float], rates: list[float]) -> None:
        self.client.setJointMotorControlArray(
            self._robot,
            self._servo_indices,
            self._pybullet.POSITION_CONTROL,
            targets,
            rates,
            self._forces,
            self._gains,
        )

    def _advance(self, substeps: int) -> None:
        """Simulate some substeps with latency, a whole control step without."""
        for index, slider in self._springs:
            travel = self.client.getJointState(self._ids[index], 0)[0]
            force = slider.spring * abs(travel - slider.lower) + slider.friction
            self.client.setJointMotorControl2(
                self._ids[index],
                0,
                self._pybullet.POSITION_CONTROL,
                targetPosition=slider.lower,
                force=force,
            )
        for _ in range(substeps if self._latency else 1):
            self.client.stepSimulation()

    def _load_table(self) -> None:
        for part in self._table:
            if part.collides:
                body = self.client.createMultiBody(0.0, self._shape([part], 1.0))
                self.client.changeDynamics(body, -1, lateralFriction=TABLE_FRICTION)

    def _load(self, index: int, body: Body, setup: Setup) -> int:
        """PyBullet's id of a body, −1 for a ghost."""
        if body.ghost:
            return -1
        position, orientation = setup.poses[index, :3].tolist(), setup.poses[index, 3:].tolist()
        friction = float(setup.frictions[index])
        parts = [part for part in body.variants[setup.variants[index]] if part.collides]
        if body.slider is not None:
            file = str(slider_urdf(body.name, parts, body.slider))
            travel = float(setup.sliders[index])
            return self._load_slider(file, position, orientation, friction, body.slider, travel)
        shape = self._shape(parts, float(setup.scales[index]))
        number = self.client.createMultiBody(float(setup.masses[index]), shape, -1, position, orientation)
        self.client.changeDynamics(
            number,
            -1,
            lateralFriction=friction,
            spinningFriction=SPINNING_FRICTION,
            rollingFriction=body.rolling_friction,
            collisionMargin=COLLISION_MARGIN,
        )
        return int(number)

    def _load_slider(
        self,
        file: str,
        position: list[float],
        orientation: list[float],
        friction: float,
        slider: Slider,
        travel: float,
    ) -> int:
        number = self.client.loadURDF(file, position, orientation, useFixedBase=True, flags=self._urdf_flags)
        self.client.resetJointState(number, 0, travel)
        self.client.setJointMotorControl2(
            number, 0, self._pybullet.VELOCITY_CONTROL, targetVelocity=0.0, force=slider.friction
        )
        for link in (-1, 0):
            self.client.changeDynamics(number, link, lateralFriction=friction)
        return int(number)

    def _shape(self, parts: Sequence[Part], scale: float) -> int:
        """PyBullet's id of the collision shape of one part, or of several boxes."""
        if len(parts) == 1:
            return self._single_shape(parts[0], scale)
        if any(part.kind != "box" for part in parts):
            raise CamshaftError("a body of several parts that collide must be made of boxes")
        return int(
            self.client.createCollisionShapeArray(
                shapeTypes=[self._pybullet.GEOM_BOX] * len(parts),
                halfExtents=[[0.5 * scale * value for value in part.size] for part in parts],
                collisionFramePositions=[[scale * value for value in part.position] for part in parts],
                collisionFrameOrientations=[self._quaternion(part) for part in parts],
            )
        )

    def _single_shape(self, part: Part, scale: float) -> int:
        pybullet = self._pybullet
        kind: int
        size: dict[str, Any]
        if part.kind == "box":
            kind, size = pybullet.GEOM_BOX, {"halfExtents": [0.5 * scale * value for value in part.size]}
        elif part.kind == "cylinder":
            kind = pybullet.GEOM_CYLINDER
            size = {"radius": scale * part.size[0], "height": scale * part.size[1]}
        elif part.kind == "sphere":
            kind, size = pybullet.GEOM_SPHERE, {"radius": scale * part.size[0]}
        else:
            kind = pybullet.GEOM_MESH
            size = {"fileName": str(part.collision_file), "meshScale": [scale * part.size[0]] * 3}
        return int(
            self.client.createCollisionShape(
                kind,
                collisionFramePosition=[scale * value for value in part.position],
                collisionFrameOrientation=self._quaternion(part),
                **size,
            )
        )

    def _quaternion(self, part: Part) -> list[float]:
        return list(self._pybullet.getQuaternionFromEuler(part.angles))


def _disconnect(number: int) -> None:
    pybullet = load_pybullet()
    if pybullet.isConnected(number):
        pybullet.disconnect(number)
