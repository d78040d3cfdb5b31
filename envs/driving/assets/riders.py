"""Seated poses of people on bicycles and motorcycles."""

from __future__ import annotations

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.assets.bodies import Body
from camshaft.envs.driving.assets.walk import NECK, PARTS, forwards, two_links


def seated_poses(
    body: Body,
    hips: FloatArray,
    lean: float,
    hands: tuple[float, float],
    ankles: FloatArray,
    knees: float,
) -> FloatArray:
    """Poses of the parts of a rider.

    Args:
        body: body of the rider.
        hips: (2,) x and z of the hip joints, meters, frame of the vehicle.
        lean: forward lean of the trunk, rad.
        hands: x and z of the wrists, which have the y of the shoulders.
        ankles: (2, 2) x and z of the left and right ankle.
        knees: meters from the midline to each leg.

    Returns:
        (12, 4, 4) poses in the order of `walk.PARTS`.
    """
    poses = np.tile(np.eye(4), (len(PARTS), 1, 1))

    def put(part: str, turn: float, x: float, y: float, z: float) -> None:
        number = PARTS.index(part)
        poses[number, :3, :3], poses[number, :3, 3] = forwards(np.array([turn]))[0], (x, y, z)

    along = np.array([np.sin(lean), np.cos(lean)])
    shoulder, neck = hips + body.trunk * along, hips + (body.trunk + NECK * body.head) * along
    put("torso", -lean, hips[0], 0.0, hips[1])
    put("head", -0.3 * lean, neck[0], 0.0, neck[1])
    arm, forearm = two_links(
        body.upper_arm, body.forearm, hands[0] - shoulder[0], hands[1] - shoulder[1], -1.0
    )
    elbow = shoulder + body.upper_arm * np.array([np.sin(arm), -np.cos(arm)])
    for side, sign, ankle in zip(("left", "right"), (1.0, -1.0), ankles, strict=True):
        y = sign * body.shoulder_half
        put(f"{side}_upper_arm", float(arm), shoulder[0], y, shoulder[1])
        put(f"{side}_forearm", float(forearm), elbow[0], y, elbow[1])
        thigh, shin = two_links(body.thigh, body.shin, ankle[0] - hips[0], ankle[1] - hips[1], 1.0)
        knee = hips + body.thigh * np.array([np.sin(thigh), -np.cos(thigh)])
        put(f"{side}_thigh", float(thigh), hips[0], sign * knees, hips[1])
        put(f"{side}_shin", float(shin), knee[0], sign * knees, knee[1])
        put(f"{side}_foot", -0.12, ankle[0], sign * knees, ankle[1])
    return poses
