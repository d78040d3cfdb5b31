"""Control of cars along plans of `parking_planner`, for all worlds at once.

A plan is a sequence of poses of the middle of the rear axle, each with the direction in which it is reached. The car
follows it segment by segment: between changes of direction it steers by the plan's curvature and its errors in position
and heading (rear-axle feedback; B. Paden et al., "A Survey of Motion Planning and Control Techniques", 2016, IV-B); at
a change it stops and turns its wheels before it continues.
"""

from __future__ import annotations

import numpy as np

from camshaft.envs.driving.dynamics.vehicle import HEADING, MAX_STEERING, SPEED, STEERING, X, Y
from camshaft.envs.kernels import inlined, kernel

FORWARD_SPEED, REVERSE_SPEED = 2.2, 1.6  # m/s, top speed
BRAKING = 0.8  # m/s², planned braking
AT_END = 0.12  # meters before the end of a segment at which it counts as completed
STOPPED = 0.06  # m/s
TURNED = 0.06  # rad, tolerance of the steering angle at the beginning of a segment
LATERAL_GAIN, HEADING_GAIN = 0.9, 1.6  # 1/m², 1/m: curvature gains of the errors
PREVIEW = 0.35  # s, preview time of the curvature
SPEED_GAIN = 2.5  # 1/s
HARDEST = 1.5  # m/s², largest acceleration commanded by the pedals
SLOW_IN_BENDS = 2.4  # rad/s: target of speed times change of steering


@kernel
def follow_plans(  # type: ignore[no-untyped-def]
    state, parameters, rear, wheelbase, plans, counts, progress, lateral, heading, angles, pulls
):
    """Write steering angles (rad) and accelerations (m/s²) that follow the plans.

    Args:
        state: (N, 8) cars, see `vehicle`.
        parameters: (N, 16) parameters of the cars.
        rear: meters from the center of mass to the rear axle.
        wheelbase: meters.
        plans: (N, P, 4) x, y, heading, direction.
        counts: (N,) number of poses of each plan.
        progress: (N,) index of the pose that each car has reached, updated in place.
        lateral: (N,) meters by which the cars are assumed to be displaced to the left.
        heading: (N,) rad by which they are assumed to be turned to the left.
        angles: (N,) rad, steering angles to fill.
        pulls: (N,) m/s², accelerations to fill.
    """
    for world in range(state.shape[0]):
        yaw = state[world, HEADING] + heading[world]
        cosine, sine = np.cos(yaw), np.sin(yaw)
        x = state[world, X] - lateral[world] * np.sin(state[world, HEADING]) - rear * cosine
        y = state[world, Y] + lateral[world] * np.cos(state[world, HEADING]) - rear * sine
        speed, steering = state[world, SPEED], state[world, STEERING]
        plan, count = plans[world], counts[world]
        angles[world] = 0.0
        pulls[world] = -SPEED_GAIN * speed
        if count < 2:
            continue
        place = _advance(plan, count, progress[world], x, y)
        last = _stretch_end(plan, count, place)
        left = _along(plan, place, last, x, y)
        if left < AT_END and last < count - 1 and abs(speed) < STOPPED:
            place = last + 1
            last = _stretch_end(plan, count, place)
            left = _along(plan, place, last, x, y)
        progress[world] = place
        direction = plan[min(place + 1, last), 3]
        curvature, aside, turned = _errors(plan, place, last, x, y, yaw, abs(speed) * PREVIEW)
        wanted = curvature - direction * HEADING_GAIN * turned - LATERAL_GAIN * aside
        limit = parameters[world, MAX_STEERING]
        angle = min(max(np.arctan(wheelbase * wanted), -limit), limit)
        angles[world] = angle
        fastest = FORWARD_SPEED if direction > 0.0 else REVERSE_SPEED
        fastest = min(fastest, SLOW_IN_BENDS / (1.0 + 14.0 * abs(angle - steering)))
        wished = min(fastest, np.sqrt(max(2.0 * BRAKING * (left - 0.5 * AT_END), 0.0)))
        if abs(speed) < STOPPED and abs(angle - steering) > TURNED:
            wished = 0.0
        pull = SPEED_GAIN * (direction * wished - speed)
        pulls[world] = min(max(pull, -HARDEST), HARDEST)


@inlined
def _advance(plan, count, place, x, y):  # type: ignore[no-untyped-def]
    """Index of the nearest pose of the segment, from `place` on."""
    best, nearest = place, 1e18
    for row in range(place, _stretch_end(plan, count, place) + 1):
        distance = (plan[row, 0] - x) ** 2 + (plan[row, 1] - y) ** 2
        if distance < nearest:
            best, nearest = row, distance
    return best


@inlined
def _stretch_end(plan, count, place):  # type: ignore[no-untyped-def]
    """Index of the last pose before the direction changes."""
    row = min(place + 1, count - 1)
    direction = plan[row, 3]
    while row + 1 < count and plan[row + 1, 3] == direction:
        row += 1
    return row


@inlined
def _along(plan, place, last, x, y):  # type: ignore[no-untyped-def]
    """Meters from a point to the end of a segment, along it."""
    meters = 0.0
    for row in range(place + 1, last):
        meters += _distance(plan, row, row + 1)
    near = min(place + 1, last)
    if near == last:
        direction = plan[last, 3]
        return direction * (
            (plan[last, 0] - x) * np.cos(plan[last, 2]) + (plan[last, 1] - y) * np.sin(plan[last, 2])
        )
    return meters + np.sqrt((plan[near, 0] - x) ** 2 + (plan[near, 1] - y) ** 2)


@inlined
def _errors(plan, place, last, x, y, yaw, ahead):  # type: ignore[no-untyped-def]
    """Previewed curvature of the plan, lateral error (meters) and heading error (rad), both left positive."""
    cosine, sine = np.cos(plan[place, 2]), np.sin(plan[place, 2])
    forwards = cosine * (x - plan[place, 0]) + sine * (y - plan[place, 1])
    aside = -sine * (x - plan[place, 0]) + cosine * (y - plan[place, 1])
    expected = plan[place, 2] + forwards * _curvature(plan, place, last)
    turned = np.arctan2(np.sin(yaw - expected), np.cos(yaw - expected))
    row, meters = place, 0.0
    while row < last - 1 and meters < ahead:
        row += 1
        meters += _distance(plan, row - 1, row)
    return _curvature(plan, row, last), aside, turned


@inlined
def _curvature(plan, row, last):  # type: ignore[no-untyped-def]
    """Curvature (1/m) of the plan from one pose to the next, in the forward direction."""
    first = min(row, max(last - 1, 0))
    step = _distance(plan, first, first + 1)
    if step < 1e-6:
        return 0.0
    bend = plan[first + 1, 2] - plan[first, 2]
    return np.arctan2(np.sin(bend), np.cos(bend)) / (step * plan[first + 1, 3])


@inlined
def _distance(plan, one, other):  # type: ignore[no-untyped-def]
    return np.sqrt((plan[other, 0] - plan[one, 0]) ** 2 + (plan[other, 1] - plan[one, 1]) ** 2)
