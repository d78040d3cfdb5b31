"""Vehicle dynamics against closed forms and invariants."""

import numpy as np
import pytest

from camshaft.envs.driving.dynamics import vehicle
from camshaft.envs.driving.dynamics.vehicle import GRAVITY, TIME_STEP, VehicleParameters

CAR = VehicleParameters()


def drive(steering, speed, seconds, car=CAR, target=None, start=None):
    """State after holding a steering angle, and the trace of states."""
    state = np.zeros((1, vehicle.NUM_STATES))
    state[0, vehicle.SPEED] = speed
    if start:
        for column, value in start.items():
            state[0, column] = value
    trace = []
    for _ in range(round(seconds / TIME_STEP)):
        wanted = np.array([speed if target is None else target])
        vehicle.advance(state, car.as_row()[None], np.array([steering]), wanted, 1)
        trace.append(state[0].copy())
    return state[0], np.array(trace)


@pytest.mark.parametrize("speed", [8.0, 14.0, 22.0])
def test_steady_cornering_follows_the_understeer_formula(speed):
    steering = 0.004  # small, since the formula assumes linear tires
    final, _ = drive(steering, speed, 8.0)
    held = final[vehicle.SPEED]
    expected = held * steering / (CAR.wheelbase + CAR.understeer * held**2)
    assert final[vehicle.YAW_RATE] == pytest.approx(expected, rel=0.01)


def test_steering_for_curvature_is_the_inverse_of_steady_cornering():
    curvature, speed = 1.0 / 90.0, 15.0
    steering = vehicle.steering_for_curvature(curvature, speed, CAR.as_row())
    final, _ = drive(steering, speed, 8.0)
    assert final[vehicle.YAW_RATE] / final[vehicle.SPEED] == pytest.approx(curvature, rel=0.02)


def test_at_walking_speed_the_car_turns_kinematically():
    steering = 0.3
    final, _ = drive(steering, 1.2, 6.0)
    assert final[vehicle.YAW_RATE] == pytest.approx(
        final[vehicle.SPEED] * np.tan(steering) / CAR.wheelbase, rel=1e-6
    )
    assert final[vehicle.LATERAL_SPEED] == pytest.approx(CAR.rear * final[vehicle.YAW_RATE], rel=1e-6)


def test_a_standing_car_stays_where_it_is():
    final, trace = drive(0.4, 0.0, 3.0)
    assert np.isfinite(trace).all()
    assert final[[vehicle.X, vehicle.Y, vehicle.HEADING]] == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)


def test_tire_force_is_linear_at_first_and_saturates_at_friction():
    stiffness, limit = 100_000.0, 6000.0
    assert vehicle.tire_force(1e-4, stiffness, limit) == pytest.approx(-stiffness * 1e-4, rel=5e-3)
    slips = np.linspace(0.0, 1.2, 400)
    forces = np.array([vehicle.tire_force(slip, stiffness, limit) for slip in slips])
    assert (np.diff(forces) <= 1e-9).all()
    assert forces.min() == pytest.approx(-limit)
    mirrored = np.array([vehicle.tire_force(-slip, stiffness, limit) for slip in slips])
    assert mirrored == pytest.approx(-forces)


def test_lateral_acceleration_cannot_exceed_friction():
    _, trace = drive(0.5, 30.0, 4.0)
    aside = np.diff(trace[:, vehicle.LATERAL_SPEED]) / TIME_STEP
    aside += trace[:-1, vehicle.SPEED] * trace[:-1, vehicle.YAW_RATE]
    assert np.abs(aside).max() < CAR.friction * GRAVITY * 1.05


def test_a_slide_without_drive_never_gains_energy():
    state = np.zeros((1, vehicle.NUM_STATES))
    state[0, [vehicle.SPEED, vehicle.LATERAL_SPEED, vehicle.YAW_RATE]] = 20.0, 6.0, 1.0
    energies = []
    for _ in range(300):
        speed = state[0, vehicle.SPEED]
        vehicle.advance(state, CAR.as_row()[None], np.zeros(1), np.array([speed]), 1)
        moving = state[0, vehicle.SPEED] ** 2 + state[0, vehicle.LATERAL_SPEED] ** 2
        energies.append(0.5 * CAR.mass * moving + 0.5 * CAR.inertia * state[0, vehicle.YAW_RATE] ** 2)
        if state[0, vehicle.SPEED] < vehicle.DYNAMIC_SPEED:
            break
    assert (np.diff(energies) < 1e-3 * energies[0]).all()
    assert energies[-1] < energies[0]


def test_mirrored_steering_gives_mirrored_motion():
    left, _ = drive(0.08, 15.0, 3.0)
    right, _ = drive(-0.08, 15.0, 3.0)
    mirrored = [vehicle.Y, vehicle.HEADING, vehicle.LATERAL_SPEED, vehicle.YAW_RATE, vehicle.STEERING]
    assert right[mirrored] == pytest.approx(-left[mirrored], rel=1e-12)
    assert right[[vehicle.X, vehicle.SPEED]] == pytest.approx(left[[vehicle.X, vehicle.SPEED]], rel=1e-12)


def test_steering_moves_no_faster_than_its_rate():
    _, trace = drive(0.5, 10.0, 1.0)
    rates = np.diff(trace[:, vehicle.STEERING]) / TIME_STEP
    assert rates.max() <= CAR.steering_rate * (1 + 1e-9)
    assert rates[:20] == pytest.approx(CAR.steering_rate)


def test_cruise_controller_reaches_its_speed_within_its_limits():
    final, trace = drive(0.0, 5.0, 25.0, target=16.0)
    assert final[vehicle.SPEED] == pytest.approx(16.0, abs=0.05)
    accelerations = np.diff(trace[:, vehicle.SPEED]) / TIME_STEP
    assert accelerations.max() <= CAR.max_acceleration + 1e-9


def test_worlds_are_independent():
    state = np.zeros((3, vehicle.NUM_STATES))
    state[:, vehicle.SPEED] = [5.0, 12.0, 20.0]
    steering = np.array([0.1, -0.05, 0.02])
    parameters = np.tile(CAR.as_row(), (3, 1))
    together = state.copy()
    vehicle.advance(together, parameters, steering, state[:, vehicle.SPEED].copy(), 50)
    for world in range(3):
        alone = state[world : world + 1].copy()
        vehicle.advance(
            alone,
            parameters[:1],
            steering[world : world + 1],
            state[world : world + 1, vehicle.SPEED].copy(),
            50,
        )
        assert (alone[0] == together[world]).all()
