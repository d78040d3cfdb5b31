"""Scene of a table with an arm, in every world: room, table, arm, bodies and light."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.manipulation.arms.hand import FINGER_ROOT
from camshaft.envs.manipulation.arms.model import ArmModel
from camshaft.envs.manipulation.bodies import Body, Part, Slider
from camshaft.envs.manipulation.scene.body_meshes import parts_mesh
from camshaft.envs.manipulation.scene.room import floor_mesh, table_mesh, walls_mesh
from camshaft.envs.manipulation.scene.textures import NUM_VARIANTS
from camshaft.envs.manipulation.transforms import rotations_about
from camshaft.envs.randomization import Split, SplitRange, split_variants
from camshaft.envs.rendering import Mesh, Objects, Scene, SceneState
from camshaft.envs.rendering.pybullet.links import pose_matrices

SUN_AZIMUTH = SplitRange(-math.pi, math.pi, nominal=0.9)  # rad
SUN_ELEVATION = SplitRange(math.radians(35.0), math.radians(80.0), nominal=math.radians(58.0))
BRIGHTNESS = SplitRange(0.75, 1.1, nominal=1.0)
WARMTH = SplitRange(-1.0, 1.0, nominal=0.3)


class TableScene:
    """One scene, with a state for every world.

    Args:
        num_worlds: N.
        arm: the arm.
        bodies: bodies of the task.
        table: parts of the table; see `table_parts`.

    Attributes:
        state: poses, appearance and light, by world.
    """

    def __init__(self, num_worlds: int, arm: ArmModel, bodies: Sequence[Body], table: Sequence[Part]) -> None:
        self._arm, self._bodies = arm, tuple(bodies)
        self._scene = Scene()
        variants = range(NUM_VARIANTS)
        self._room = {
            "floor": self._scene.add("floor", [floor_mesh(variant) for variant in variants], fixed=True),
            "walls": self._scene.add("walls", [walls_mesh(variant) for variant in variants], fixed=True),
            "table": self._scene.add(
                "table", [table_mesh(table, variant) for variant in variants], fixed=True
            ),
        }
        self._add_moving()
        self.state = SceneState(self._scene, num_worlds)
        self._scales = np.ones((num_worlds, self._moving.count))
        self._initialize_state()

    def apply_appearance(
        self,
        world: int,
        rng: np.random.Generator,
        split: Split,
        scales: FloatArray,
        variants: NDArray[np.int64],
        colors: FloatArray,
    ) -> None:
        """Set the appearance of one world for an episode.

        Args:
            world: index of the world.
            rng: source of the samples of room and light.
            split: which textures and light to sample from.
            scales: (B,) scale factors of the bodies' sizes.
            variants: (B,) indices into `Body.variants`.
            colors: (B, 3) of the bodies.
        """
        choice = split_variants(NUM_VARIANTS, split)
        for kind in self._room.values():
            variant = int(rng.choice(choice))
            self.state.meshes[world, kind.start] = kind.meshes[0 if split is None else variant]
        self._sample_light(world, rng, split)
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
        """Move the arm and the bodies of some worlds.

        Args:
            worlds: (n,) indices of the worlds.
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
            for index, (base, slot) in enumerate(self._body_slots):
                if base is not None:
                    moving[:, base - self._moving.start] = bodies[:, index]
                slider = self._bodies[index].slider
                if slot is not None and slider is not None:
                    local = slider_frames(slider, sliders[:, index])
                    moving[:, slot - self._moving.start] = bodies[:, index] @ local
        moving[..., :3, :3] *= self._scales[worlds][..., None, None]
        self.state.set_pose(self._moving, moving, worlds)

    def _add_moving(self) -> None:
        """Add the arm's shapes and the bodies, in consecutive slots that are posed in one call."""
        start = self._scene.num_slots
        rows, local, colors, meshes = [], [], [], []
        for row, shapes in enumerate(self._arm.shapes):
            for number, shape in enumerate(shapes):
                levels = [_robot_material(mesh) for mesh in shape.levels]
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

    def _initialize_state(self) -> None:
        """Set the poses of the room, the colors of the arm, and instance ids; they are the same in all episodes."""
        state = self.state
        for kind in self._room.values():
            state.place(0, kind, [[0.0, 0.0, 0.0]])
            state.poses[:, kind.start] = state.poses[0, kind.start]
            state.bounds[:, kind.start] = state.bounds[0, kind.start]
            state.meshes[:, kind.start] = kind.meshes[0]
        state.meshes[:, self._moving.slots] = self._moving.meshes
        arm = slice(self._moving.start, self._moving.start + len(self._link_rows))
        state.colors[:, arm] = self._link_colors
        state.instances[arm] = self._moving.start + 1
        for base, slider in self._body_slots:
            if base is not None and slider is not None:
                state.instances[slider] = state.instances[base]

    def _sample_light(self, world: int, rng: np.random.Generator, split: Split) -> None:
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


def slider_frames(slider: Slider, travel: FloatArray) -> FloatArray:
    """(n, 4, 4) body from slider, for (n,) joint positions in meters or rad."""
    matrices = np.tile(np.eye(4), (len(travel), 1, 1))
    matrices[:, :3, 3] = slider.position
    axis = np.array(slider.axis)
    if slider.kind == "prismatic":
        matrices[:, :3, 3] += travel[:, None] * axis
    else:
        matrices[:, :3, :3] = rotations_about(np.tile(axis, (len(travel), 1)), travel)
    return matrices


def _robot_material(mesh: Mesh) -> Mesh:
    """A mesh in plastic and paint; coarser levels have lost their textures, but not their colors."""
    surfaces = tuple(
        replace(surface, label="robot", specular=0.12, shininess=16) for surface in mesh.surfaces
    )
    return replace(mesh, surfaces=surfaces)


def _finger_frames(hands: FloatArray, fingers: FloatArray) -> FloatArray:
    """(n, 2, 4, 4) world from the links of both fingers."""
    local = np.tile(np.eye(4), (len(hands), 2, 1, 1))
    local[:, :, 2, 3] = FINGER_ROOT
    local[:, 0, 1, 3], local[:, 1, 1, 3] = fingers[:, 0], -fingers[:, 1]
    return hands[:, None] @ local
