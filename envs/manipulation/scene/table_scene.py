"""What a table with an arm looks like, in every world: room, table, arm, bodies, light."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.manipulation.arms.descriptions import FINGER_ROOT
from camshaft.envs.manipulation.arms.model import ArmModel
from camshaft.envs.manipulation.bodies import Body, Part, parts_mesh
from camshaft.envs.manipulation.scene import textures
from camshaft.envs.randomization import Split, SplitRange, split_variants
from camshaft.envs.rendering import Mesh, Objects, Scene, SceneState, Surface
from camshaft.envs.rendering.pybullet.links import pose_matrices

FLOOR_HEIGHT = -0.75  # meters
ROOM = 4.0  # meters
TILE = 0.5  # meters
TOP_THICKNESS = 0.05  # meters

SUN_AZIMUTH = SplitRange(-math.pi, math.pi, nominal=0.9)  # rad
SUN_ELEVATION = SplitRange(math.radians(35.0), math.radians(80.0), nominal=math.radians(58.0))
BRIGHTNESS = SplitRange(0.75, 1.1, nominal=1.0)
WARMTH = SplitRange(-1.0, 1.0, nominal=0.3)
COLOR_SHIFT = SplitRange(-0.12, 0.12)


def table_parts(length: float, width: float, middle: float) -> tuple[Part, ...]:
    """A table, its top at height 0, and the floor below.

    Args:
        length: meters of the top, along x.
        width: meters, along y.
        middle: x of its middle.
    """
    leg = (0.06, 0.06, -FLOOR_HEIGHT - TOP_THICKNESS)
    parts = [
        Part("box", (length, width, TOP_THICKNESS), (middle, 0.0, -0.5 * TOP_THICKNESS)),
        Part("box", (ROOM, ROOM, 0.1), (0.0, 0.0, FLOOR_HEIGHT - 0.05), visible=False),
    ]
    for x in (-1, 1):
        for y in (-1, 1):
            place = (
                middle + x * (0.5 * length - 0.06),
                y * (0.5 * width - 0.06),
                0.5 * (FLOOR_HEIGHT - TOP_THICKNESS),
            )
            parts.append(Part("box", leg, place, color=(0.25, 0.25, 0.27), collides=False))
    return tuple(parts)


class TableScene:
    """A scene of one table a world.

    Args:
        num_worlds: N.
        arm: the arm.
        bodies: of the task.
        table: see `table_parts`.

    Attributes:
        state: what stands where.
    """

    def __init__(self, num_worlds: int, arm: ArmModel, bodies: Sequence[Body], table: Sequence[Part]) -> None:
        self._arm, self._bodies = arm, tuple(bodies)
        self._scene = Scene()
        top, legs = table[0], [part for part in table[1:] if part.visible]
        self._room = {
            "floor": self._add_variants("floor", [_floor(v) for v in range(textures.NUM_VARIANTS)]),
            "walls": self._add_variants("walls", [_walls(v) for v in range(textures.NUM_VARIANTS)]),
            "table": self._add_variants(
                "table", [_table(top, legs, v) for v in range(textures.NUM_VARIANTS)]
            ),
        }
        self._add_moving()
        self.state = SceneState(self._scene, num_worlds)
        self._dress_all()

    def dress(
        self,
        world: int,
        rng: np.random.Generator,
        split: Split,
        scales: FloatArray,
        variants: NDArray[np.int64],
        colors: FloatArray,
    ) -> None:
        """What one world looks like for an episode.

        Args:
            world: which.
            rng: source of every draw.
            split: which variations may be drawn.
            scales: (B,) of the bodies.
            variants: (B,) which of their parts.
            colors: (B, 3) theirs.
        """
        choice = split_variants(textures.NUM_VARIANTS, split)
        for kind in self._room.values():
            drawn = int(rng.choice(choice))
            self.state.meshes[world, kind.start] = kind.meshes[0 if split is None else drawn]
        self._draw_light(world, rng, split)
        self._scales[world] = 1.0
        for index, (base, slider) in enumerate(self._body_slots):
            for slot, meshes in ((base, self._body_meshes[index]), (slider, None)):
                if slot is None:
                    continue
                self._scales[world, slot - self._moving.start] = scales[index]
                self.state.colors[world, slot] = colors[index]
                if meshes is not None:
                    self.state.meshes[world, slot] = meshes[variants[index]]

    def update(
        self,
        worlds: NDArray[np.int64],
        frames: FloatArray,
        fingers: FloatArray,
        poses: FloatArray,
        sliders: FloatArray,
    ) -> None:
        """Move everything.

        Args:
            worlds: (n,) which.
            frames: (n, A + 2, 4, 4) world from base, links and hand.
            fingers: (n, 2) meters.
            poses: (n, B, 7) of the bodies.
            sliders: (n, B) meters or rad.
        """
        links = np.concatenate([frames, _finger_frames(frames[:, -1], fingers)], axis=1)
        moving = np.empty((len(worlds), self._moving.count, 4, 4))
        count = len(self._link_rows)
        moving[:, :count] = links[:, self._link_rows] @ self._link_locals
        if self._bodies:
            bodies = pose_matrices(poses)
            for index, (base, slider) in enumerate(self._body_slots):
                if base is not None:
                    moving[:, base - self._moving.start] = bodies[:, index]
                if slider is not None:
                    moving[:, slider - self._moving.start] = bodies[:, index] @ _slid(
                        self._bodies[index], sliders[:, index]
                    )
        moving[..., :3, :3] *= self._scales[worlds][..., None, None]
        self.state.set_pose(self._moving, moving, worlds)

    def _add_variants(self, name: str, meshes: Sequence[Mesh]) -> Objects:
        return self._scene.add(name, list(meshes))

    def _add_moving(self) -> None:
        """The arm's shapes and the bodies', in slots that follow each other: posed in one call."""
        start = self._scene.num_slots
        rows, local, colors, meshes = [], [], [], []
        for row, shapes in enumerate(self._arm.shapes):
            for number, shape in enumerate(shapes):
                levels = [_dressed(mesh) for mesh in shape.levels]
                kind = self._scene.add(f"link {row}.{number}", [levels])
                rows.append(row)
                local.append(shape.local)
                colors.append(shape.color)
                meshes.append(kind.meshes[0])
        self._link_rows, self._link_locals = np.array(rows), np.array(local)
        self._link_colors = np.array(colors)
        self._body_slots: list[tuple[int | None, int | None]] = []
        self._body_meshes: list[tuple[int, ...] | None] = []
        for body in self._bodies:
            base = slider = None
            choices = [parts_mesh(parts, body.label) for parts in body.variants]
            self._body_meshes.append(None)
            if choices[0] is not None:
                kind = self._scene.add(body.name, [mesh for mesh in choices if mesh is not None])
                base = kind.start
                meshes.append(kind.meshes[0])
                self._body_meshes[-1] = kind.meshes
            if body.slider is not None:
                mesh = parts_mesh(body.slider.parts, body.label)
                assert mesh is not None
                kind = self._scene.add(f"{body.name} slider", mesh)
                slider = kind.start
                meshes.append(kind.meshes[0])
            self._body_slots.append((base, slider))
        self._moving = Objects(
            "moving", start, self._scene.num_slots - start, tuple(meshes), np.zeros((0, 3))
        )

    def _dress_all(self) -> None:
        state = self.state
        for kind in self._room.values():
            state.place(0, kind, [[0.0, 0.0, 0.0]])
            state.poses[:, kind.start] = state.poses[0, kind.start]
            state.bounds[:, kind.start] = state.bounds[0, kind.start]
            state.meshes[:, kind.start] = kind.meshes[0]
        state.meshes[:, self._moving.slots] = self._moving.meshes
        count = len(self._link_rows)
        state.colors[:, self._moving.start : self._moving.start + count] = self._link_colors
        state.instances[self._moving.start : self._moving.start + count] = self._moving.start + 1
        for base, slider in self._body_slots:
            if base is not None and slider is not None:
                state.instances[slider] = state.instances[base]
        self._scales = np.ones((state.num_worlds, self._moving.count))

    def _draw_light(self, world: int, rng: np.random.Generator, split: Split) -> None:
        azimuth, elevation = SUN_AZIMUTH.draw(rng, split), SUN_ELEVATION.draw(rng, split)
        brightness, warmth = BRIGHTNESS.draw(rng, split), 0.05 * WARMTH.draw(rng, split)
        tint = brightness * np.array([1.0 + warmth, 1.0, 1.0 - warmth])
        level = math.cos(elevation)
        state = self.state
        state.sun_direction[world] = (
            level * math.cos(azimuth),
            level * math.sin(azimuth),
            math.sin(elevation),
        )
        state.sun_color[world] = np.clip(0.82 * tint, 0.0, 1.0)
        state.sky_zenith[world] = np.clip(0.66 * tint, 0.0, 1.0)
        state.sky_horizon[world] = np.clip(0.62 * tint, 0.0, 1.0)
        state.ground_light[world] = np.clip(0.46 * tint, 0.0, 1.0)


def shifted(color: Sequence[float], rng: np.random.Generator, split: Split) -> FloatArray:
    """(3,) a color, a little changed."""
    shifts = [COLOR_SHIFT.draw(rng, split) for _ in range(3)]
    return np.clip(np.array(color) + shifts, 0.05, 1.0)


def _dressed(mesh: Mesh) -> Mesh:
    """In the plastic and paint of robots; coarser levels have lost their textures, but not their colors."""
    surfaces = tuple(
        replace(surface, label="robot", specular=0.12, shininess=16) for surface in mesh.surfaces
    )
    return replace(mesh, surfaces=surfaces)


def _finger_frames(hands: FloatArray, fingers: FloatArray) -> FloatArray:
    """(n, 2, 4, 4) world from the fingers' links."""
    local = np.tile(np.eye(4), (len(hands), 2, 1, 1))
    local[:, :, 2, 3] = FINGER_ROOT
    local[:, 0, 1, 3], local[:, 1, 1, 3] = fingers[:, 0], -fingers[:, 1]
    return hands[:, None] @ local


