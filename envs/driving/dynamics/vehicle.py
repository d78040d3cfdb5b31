"""A car as a dynamic single-track model, for all worlds at once.

Lateral tire forces follow Fiala's brush model (E. Fiala, VDI-Zeitschrift 96, 1954; as given by H. Pacejka, "Tire and
Vehicle Dynamics"): linear in slip at first, saturated at friction times load. Below walking speed, where slip angles
are ill-defined, motion blends into the kinematic single-track model. Integration is semi-implicit Euler.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.kernels import inlined, kernel

GRAVITY = 9.81  # m/s²
TIME_STEP = 0.01  # s, of the integration
KINEMATIC_SPEED, DYNAMIC_SPEED = 2.0, 4.0  # m/s, range over which the models blend
SPEED_GAIN = 1.0  # 1/s, of the cruise controller
ROLLING = 0.12  # m/s², rolling resistance

# Columns of the state.
X, Y, HEADING, SPEED, LATERAL_SPEED, YAW_RATE, STEERING, ACCELERATION = range(8)
NUM_STATES = 8

# Columns of the parameters.
MASS, INERTIA, FRONT, REAR, FRONT_STIFFNESS, REAR_STIFFNESS, FRICTION = range(7)
MAX_STEERING, STEERING_RATE, STEERING_LAG, MAX_ACCELERATION, MAX_BRAKING, MAX_JERK = range(7, 13)
POWER, DRAG, MAX_REVERSE = range(13, 16)


@dataclass(frozen=True)
class VehicleParameters:
    """Parameters of a mid-size sedan.

    Values are within the ranges of common passenger cars (R. Rajamani, "Vehicle Dynamics and Control", 2012).

    Attributes:
        mass: kg.
        inertia: kg·m², about the vertical axis.
        front, rear: meters from the center of mass to the axles.
        front_stiffness, rear_stiffness: N/rad of slip, each axle.
        friction: coefficient between tire and road.
        max_steering: rad at the road wheels, largest steering angle.
        steering_rate: rad/s, largest rate.
        steering_lag: s, time constant of the actuator.
        max_acceleration, max_braking: m/s².
        max_jerk: m/s³.
        power: W, limits acceleration at speed.
        drag: N per (m/s)².
        max_reverse: m/s, top speed in reverse; 0 if the car cannot reverse.
    """

    mass: float = 1500.0
    inertia: float = 2500.0
    front: float = 1.25
    rear: float = 1.45
    front_stiffness: float = 110_000.0
    rear_stiffness: float = 120_000.0
    friction: float = 0.9
    max_steering: float = 0.5
    steering_rate: float = 0.7
    steering_lag: float = 0.08
    max_acceleration: float = 2.5
    max_braking: float = 5.0
    max_jerk: float = 10.0
    power: float = 85_000.0
    drag: float = 0.42
    max_reverse: float = 0.0

    @property
    def wheelbase(self) -> float:
        """Meters between the axles."""
        return self.front + self.rear

    @property
    def understeer(self) -> float:
        """Understeer gradient in rad·s²/m: steering angle beyond L/r per lateral acceleration."""
        return (
            self.mass / self.wheelbase * (self.rear / self.front_stiffness - self.front / self.rear_stiffness)
        )

    def as_row(self) -> NDArray[np.float64]:
        """(16,) parameters in the column order of the kernels."""
        return np.array(
            [
                self.mass,
                self.inertia,
                self.front,
                self.rear,
                self.front_stiffness,
                self.rear_stiffness,
                self.friction,
                self.max_steering,
                self.steering_rate,
                self.steering_lag,
                self.max_acceleration,
                self.max_braking,
                self.max_jerk,
                self.power,
                self.drag,
                self.max_reverse,
            ]
        )


@kernel
def advance(state, parameters, steering, target_speed, steps):  # type: ignore[no-untyped-def]
    """Advance every car by `steps` steps of TIME_STEP, in place; a cruise controller holds the speeds.

    Args:
        state: (N, 8) float64: x, y, heading, speed, lateral speed, yaw rate, steering angle, acceleration.
        parameters: (N, 16), see VehicleParameters.
        steering: (N,) rad, target angles of the road wheels.
        target_speed: (N,) m/s.
        steps: number of steps.
    """
    for world in range(state.shape[0]):
        for _ in range(steps):
            pull = SPEED_GAIN * (target_speed[world] - state[world, SPEED])
            _advance_one(state[world], parameters[world], steering[world], pull)


@kernel
def advance_by_pedals(state, parameters, steering, pedals, steps):  # type: ignore[no-untyped-def]
    """Advance every car by `steps` steps of TIME_STEP, in place, by its pedals.

    Args:
        state: as for `advance`.
        parameters: as for `advance`.
        steering: as for `advance`.
        pedals: (N,) fraction of full throttle or, if negative, of full braking; negative also drives in reverse.
        steps: number of steps.
    """
    for world in range(state.shape[0]):
        for _ in range(steps):
            pull = pedal_acceleration(pedals[world], state[world, SPEED], parameters[world])
            _advance_one(state[world], parameters[world], steering[world], pull)


@inlined
def pedal_acceleration(pedal, speed, parameters):  # type: ignore[no-untyped-def]
    """Acceleration (m/s²) of a pedal position at a speed: engine, brakes, drag and rolling resistance."""
    mass = parameters[MASS]
    if parameters[MAX_REVERSE] > 0.0:
        limit = parameters[MAX_ACCELERATION] if pedal * speed >= 0.0 else parameters[MAX_BRAKING]
        return pedal * limit
    drag = parameters[DRAG] * speed * speed / mass + ROLLING * min(speed, 1.0)
    if pedal < 0.0:
        return pedal * parameters[MAX_BRAKING] - drag
    strongest = min(parameters[MAX_ACCELERATION], parameters[POWER] / (mass * max(speed, 1.0)))
    return pedal * strongest - drag


@kernel
def pedals_for(accelerations, state, parameters, result):  # type: ignore[no-untyped-def]
    """Write (N,) pedal positions for accelerations (N,) (m/s²) at the cars' speeds, within their limits."""
    for world in range(result.shape[0]):
        speed, wanted = state[world, SPEED], accelerations[world]
        idle = pedal_acceleration(0.0, speed, parameters[world])
        full = pedal_acceleration(1.0, speed, parameters[world])
        if wanted >= idle:
            result[world] = min((wanted - idle) / max(full - idle, 1e-3), 1.0)
        else:
            hardest = pedal_acceleration(-1.0, speed, parameters[world])
            result[world] = max((wanted - idle) / (idle - hardest), -1.0)


