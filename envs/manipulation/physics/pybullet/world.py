"""One world's physics: a PyBullet client with an arm, a table and a task's bodies, rebuilt for every episode.

PyBullet's `restoreState` is not deterministic to the bit and neither is moving everything back, for contacts and their
impulses are remembered. A world that is built anew from nothing is, and takes 2 to 3 ms (`arm_physics` says why).
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.errors import CamshaftError
from camshaft.envs.manipulation.arms.descriptions import FINGER_FORCE
from camshaft.envs.manipulation.arms.model import ArmModel
from camshaft.envs.manipulation.arms.urdf import keep_urdf
from camshaft.envs.manipulation.bodies import Body, Part, Slider
from camshaft.envs.rendering.pybullet.links import Connection

Row = Sequence[float]
Reading = tuple[Row, Row, list[Row], list[Row], list[float]]
"""What `World.read` gives, in plain numbers that are cheap to gather over worlds: (A + 2,) rad, and meters of the
fingers; (A + 2,) their rates; (F, 7) poses and (F, 6) velocities of the bodies that are free; and where sliders are."""

SUBSTEPS = 10  # a control step
TIME_STEP = 1.0 / 200.0  # s
SOLVER_ITERATIONS = 12
POSITION_GAIN = 0.05  # of PyBullet's position motors: share of the way left that is made in a substep
FINGER_GAIN = 0.05  # likewise, of the fingers
FEED_FORWARD = 0.7  # share of the speed that would bring a joint to its target within a control step
MOTOR_MARGIN = (
    4.0  # of the arm's own torques: with less, starting and stopping within a control step goes astray
)
GRAVITY = 9.81  # m/s²
TABLE_FRICTION = 0.5

BOX, CYLINDER, SPHERE, MESH = 3, 4, 2, 5  # pybullet.GEOM_*
POSITION_CONTROL, VELOCITY_CONTROL = 2, 0


@dataclass(frozen=True, eq=False)
class Setup:
    """Where an episode begins, for one world.

    Attributes:
        joints: (A,) rad.
        opening: meters between the fingers.
        poses: (B, 7) of the bodies: position, and quaternion x, y, z, w.
        sliders: (B,) meters or rad, where sliders stand.
        scales: (B,) of the bodies' sizes.
        masses: (B,) kg; 0 stands fast.
        frictions: (B,).
        variants: (B,) which parts.
        latency: substeps until targets take hold.
    """

    joints: FloatArray
    opening: float
    poses: FloatArray
    sliders: FloatArray
    scales: FloatArray
    masses: FloatArray
    frictions: FloatArray
    variants: NDArray[np.int64]
    latency: int = 0


class World:
    """One world.

    Args:
        number: which, for messages.
        arm: the arm.
        bodies: of the task; ghosts are not in the physics.
        table: parts of the table, which stand fast.

    Attributes:
        free: indices of the bodies that move freely.
        sliding: of those that slide.
    """

    def __init__(self, number: int, arm: ArmModel, bodies: Sequence[Body], table: Sequence[Part]) -> None:
        import pybullet

        self.number = number
        self._arm, self._bodies, self._table = arm, tuple(bodies), tuple(table)
        connected = pybullet.connect(pybullet.DIRECT)
        if connected < 0:
            raise CamshaftError(
                "PyBullet gives no more connections in this process (1,024 at most): close environments"
            )
        self.client: Any = Connection(connected)
        self.close = weakref.finalize(self, _disconnect, connected)
        self._ids: list[int] = []
        count = arm.num_joints
        self._arm_joints, self._fingers = list(range(count)), [count, count + 1]
        self._all_joints = [*self._arm_joints, *self._fingers]
        self._forces = [*(MOTOR_MARGIN * effort for effort in arm.arm.efforts), FINGER_FORCE, FINGER_FORCE]
        self._gains = [POSITION_GAIN] * count + [FINGER_GAIN] * 2
        self.free = [n for n, body in enumerate(self._bodies) if _is_free(body)]
        self.sliding = [n for n, body in enumerate(self._bodies) if body.slider is not None]
        self._springs = [
            (n, body.slider)
            for n, body in enumerate(self._bodies)
            if body.slider is not None and body.slider.spring > 0.0
        ]
        self._late = False

    def build(self, setup: Setup) -> None:
        """Begin an episode: everything anew."""
        late = self._late = setup.latency > 0
        with self._connected():
            client = self.client
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
                str(self._arm.urdf),
                (self._arm.arm.base_x, 0.0, 0.0),
                useFixedBase=True,
                flags=_urdf_flags(),
            )
            finger = 0.5 * setup.opening
            for joint, angle in enumerate([*setup.joints, finger, finger]):
                client.resetJointState(self._robot, joint, angle)
            self._ids = [self._load(index, body, setup) for index, body in enumerate(self._bodies)]

    def hold(self, targets: list[float], rates: list[float]) -> None:
        """Set the motors.

        Args:
            targets: (A + 2,) rad of the arm's joints, and meters of the fingers.
            rates: (A + 2,) rad/s and m/s at which to go there.
        """
        try:
            self.client.setJointMotorControlArray(
                self._robot, self._all_joints, POSITION_CONTROL, targets, rates, self._forces, self._gains
            )
        except Exception as error:
            raise self._failure(error) from error

    def advance(self, substeps: int = SUBSTEPS) -> None:
        """Let time pass: a whole control step, or some substeps where an episode has latency."""
        try:
            for index, slider in self._springs:
                travel = self.client.getJointState(self._ids[index], 0)[0]
                force = slider.spring * abs(travel - slider.lower) + slider.friction
                self.client.setJointMotorControl2(
                    self._ids[index], 0, POSITION_CONTROL, targetPosition=slider.lower, force=force
                )
            for _ in range(substeps if self._late else 1):
                self.client.stepSimulation()
        except Exception as error:
            raise self._failure(error) from error

    def read(self) -> Reading:
        """Where everything is."""
        try:
            client = self.client
            angles, rates, _, _ = zip(*client.getJointStates(self._robot, self._all_joints), strict=True)
            poses, velocities = [], []
            for index in self.free:
                body = self._ids[index]
                position, orientation = client.getBasePositionAndOrientation(body)
                linear, angular = client.getBaseVelocity(body)
                poses.append(position + orientation)
                velocities.append(linear + angular)
            sliders = [client.getJointState(self._ids[index], 0)[0] for index in self.sliding]
        except Exception as error:
            raise self._failure(error) from error
        return angles, rates, poses, velocities, sliders

    @contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> Exception:
        """What to tell instead of PyBullet's own error."""
        if type(error).__name__ != "error" and not isinstance(error, TypeError):
            return error
        if self.client.isConnected():
            return CamshaftError(f"PyBullet refuses what world {self.number} asked of it: {error}")
        return CamshaftError(
            f"world {self.number} has lost its connection to PyBullet: the environment was closed, or something "
            "called pybullet.disconnect on it; make the environment anew"
        )

    def _load_table(self) -> None:
        for part in self._table:
            if part.collides:
                shape = self._shape([part], 1.0)
                body = self.client.createMultiBody(0.0, shape)
                self.client.changeDynamics(body, -1, lateralFriction=TABLE_FRICTION)

    def _load(self, index: int, body: Body, setup: Setup) -> int:
        if body.ghost:
            return -1
        position, orientation = setup.poses[index, :3].tolist(), setup.poses[index, 3:].tolist()
        friction = float(setup.frictions[index])
        parts = [part for part in body.variants[setup.variants[index]] if part.collides]
        if body.slider is not None:
            return self._load_slider(
                body, parts, position, orientation, friction, float(setup.sliders[index])
            )
        shape = self._shape(parts, float(setup.scales[index]))
        number = self.client.createMultiBody(float(setup.masses[index]), shape, -1, position, orientation)
        self.client.changeDynamics(
            number,
            -1,
            lateralFriction=friction,
            spinningFriction=0.001,
            rollingFriction=body.rolling_friction,
            collisionMargin=0.0005,
        )
        return int(number)

    def _load_slider(
        self,
        body: Body,
        parts: Sequence[Part],
        position: list[float],
        orientation: list[float],
        friction: float,
        travel: float,
    ) -> int:
        slider = body.slider
        assert slider is not None
        number = self.client.loadURDF(
            str(_slider_urdf(body.name, tuple(parts), slider)),
            position,
            orientation,
            useFixedBase=True,
            flags=_urdf_flags(),
        )
        self.client.resetJointState(number, 0, travel)
        self.client.setJointMotorControl2(
            number, 0, VELOCITY_CONTROL, targetVelocity=0.0, force=slider.friction
        )
        for link in (-1, 0):
            self.client.changeDynamics(number, link, lateralFriction=friction)
        return int(number)

    def _shape(self, parts: Sequence[Part], scale: float) -> int:
        if len(parts) == 1 and parts[0].kind != "mesh":
            return int(self._single(parts[0], scale))
        if len(parts) == 1:
            part = parts[0]
            return int(
                self.client.createCollisionShape(
                    MESH,
                    fileName=str(part.collision_file),
                    meshScale=[scale * part.size[0]] * 3,
                    collisionFramePosition=[scale * value for value in part.position],
                    collisionFrameOrientation=_quaternion(part),
                )
            )
        if any(part.kind != "box" for part in parts):
            raise CamshaftError("a body of several parts is made of boxes")
        return int(
            self.client.createCollisionShapeArray(
                shapeTypes=[BOX] * len(parts),
                halfExtents=[[0.5 * scale * value for value in part.size] for part in parts],
                collisionFramePositions=[[scale * value for value in part.position] for part in parts],
                collisionFrameOrientations=[_quaternion(part) for part in parts],
            )
        )

    def _single(self, part: Part, scale: float) -> int:
        place = {
            "collisionFramePosition": [scale * value for value in part.position],
            "collisionFrameOrientation": _quaternion(part),
        }
        create = self.client.createCollisionShape
        if part.kind == "box":
            return int(create(BOX, halfExtents=[0.5 * scale * value for value in part.size], **place))
        if part.kind == "cylinder":
            return int(create(CYLINDER, radius=scale * part.size[0], height=scale * part.size[1], **place))
        return int(create(SPHERE, radius=scale * part.size[0], **place))