def _slid(body: Body, travel: FloatArray) -> FloatArray:
    """(n, 4, 4) body from what slides on it."""
    slider = body.slider
    assert slider is not None
    matrices = np.tile(np.eye(4), (len(travel), 1, 1))
    matrices[:, :3, 3] = slider.position
    axis = np.array(slider.axis)
    if slider.kind == "prismatic":
        matrices[:, :3, 3] += travel[:, None] * axis
        return matrices
    cross = np.array([[0.0, -axis[2], axis[1]], [axis[2], 0.0, -axis[0]], [-axis[1], axis[0], 0.0]])
    sine, cosine = np.sin(travel)[:, None, None], np.cos(travel)[:, None, None]
    matrices[:, :3, :3] = np.eye(3) + sine * cross + (1.0 - cosine) * (cross @ cross)
    return matrices


def _floor(variant: int) -> Mesh:
    surface = Surface((1.0, 1.0, 1.0), textures.floor(variant), "terrain")
    mesh = Mesh.grid(ROOM, ROOM, surface).translated((0.0, 0.0, FLOOR_HEIGHT))
    assert mesh.uvs is not None
    return replace(mesh, uvs=(mesh.uvs * (ROOM / TILE)).astype(np.float32))


def _walls(variant: int) -> Mesh:
    surface = Surface((1.0, 1.0, 1.0), textures.wall(variant), "building")  # seen from inside
    height = 3.0
    meshes = []
    for quarter in range(4):
        turn = np.eye(4)
        angle = 0.5 * math.pi * quarter
        turn[:2, :2] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
        up = np.eye(4)
        up[:3, :3] = [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]
        up[:3, 3] = (-0.5 * ROOM, 0.0, FLOOR_HEIGHT + 0.5 * height)
        meshes.append(Mesh.grid(height, ROOM, surface).transformed(turn @ up))
    return Mesh.merge(meshes)


def _table(top: Part, legs: Sequence[Part], variant: int) -> Mesh:
    wooden = Surface((1.0, 1.0, 1.0), textures.wood(variant), "table")
    board = Mesh.box(top.size, wooden).translated(top.position)
    place = (board.positions[:, :2] - board.positions[:, :2].min(axis=0)) / 0.7
    assert board.normals is not None
    assert board.uvs is not None
    upward = np.abs(board.normals[:, 2]) > 0.5
    uvs = np.where(upward[:, None], place, board.uvs * 0.1).astype(np.float32)
    rest = parts_mesh(legs, "table")
    assert rest is not None
    return Mesh.merge([replace(board, uvs=uvs), rest])