@kernel
def steering_for_curvature(curvature, speed, parameters):  # type: ignore[no-untyped-def]
    """Steering angle (rad) that holds a path curvature (1/m) in steady state at a speed (m/s)."""
    wheelbase = parameters[FRONT] + parameters[REAR]
    understeer = (
        parameters[MASS]
        / wheelbase
        * (parameters[REAR] / parameters[FRONT_STIFFNESS] - parameters[FRONT] / parameters[REAR_STIFFNESS])
    )
    return np.arctan(wheelbase * curvature) + understeer * speed * speed * curvature


@kernel
def steering_for_curvatures(curvatures, state, parameters, result):  # type: ignore[no-untyped-def]
    """Write (N,) steering angles (rad) that hold path curvatures (N,) (1/m) at the cars' speeds."""
    for world in range(state.shape[0]):
        result[world] = steering_for_curvature(curvatures[world], state[world, SPEED], parameters[world])


@kernel
def tire_force(slip, stiffness, limit):  # type: ignore[no-untyped-def]
    """Lateral force (N) of an axle at a slip angle (rad), opposed to the slip; `limit` is friction times load."""
    tangent = np.tan(slip)
    if abs(tangent) * stiffness >= 3.0 * limit:
        return -np.sign(tangent) * limit
    part = stiffness * tangent / (3.0 * limit)
    return -3.0 * limit * part * (1.0 - abs(part) + part * part / 3.0)


@inlined
def _advance_one(state, parameters, steering, pull):  # type: ignore[no-untyped-def]
    _actuate(state, parameters, steering, pull)
    mass, front, rear = parameters[MASS], parameters[FRONT], parameters[REAR]
    wheelbase = front + rear
    angle, speed = state[STEERING], state[SPEED]
    rolling = max(speed, 1.0)
    load = parameters[FRICTION] * mass * GRAVITY / wheelbase
    front_slip = np.arctan2(state[LATERAL_SPEED] + front * state[YAW_RATE], rolling) - angle
    rear_slip = np.arctan2(state[LATERAL_SPEED] - rear * state[YAW_RATE], rolling)
    front_force = tire_force(front_slip, parameters[FRONT_STIFFNESS], load * rear)
    rear_force = tire_force(rear_slip, parameters[REAR_STIFFNESS], load * front)
    cosine, sine = np.cos(angle), np.sin(angle)
    dynamic = min(max((speed - KINEMATIC_SPEED) / (DYNAMIC_SPEED - KINEMATIC_SPEED), 0.0), 1.0)
    turned = state[LATERAL_SPEED] * state[YAW_RATE] - front_force * sine / mass
    ahead = state[ACCELERATION] + dynamic * turned  # no braking by slowly rolling tires
    aside = (front_force * cosine + rear_force) / mass - speed * state[YAW_RATE]
    turning = (front * front_force * cosine - rear * rear_force) / parameters[INERTIA]
    lateral = state[LATERAL_SPEED] + TIME_STEP * aside
    yaw_rate = state[YAW_RATE] + TIME_STEP * turning
    speed += TIME_STEP * ahead
    if speed < -parameters[MAX_REVERSE]:
        speed = -parameters[MAX_REVERSE]
        state[ACCELERATION] = max(state[ACCELERATION], 0.0)
    rolling_yaw_rate = speed * np.tan(angle) / wheelbase
    state[SPEED] = speed
    state[YAW_RATE] = dynamic * yaw_rate + (1.0 - dynamic) * rolling_yaw_rate
    state[LATERAL_SPEED] = dynamic * lateral + (1.0 - dynamic) * rear * rolling_yaw_rate
    state[HEADING] += TIME_STEP * state[YAW_RATE]
    cosine, sine = np.cos(state[HEADING]), np.sin(state[HEADING])
    state[X] += TIME_STEP * (state[SPEED] * cosine - state[LATERAL_SPEED] * sine)
    state[Y] += TIME_STEP * (state[SPEED] * sine + state[LATERAL_SPEED] * cosine)


@inlined
def _actuate(state, parameters, steering, pull):  # type: ignore[no-untyped-def]
    """Steering and drive follow their targets within their lags, rates and limits."""
    limit = parameters[MAX_STEERING]
    wanted = min(max(steering, -limit), limit)
    rate = (wanted - state[STEERING]) / max(parameters[STEERING_LAG], TIME_STEP)
    rate = min(max(rate, -parameters[STEERING_RATE]), parameters[STEERING_RATE])
    state[STEERING] += TIME_STEP * rate
    pull = min(max(pull, -parameters[MAX_BRAKING]), parameters[MAX_ACCELERATION])
    change = TIME_STEP * parameters[MAX_JERK]
    state[ACCELERATION] += min(max(pull - state[ACCELERATION], -change), change)
