"""Franka Hand, the parallel gripper of every arm: dimensions, masses and force.

Its frame has z along the fingers and y along their opening.
"""

from __future__ import annotations

HAND_FILE = "franka_panda/panda.urdf"
HAND_MASS = 0.81  # kg
FINGER_MASS = 0.1  # kg each
FINGER_TRAVEL = 0.04  # meters each
FINGER_FORCE = 70.0  # N, continuous grasping force (Franka Hand data sheet)
FINGER_ROOT = 0.0584  # meters from the hand's frame to the finger links, along z
GRASP_POINT = 0.105  # meters from the hand's frame to the point between the pads, along z
PAD = (0.021, 0.0155, 0.0538)  # meters, collision box of a finger, outward from its inner face