def _is_free(body: Body) -> bool:
    return not body.ghost and body.mass > 0.0 and body.slider is None


def _disconnect(number: int) -> None:
    import pybullet

    if pybullet.isConnected(number):
        pybullet.disconnect(number)


def _urdf_flags() -> int:
    import pybullet

    return int(pybullet.URDF_IGNORE_VISUAL_SHAPES | pybullet.URDF_USE_INERTIA_FROM_FILE)


def _quaternion(part: Part) -> list[float]:
    import pybullet

    return list(pybullet.getQuaternionFromEuler(part.angles))


def _slider_urdf(name: str, parts: tuple[Part, ...], slider: Slider) -> Any:
    """A body that stands fast and what slides on it, as a URDF file."""
    size = max(max(part.size) for part in slider.parts)
    inertia = slider.mass * size * size / 6.0
    tensor = f'<inertia ixx="{inertia:.6g}" iyy="{inertia:.6g}" izz="{inertia:.6g}"/>'
    texts = [f'<robot name="{name}"><link name="base"><inertial><mass value="1"/>{tensor}</inertial>']
    texts += [_collision(part) for part in parts]
    texts.append(f'</link><link name="slider"><inertial><mass value="{slider.mass}"/>{tensor}</inertial>')
    texts += [_collision(part) for part in slider.parts if part.collides]
    place = " ".join(map(str, slider.position))
    axis = " ".join(map(str, slider.axis))
    texts.append(
        f'</link><joint name="slide" type="{slider.kind}"><parent link="base"/><child link="slider"/>'
        f'<origin xyz="{place}"/><axis xyz="{axis}"/>'
        f'<limit lower="{slider.lower}" upper="{slider.upper}" effort="100" velocity="10"/></joint></robot>'
    )
    return keep_urdf(name.replace(" ", "_"), "\n".join(texts))


def _collision(part: Part) -> str:
    place, angles = " ".join(map(str, part.position)), " ".join(map(str, part.angles))
    if part.kind == "box":
        geometry = f'<box size="{" ".join(map(str, part.size))}"/>'
    elif part.kind == "cylinder":
        geometry = f'<cylinder radius="{part.size[0]}" length="{part.size[1]}"/>'
    else:
        geometry = f'<sphere radius="{part.size[0]}"/>'
    return f'<collision><origin xyz="{place}" rpy="{angles}"/><geometry>{geometry}</geometry></collision>'
