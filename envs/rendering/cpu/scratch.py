"""Buffers of one thread, made once: nothing is allocated per frame."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.rendering.cpu.gather import RUN
from camshaft.envs.rendering.cpu.specular import Gloss, make_gloss
from camshaft.envs.rendering.cpu.texturing import Lookups, make_lookups
from camshaft.envs.rendering.cpu.visibility import NO_TRIANGLE, OUTSIDE
from camshaft.envs.rendering.lens import Lens


class Scratch(NamedTuple):
    """What both passes write and read of one frame."""

    inverse_depth: NDArray[np.float32]  # (cells + 1,) 1/z of the nearest surface, 0 for sky
    triangles: NDArray[np.int32]  # (cells + 1,) row in the lists of drawn triangles, SKY − view, or OUTSIDE
    vertices: NDArray[np.float32]  # (V, 6) view x, y, z, then cell x, y and 1/z
    drawn: NDArray[
        np.int32
    ]  # (F, 5) face, slot, what to add to its indices for `vertices` and for the mesh, view
    visible: NDArray[np.int32]  # (S + 1,) slots in view
    front: NDArray[np.int32]  # (F + 1,) faces of a mesh that show their front
    planes: NDArray[np.float32]  # (F, 27) see planes
    traits: NDArray[np.uint8]  # (F,) see planes
    labels: NDArray[np.uint8]  # (NO_TRIANGLE + F,) semantic labels of the drawn triangles
    instances: NDArray[np.uint16]  # (NO_TRIANGLE + F,)
    clipped: NDArray[np.float64]  # (4, 3) corners of a triangle cut at the near plane
    view_from_world: NDArray[np.float32]  # (views, 3, 4)
    world_from_view: NDArray[np.float32]  # (views, 3, 4)
    view_from_object: NDArray[np.float32]  # (3, 4)
    corners: NDArray[np.float64]  # (3, 3) of the triangle being set up
    edges: NDArray[np.float64]  # (3, 3)
    light: NDArray[np.float32]  # (3, W + RUN) linear light of a row of samples
    lookups: Lookups  # textures of a row of samples
    gloss: Gloss  # what a row of samples mirrors
    total: NDArray[np.float32]  # (3, W) linear light of a row of pixels, where samples are several
    row_triangles: NDArray[np.int32]  # (W,) what the samples of a row look at
    row_depth: NDArray[np.float32]  # (W,) 1/z of what they see
    packed: NDArray[np.uint32]  # (W,) display colors of a row of pixels
    shade: NDArray[np.float32]  # (W,) share of the sun that arrives at each sample of a row
    shadow_map: NDArray[np.float32]  # (S · S,) height toward the sun of what casts a shadow
    shadow_triangles: NDArray[np.int32]  # (S · S,)
    light_from_world: NDArray[
        np.float32
    ]  # (3, 4) column and row of the shadow map, and height toward the sun
    light_from_view: NDArray[np.float32]  # (views, 3, 4)
    lamps: NDArray[np.float32]  # (L, views, 11) position, direction, light and cone in view axes


def make_scratch(
    lens: Lens, slots: int, max_vertices: int, max_faces: int, shadow_size: int, num_lamps: int
) -> Scratch:
    """Buffers for frames of this lens and worlds that show at most so much."""
    views = len(lens.views.sizes)
    cells = int(lens.views.offsets[-1]) + 1
    width = lens.shading.cells.shape[1]
    return Scratch(
        inverse_depth=np.zeros(cells, np.float32),
        triangles=np.full(cells, OUTSIDE, np.int32),
        vertices=np.zeros((views * max_vertices, 6), np.float32),
        drawn=np.zeros((views * max_faces, 5), np.int32),
        visible=np.zeros(slots + 1, np.int32),
        front=np.zeros(max_faces + 1, np.int32),
        planes=np.zeros((views * max_faces, 27), np.float32),
        traits=np.zeros(views * max_faces, np.uint8),
        labels=np.zeros(NO_TRIANGLE + views * max_faces, np.uint8),
        instances=np.zeros(NO_TRIANGLE + views * max_faces, np.uint16),
        clipped=np.zeros((4, 3), np.float64),
        view_from_world=np.zeros((views, 3, 4), np.float32),
        world_from_view=np.zeros((views, 3, 4), np.float32),
        view_from_object=np.zeros((3, 4), np.float32),
        corners=np.zeros((3, 3), np.float64),
        edges=np.zeros((3, 3), np.float64),
        light=np.zeros((3, width + RUN), np.float32),
        lookups=make_lookups(width),
        gloss=make_gloss(width),
        total=np.zeros((3, lens.width), np.float32),
        row_triangles=np.zeros(width, np.int32),
        row_depth=np.zeros(width, np.float32),
        packed=np.zeros(lens.width, np.uint32),
        shade=np.ones(width + RUN, np.float32),
        shadow_map=np.zeros(shadow_size * shadow_size, np.float32),
        shadow_triangles=np.zeros(shadow_size * shadow_size, np.int32),
        light_from_world=np.zeros((3, 4), np.float32),
        light_from_view=np.zeros((views, 3, 4), np.float32),
        lamps=np.zeros((num_lamps, views, 11), np.float32),
    )
