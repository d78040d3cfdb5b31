"""Descriptions of the arms: file, mount of the hand, base position, neutral pose and torque limits."""

from __future__ import annotations

import math
from dataclasses import dataclass

from camshaft.envs.manipulation.arms.hand import HAND_FILE
from camshaft.envs.manipulation.bodies import Color

WHITE: Color = (0.93, 0.93, 0.92)


@dataclass(frozen=True)
class ArmDescription:
    """An arm, from its maker's URDF in `pybullet_data`, with a Franka Hand.

    Attributes:
        name: value of the option `arm`.
        file: URDF, relative to `pybullet_data`.
        hand_offset: meters from the last link to the hand, along its z axis.
        hand_yaw: rad, rotation of the hand about that axis.
        base_x: meters, x of the base; its y and z are 0.
        neutral: (A,) rad, pose that inverse kinematics stays near.
        efforts: (A,) N m, torque limits.
        color: of links for which the file gives none.
    """

    name: str
    file: str
    hand_offset: float
    hand_yaw: float
    base_x: float
    neutral: tuple[float, ...]
    efforts: tuple[float, ...]
    color: Color = WHITE


ARMS = {
    arm.name: arm
    for arm in (
        ArmDescription(  # neutral pose: panda-gym; torques: Franka Emika, Panda data sheet
            "panda",
            HAND_FILE,
            0.107,
            -0.25 * math.pi,
            -0.6,
            (0.0, 0.41, 0.0, -1.85, 0.0, 2.26, 0.79),
            (87.0, 87.0, 87.0, 87.0, 12.0, 12.0, 12.0),
        ),
        ArmDescription(  # torques: KUKA, LBR iiwa 14 R820 data sheet
            "iiwa",
            "kuka_iiwa/model.urdf",
            0.045,
            -math.pi,
            -0.6,
            (0.0, 0.811, 0.0, -1.336, 0.0, 0.994, 0.0),
            (320.0, 320.0, 176.0, 176.0, 110.0, 40.0, 40.0),
        ),
        ArmDescription(  # torques: UFACTORY's URDF
            "xarm6",
            "xarm/xarm6_with_gripper.urdf",
            0.0,
            0.0,
            -0.45,
            (0.0, 0.137, -1.076, 0.0, 0.94, 0.0),
            (50.0, 50.0, 32.0, 32.0, 32.0, 20.0),
        ),
    )
}
