"""The arms: where their files are, how strong they are, and where they stand. All carry the Franka Hand."""

from __future__ import annotations

import math
from dataclasses import dataclass

from camshaft.envs.manipulation.arms.urdf import Color

HAND_FILE = "franka_panda/panda.urdf"
HAND_MASS = 0.81  # kg
FINGER_MASS = 0.1  # kg each
FINGER_TRAVEL = 0.04  # meters each
FINGER_FORCE = 70.0  # N, what the Franka Hand holds with continuously (Franka Hand data sheet)
FINGER_ROOT = 0.0584  # meters from hand to the fingers' links, along the hand's z
GRASP_POINT = 0.105  # meters from hand to the point between the pads
PAD = (0.021, 0.0155, 0.0538)  # meters, of the box about a finger, from its inner face outwards
WHITE: Color = (0.93, 0.93, 0.92)


@dataclass(frozen=True)
class Arm:
    """One arm, as its maker's URDF in `pybullet_data` describes it.

    Attributes:
        name: as the option `arm` has it.
        file: URDF, relative to `pybullet_data`.
        hand_offset: meters from the last link to the hand along its z.
        hand_yaw: rad, of the hand about that axis.
        base_x: meters, where the base stands.
        neutral: (A,) rad, the pose of which the arm stays near.
        efforts: (A,) N m, the largest torques.
        color: of the links that the file gives none.
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
        Arm(  # the pose is panda-gym's; torques: Franka Emika, Panda data sheet
            "panda",
            HAND_FILE,
            0.107,
            -0.25 * math.pi,
            -0.6,
            (0.0, 0.41, 0.0, -1.85, 0.0, 2.26, 0.79),
            (87.0, 87.0, 87.0, 87.0, 12.0, 12.0, 12.0),
        ),
        Arm(  # torques: KUKA, LBR iiwa 14 R820 data sheet
            "iiwa",
            "kuka_iiwa/model.urdf",
            0.045,
            -math.pi,
            -0.6,
            (0.0, 0.811, 0.0, -1.336, 0.0, 0.994, 0.0),
            (320.0, 320.0, 176.0, 176.0, 110.0, 40.0, 40.0),
        ),
        Arm(  # torques: the URDF of UFACTORY
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
