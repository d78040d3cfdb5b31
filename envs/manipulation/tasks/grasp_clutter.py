"""Grasping in clutter: lift any of several objects of irregular shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from camshaft.envs.arrays import BoolArray, FloatArray
from camshaft.envs.manipulation import experts
from camshaft.envs.manipulation.arms.control import CONTROL_MODES
from camshaft.envs.manipulation.arms.hand import PAD
from camshaft.envs.manipulation.bodies import Body, Color, Part
from camshaft.envs.manipulation.episode import EpisodeStart, TableConfig
from camshaft.envs.manipulation.experts import CLOSE
from camshaft.envs.manipulation.physics.pybullet.library import data_path
from camshaft.envs.manipulation.scene.cameras import TASK_CAMERAS, fixed
from camshaft.envs.manipulation.staged import StagedSimulation, nearness
from camshaft.envs.rendering import Camera
from camshaft.envs.rendering.pybullet.links import pose_matrices

NUM_FILES = 1000  # procedural objects in `pybullet_data`
SCALE = 0.011  # meters per unit of the mesh files: objects of 2 to 11 cm
PATIENCE = 28  # steps after which the expert tries another object
WIDEST = 0.06  # meters, largest width that the expert grasps
ANGLES = np.arange(12) * np.pi / 12 - 0.5 * np.pi  # of candidate grasps, rad
ALONG = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)  # directions of the pads
ACROSS = np.stack([-ALONG[:, 1], ALONG[:, 0]], axis=1)  # directions in which the fingers close
SHIFTS = np.array([-0.02, -0.01, 0.0, 0.01, 0.02])  # meters from an object's middle along the pads
FEWEST_POINTS = 4  # of a surface between the pads
BAND = 0.012  # meters above and below the grasp point that the pads touch
LIFTED = 0.12  # meters
HOVER = 0.1  # meters above an object, from where the gripper goes straight down


class Grasp(NamedTuple):
    """Position (3,) of the grasp point (m), yaw of the gripper (rad), width between the fingers (m), and a cost."""

    position: FloatArray
    yaw: float
    width: float
    cost: float


@dataclass(frozen=True)
class GraspClutterConfig:
    """Options of the task.

    Attributes:
        table: the table.
        objects: number of objects on the table.
        pool: number of different objects to sample from; even ones are for training, odd ones for testing.
        mass, friction: kg, Coulomb coefficient of each object.
        spread: meters, side of the square in which the objects start.
        apart: meters, smallest distance between two objects at the start.
    """

    table: TableConfig = TableConfig(home=(0.04, 0.0, 0.3))
    objects: int = 5
    pool: int = 40
    mass: float = 0.1
    friction: float = 1.0
    spread: float = 0.3
    apart: float = 0.1


class GraspClutter(StagedSimulation):
    """Lift any of several objects of irregular shape.

    Description:
        Five objects lie on a table in front of an arm with a parallel gripper, sampled from 40 of the 1,000 procedural
        objects of `pybullet_data`. Control runs at 20 Hz, the physics at 200 Hz.

    Observation:
        By `obs_mode`: camera images; "state" (67,) float32: position and velocity of the gripper, its opening;
        position, roll, pitch, yaw, velocity and angular velocity of each object; in m, rad, m/s, rad/s. The state does
        not contain the shapes.

    Action:
        As in PickAndPlace, with "ee_pose" as the default `control_mode`, since most grasps need a turned gripper.

    Reward:
        "dense": `reward/reach`, up to 0.2, closeness of the gripper to the nearest object; `reward/lift`, up to 0.5,
        height of the highest object; `reward/success`, 1. "sparse": `reward/success` alone.

    Success:
        The middle of an object is more than 12 cm above the table.

    Termination:
        None. The time limit of 100 steps truncates.

    Randomization:
        As in Push, and the objects: the two splits share none.

    Source:
        Grasping of procedural objects in the simulator of QT-Opt (Kalashnikov et al. 2018), with the same objects.
    """

    control_modes: ClassVar[tuple[str, ...]] = (
        "ee_pose",
        *(mode for mode in CONTROL_MODES if mode != "ee_pose"),
    )
    stage_weights: ClassVar[Mapping[str, float]] = {"reach": 0.2, "lift": 0.5}
    task_cameras: ClassVar[Mapping[str, Camera]] = {
        **TASK_CAMERAS,
        "front": fixed(0.56, 0.55, 39.0, 33.0),
        "overhead": fixed(0.5, 0.72, 51.0, 30.0),
    }

    def __init__(
        self, num_worlds: int = 1, *, config: GraspClutterConfig = GraspClutterConfig(), **options: Any
    ) -> None:
        self.config = config
        self._pool = object_pool(config.pool)
        none = (b"", Grasp(np.zeros(3), 0.0, 0.0, 0.0))
        self._known = [[none] * config.objects for _ in range(num_worlds)]
        variants = tuple((part,) for part, _ in self._pool)
        bodies = tuple(
            Body(f"object {n}", variants, config.mass, config.friction, 0.001, color=color)
            for n, color in zip(range(config.objects), _colors(config.objects), strict=True)
        )
        super().__init__(num_worlds, bodies, config.table, **options)

    def _sample_start(self, start: EpisodeStart, rng: np.random.Generator) -> None:
        positions = experts.scattered(rng, self.config.objects, self.config.spread, self.config.apart)
        for number, position in enumerate(positions):
            _, points = self._pool[start.variants[number]]
            lowest = float(points[:, 2].min()) * start.scales[number]
            start.place(number, (*position, 0.002 - lowest), rng.uniform(-np.pi, np.pi))

    def _heights(self) -> FloatArray:
        """(N, objects) meters, heights of the objects' middles."""
        return np.asarray(self.poses[..., 2])

    def stages(self) -> dict[str, FloatArray]:
        """(N,) progress of reach and lift."""
        distance = np.linalg.norm(self.poses[..., :3] - self.hands[:, None], axis=2).min(axis=1)
        return {"reach": nearness(distance, 0.2), "lift": self._heights().max(axis=1) / LIFTED}

    def succeeded(self) -> BoolArray:
        """(N,) whether an object is lifted."""
        return np.asarray(self._heights().max(axis=1) > LIFTED)

    def _expert_targets(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Grasp the object that is easiest to grasp: narrow in one direction and clear of the others."""
        targets, yaw, grip = zip(*map(self._expert_target, range(self.num_worlds)), strict=True)
        return np.array(targets), np.array(yaw), np.array(grip)

    def _expert_target(self, world: int) -> tuple[FloatArray, float, float]:
        """Target, yaw and grip of one world."""
        hand, opening = self.hands[world], self.openings[world]
        grasps = self._grasps(world)
        attempt = int(self.elapsed_steps[world]) // PATIENCE
        order = np.argsort([grasp.cost for grasp in grasps])
        position, yaw, width, _ = grasps[order[attempt % len(order)]]
        near = bool(np.linalg.norm(hand - position) < 0.02)
        stalled = np.abs(self.joint_velocities[world, -2:]).max() < 0.03  # m/s
        at_object = np.linalg.norm(self.poses[world, :, :3] - hand, axis=1).min() < 0.05
        if 0.005 < opening < 0.062 and stalled and at_object:
            return np.array([hand[0], hand[1], LIFTED + 0.1]), self._heading(world), CLOSE
        if near and opening < width + 0.02:
            return position, yaw, CLOSE
        targets, grip, _ = experts.fetch(hand[None], np.array([opening]), position[None], width, HOVER)
        return targets[0], yaw, float(grip[0])

    def _heading(self, world: int) -> float:
        """Current yaw of the gripper in rad."""
        pose = self.kinematics.grasp[world]
        return float(np.arctan2(pose[1, 0], pose[0, 0]))

    def _grasps(self, world: int) -> list[Grasp]:
        """Best grasp of each object, updated when it has moved by 2 mm, or another object by 2 cm."""
        poses = np.round(self.poses[world] / 0.002) * 0.002
        coarse = np.round(self.poses[world, :, :2] / 0.02) * 0.02
        for number, known in enumerate(self._known[world]):
            seen = poses.copy()
            seen[:, :2] = coarse
            seen[:, 2:] = 0.0
            seen[number] = poses[number]
            key = seen.tobytes() + self._variants[world].tobytes() + self.scales[world].tobytes()
            if known[0] != key:
                self._known[world][number] = (key, self._grasp(world, number, seen))
        return [grasp for _, grasp in self._known[world]]

    def _grasp(self, world: int, number: int, poses: FloatArray) -> Grasp:
        """Best grasp of an object, given the poses (objects, 7) of all.

        Candidates are grasps at ANGLES and SHIFTS from the object's middle. The cost is lower where
        the object is narrow, close to its middle, and clear of other objects.
        """
        _, points = self._pool[self._variants[world, number]]
        frame = pose_matrices(poses[number])
        points = (self.scales[world, number] * points) @ frame[:3, :3].T + frame[:3, 3]
        top = float(points[:, 2].max())
        height = float(np.clip(0.5 * top, 0.012, max(0.012, top - 0.01)))
        band = points[np.abs(points[:, 2] - height) < BAND]
        middle = points.mean(axis=0)[:2]
        others = np.delete(poses[:, :2], number, axis=0)
        last_resort = Grasp(np.array([*middle, height]), 0.0, WIDEST, 5.0)
        if len(band) < FEWEST_POINTS:
            return last_resort
        offsets = band[:, :2] - middle
        along, across = (offsets @ directions.T for directions in (ALONG, ACROSS))  # (points, directions)
        between = np.abs(along[:, :, None] - SHIFTS) < PAD[0]  # (points, directions, shifts)
        enough = between.sum(axis=0) >= FEWEST_POINTS
        low = np.where(enough, np.where(between, across[:, :, None], np.inf).min(axis=0), 0.0)
        high = np.where(enough, np.where(between, across[:, :, None], -np.inf).max(axis=0), 0.0)
        widths, beside = high - low, 0.5 * (low + high)
        centers = middle + SHIFTS[:, None] * ALONG[:, None] + beside[..., None] * ACROSS[:, None]
        costs = (
            np.maximum(widths, 0.015)
            + 0.8 * np.linalg.norm(centers - middle, axis=-1)
            + _crowding(others, centers)
            + 0.005 * np.abs(ANGLES)[:, None]
            + (widths > WIDEST)
            + (np.abs(centers).max(axis=-1) > 0.22)
        )
        costs[~enough] = np.inf
        direction, shift = np.unravel_index(costs.argmin(), costs.shape)
        cost = float(costs[direction, shift])
        if cost >= last_resort.cost:
            return last_resort
        center = centers[direction, shift]
        return Grasp(
            np.array([*center, height]), float(ANGLES[direction]), float(widths[direction, shift]), cost
        )


def _crowding(others: FloatArray, centers: FloatArray) -> FloatArray:
    """(directions, shifts) cost of objects at (n, 2) near the fingers, ±5 cm across from centers (…, 2)."""
    fingers = centers[:, :, None] + 0.05 * np.stack([ACROSS, -ACROSS], axis=1)[:, None]
    distances = np.linalg.norm(others[:, None] - fingers[:, :, None], axis=-1)
    return np.asarray(np.clip(0.05 - distances, 0.0, None).sum(axis=(-2, -1)))


@cache
def object_pool(count: int) -> tuple[tuple[Part, FloatArray], ...]:
    """The first `count` objects that fit between the fingers, in the orientation of their files.

    Returns:
        Each object's part, and points (P, 3) on its surface in meters, in the frame of the body, whose origin is their
        mean.
    """
    found: list[tuple[Part, FloatArray]] = []
    for number in range(NUM_FILES):
        if len(found) == count:
            break
        path = data_path(f"random_urdfs/{number:03d}/{number:03d}.obj")
        points = _surface_points(path) * SCALE
        sizes = np.ptp(points, axis=0)
        if sizes[:2].min() > 0.9 * WIDEST or sizes[2] > 0.09:
            continue
        middle = points.mean(axis=0)
        shift = (float(-middle[0]), float(-middle[1]), float(-middle[2]))
        part = Part("mesh", (SCALE,), shift, file=path, collision_file=path)
        found.append((part, points - middle))
    return tuple(found)


def _surface_points(path: Path) -> FloatArray:
    """(P, 3) the vertices of an OBJ file, and 400 points sampled evenly on its faces from a fixed seed."""
    text = path.read_text()
    corners = np.array(re.findall(r"^v +([-\d.e]+) +([-\d.e]+) +([-\d.e]+)", text, re.MULTILINE), np.float64)
    faces = np.array(re.findall(r"^f +(\d+)\S* +(\d+)\S* +(\d+)", text, re.MULTILINE), np.int64) - 1
    triangles = corners[faces]
    sides = triangles[:, 1:] - triangles[:, :1]
    areas = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1)
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(faces), 400, p=areas / areas.sum())
    share = rng.random((400, 2))
    share = np.where(share.sum(axis=1, keepdims=True) > 1.0, 1.0 - share, share)
    points = triangles[chosen, 0] + np.einsum("pk,pki->pi", share, sides[chosen])
    return np.concatenate([points, np.unique(corners, axis=0)])


def _colors(count: int) -> list[Color]:
    wheel: list[Color] = [
        (0.8, 0.25, 0.2),
        (0.25, 0.6, 0.3),
        (0.25, 0.4, 0.8),
        (0.85, 0.65, 0.2),
        (0.55, 0.35, 0.65),
    ]
    return [wheel[number % len(wheel)] for number in range(count)]
