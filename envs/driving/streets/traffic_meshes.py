"""Model variants that show the current state of vehicles, pedestrians and traffic lights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.driving import assets
from camshaft.envs.driving.assets import BODIES, NUM_BODIES, RIDERS, STANDING, WALK_FRAMES
from camshaft.envs.driving.streets.street_mesh import CURB_HEIGHT
from camshaft.envs.driving.traffic.kinds import VehicleKind
from camshaft.envs.driving.traffic.signals import GREEN, RED, RED_YELLOW, YELLOW, seconds_to_green
from camshaft.envs.driving.traffic.state import WAITING
from camshaft.envs.kernels import kernel
from camshaft.envs.randomization import Split
from camshaft.envs.rendering import Mesh

Variants = list[list[Mesh]]
BLINK = 1.5  # 1/s, blink rate of turn signals
FIRM, STOPPED = -0.7, 0.3  # m/s² and m/s below which brake lights shine
PEDALS = 5.5  # meters of road per turn of a bicycle's cranks
WALKERS = 7.0  # seconds of red remaining when the pedestrian light turns red

OFF, BRAKING, LEFT, RIGHT, BRAKING_LEFT, BRAKING_RIGHT = range(6)
LIGHT_VARIANTS = len(assets.SIGNAL_STATES)
# State of a traffic light for RED, RED_YELLOW, GREEN and YELLOW, and that of a pedestrian light.
SHOWN = np.array(
    [assets.SIGNAL_STATES.index(name) for name in ("red", "red_yellow", "green", "yellow")], np.int64
)
FOOT_RED, FOOT_GREEN = (
    LIGHT_VARIANTS + assets.CROSSING_STATES.index("red"),
    LIGHT_VARIANTS + assets.CROSSING_STATES.index("green"),
)


def vehicle_variants(kinds: Sequence[VehicleKind]) -> tuple[Variants, NDArray[np.int64]]:
    """Variants of the kinds of vehicle, and (K, 3) the first variant, number of riders and of frames of each kind.

    A vehicle with lights has a variant for each of `assets.LIGHTS`; a bicycle has riders and frames.
    """
    variants: Variants = []
    table = np.zeros((len(kinds), 3), np.int64)
    for number, kind in enumerate(kinds):
        table[number] = (len(variants), 0, 0)
        if kind.name == "bicycle":
            table[number, 1:] = (len(RIDERS), assets.PEDAL_FRAMES)
            for rider in RIDERS:
                variants += assets.bicycle_frames(rider)
        else:
            variants += assets.VEHICLES[kind.name]().variants
    return variants, table


def person_variants() -> tuple[Variants, NDArray[np.float64]]:
    """Variants of people, by body and then frame, and their (V, 17, 3) keypoints."""
    frames = [frame for body in range(NUM_BODIES) for frame in assets.pedestrian_frames(body)]
    return frames, np.concatenate([assets.frame_keypoints(body) for body in range(NUM_BODIES)])


def light_variants() -> Variants:
    """Variants of traffic lights, first those for drivers, then those for pedestrians."""
    return assets.traffic_light_variants() + assets.crossing_light_variants()


def bodies_of(split: Split) -> NDArray[np.int64]:
    """Body numbers of a split."""
    everybody = np.arange(NUM_BODIES)
    return everybody if split is None else everybody[everybody % 2 == (split == "test")]


STRIDES = np.array([body.stride for body in BODIES])


@kernel
def show_vehicles(vehicles, times, table, parity, poses, variants):  # type: ignore[no-untyped-def]
    """Write the poses and variants of all vehicles except the ego vehicles.

    Args:
        vehicles: `Vehicles`.
        times: (N,) seconds, for blinking.
        table: (K, 3) from `vehicle_variants`.
        parity: −1 for all riders, 0 or 1 for those of a split.
        poses: (N, A − 1, 4) x, y, z, heading to fill.
        variants: (N, A − 1) to fill, −1 for none.
    """
    for world in range(poses.shape[0]):
        for row in range(poses.shape[1]):
            number = row + 1
            if not vehicles.present[world, number]:
                variants[world, row] = -1
                continue
            pose, place = vehicles.pose[world, number], poses[world, row]
            place[0], place[1], place[2], place[3] = pose[0], pose[1], 0.0, pose[2]
            kind = table[vehicles.kind[world, number]]
            if kind[2] > 0:
                rider = row % kind[1] if parity < 0 else (2 * row + parity) % kind[1]
                turns = vehicles.along[world, number] / PEDALS % 1.0
                variants[world, row] = kind[0] + rider * kind[2] + int(turns * kind[2])
                continue
            braking = vehicles.acceleration[world, number] < FIRM or vehicles.speed[world, number] < STOPPED
            side = vehicles.indicator[world, number]
            if side != 0 and (times[world] * BLINK + 0.37 * row) % 1.0 < 0.5:
                lit = LEFT if side > 0 else RIGHT
                variants[world, row] = kind[0] + lit + (2 if braking else 0)
            else:
                variants[world, row] = kind[0] + (BRAKING if braking else OFF)


@kernel
def show_people(people, bodies, strides, on_crossing, poses, variants):  # type: ignore[no-untyped-def]
    """Write the poses of people and their variants: frames of the gait.

    Args:
        people: `People`.
        bodies: (B,) numbers of the bodies to choose from.
        strides: (NUM_BODIES,) meters, stride lengths.
        on_crossing: (N, W) whether a footpath leads over a road.
        poses: (N, Q, 4) x, y, z, heading to fill.
        variants: (N, Q) to fill, −1 for none.
    """
    for world in range(poses.shape[0]):
        for number in range(poses.shape[1]):
            if not people.present[world, number]:
                variants[world, number] = -1
                continue
            pose, place = people.pose[world, number], poses[world, number]
            height = 0.0 if on_crossing[world, people.path[world, number]] >= 0 else CURB_HEIGHT
            place[0], place[1], place[2], place[3] = pose[0], pose[1], height, pose[2]
            body = bodies[people.kind[world, number] % bodies.shape[0]]
            frame = STANDING
            if people.state[world, number] != WAITING:
                frame = int(people.walked[world, number] / strides[body] * WALK_FRAMES) % WALK_FRAMES
            variants[world, number] = body * (WALK_FRAMES + 1) + frame


@kernel
def show_lights(states, signals, times, groups, on_foot, counts, variants):  # type: ignore[no-untyped-def]
    """Write the variants of traffic lights.

    Args:
        states: (N, S) states of the signal groups.
        signals: (N, S, 4) timing of the signal groups.
        times: (N,) seconds.
        groups: (N, H) signal group of each light.
        on_foot: (N, H) whether a light is for pedestrians.
        counts: (N,) number of lights.
        variants: (N, H) to fill, −1 for none.
    """
    for world in range(variants.shape[0]):
        for number in range(variants.shape[1]):
            if number >= counts[world]:
                variants[world, number] = -1
                continue
            group = groups[world, number]
            state = states[world, group]
            if on_foot[world, number]:
                left = seconds_to_green(signals[world, group], times[world])
                variants[world, number] = FOOT_GREEN if state == RED and left > WALKERS else FOOT_RED
            else:
                variants[world, number] = SHOWN[state]


assert (RED, RED_YELLOW, GREEN, YELLOW) == (0, 1, 2, 3)  # the order of SHOWN
