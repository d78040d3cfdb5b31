"""Preallocated buffers of one rendering thread."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.rendering.cpu.gather import RUN
from camshaft.envs.rendering.cpu.specular import Reflections, make_reflections
from camshaft.envs.rendering.cpu.texturing import Lookups, make_lookups
from camshaft.envs.rendering.cpu.visibility import NO_TRIANGLE, OUTSIDE
from camshaft.envs.rendering.lens import Lens


class Scratch(NamedTuple):
    """Buffers of both passes for one frame; C cells, F triangles, V vertices, S slots, W samples a row, L lamps."""

    inverse_depth: NDArray[np.float32]  # (C + 1,) 1/z of the nearest surface, 0 for sky
    triangles: NDArray[np.int32]  # (C + 1,) number of the rendered triangle, SKY − view, or OUTSIDE
    vertices: NDArray[np.float32]  # (V, 6) view x, y, z, then cell x, y and 1/z
    rendered: NDArray[np.int32]  # (F, 5) face, slot, first row in `vertices`, first vertex of the mesh, view
    visible: NDArray[np.int32]  # (S + 1,) slots in view
    front: NDArray[np.int32]  # (F + 1,) front faces of a mesh
    planes: NDArray[np.float32]  # (F, 27) coefficients, see `planes`
    traits: NDArray[np.uint8]  # (F,) bits, see `planes`
    labels: NDArray[np.uint8]  # (NO_TRIANGLE + F,) semantic labels of the rendered triangles
    instances: NDArray[np.uint16]  # (NO_TRIANGLE + F,) their instance ids
    clipped: NDArray[np.float64]  # (4, 3) corners of a triangle clipped at the near plane
    view_from_world: NDArray[np.float32]  # (views, 3, 4)
    world_from_view: NDArray[np.float32]  # (views, 3, 4)
    view_from_object: NDArray[np.float32]  # (3, 4)
    corners: NDArray[np.float64]  # (3, 3) of the triangle being set up
    edges: NDArray[np.float64]  # (3, 3)
    light: NDArray[np.float32]  # (3, W + RUN) linear light of a row of samples
    lookups: Lookups  # textures of a row of samples
    reflections: Reflections  # of a row of samples
    total: NDArray[np.float32]  # (3, W) linear light of a row of pixels, if supersampled
    row_triangles: NDArray[np.int32]  # (W,) number of the triangle of each sample of a row
    row_depth: NDArray[np.float32]  # (W,) their 1/z
    packed: NDArray[np.uint32]  # (W,) display colors of a row of pixels
    sun_visibility: NDArray[np.float32]  # (W,) fraction of sunlight that reaches each sample of a row
    shadow_map: NDArray[np.float32]  # height of shadow casters toward the sun, row by row
    shadow_triangles: NDArray[np.int32]  # unused output of the rasterizer
    light_from_world: NDArray[np.float32]  # (3, 4) column and row of the shadow map, height toward the sun
    light_from_view: NDArray[np.float32]  # (views, 3, 4)
    lamps: NDArray[np.float32]  # (L, views, 11) position, direction, light and cone in view axes


def make_scratch(
    lens: Lens, slots: int, max_vertices: int, max_faces: int, shadow_size: int = 1, num_lamps: int = 0
) -> Scratch:
    """Buffers for frames of a lens.

    Args:
        lens: of the camera.
        slots: slots of the scene.
        max_vertices: maximum number of vertices that a world shows.
        max_faces: maximum number of faces that a world shows.
        shadow_size: texels a side of the shadow map.
        num_lamps: lamps of a world.
    """
    views = len(lens.views.sizes)
    cells = int(lens.views.offsets[-1]) + 1
    width = lens.shading.cells.shape[1]
    return Scratch(
        inverse_depth=np.zeros(cells, np.float32),
        triangles=np.full(cells, OUTSIDE, np.int32),
        vertices=np.zeros((views * max_vertices, 6), np.float32),
        rendered=np.zeros((views * max_faces, 5), np.int32),
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
        reflections=make_reflections(width),
        total=np.zeros((3, lens.width), np.float32),
        row_triangles=np.zeros(width, np.int32),
        row_depth=np.zeros(width, np.float32),
        packed=np.zeros(lens.width, np.uint32),
        sun_visibility=np.ones(width + RUN, np.float32),
        shadow_map=np.zeros(shadow_size * shadow_size, np.float32),
        shadow_triangles=np.zeros(shadow_size * shadow_size, np.int32),
        light_from_world=np.zeros((3, 4), np.float32),
        light_from_view=np.zeros((views, 3, 4), np.float32),
        lamps=np.zeros((num_lamps, views, 11), np.float32),
    )
