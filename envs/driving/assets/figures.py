"""Meshes of people at three levels of detail; each vertex is in the frame of a body part (see `walk.PARTS`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.assets.bodies import BODIES, Body, Color
from camshaft.envs.driving.assets.lofts import loft, tube
from camshaft.envs.driving.assets.shapes import box, polygon_mesh
from camshaft.envs.driving.assets.walk import CHIN
from camshaft.envs.rendering import Mesh, Surface

SHIRT = Surface((1.0, 1.0, 1.0), label="person")
BAG = Surface((0.24, 0.20, 0.18), label="person", tinted=False)
TORSO, ARM, FOREARM, THIGH, SHIN, FOOT, HEAD = 0, 1, 3, 5, 7, 9, 11  # part numbers; of pairs, the left one


@dataclass(frozen=True, eq=False)
class Figure:
    """A body mesh that can be posed.

    Attributes:
        mesh: mesh with each vertex in the frame of its part.
        parts: (V,) part number of each vertex.
    """

    mesh: Mesh
    parts: NDArray[np.int64]

    def posed(self, poses: FloatArray) -> Mesh:
        """The mesh with the parts at (12, 4, 4) poses."""
        turns, origins = poses[self.parts, :3, :3], poses[self.parts, :3, 3]
        mesh = self.mesh
        return Mesh(
            (np.einsum("vij,vj->vi", turns, mesh.positions) + origins).astype(np.float32),
            mesh.faces,
            np.einsum("vij,vj->vi", turns, mesh.normals).astype(np.float32),  # type: ignore[arg-type]
            mesh.uvs,
            mesh.face_surfaces,
            mesh.surfaces,
        )

    def part(self, number: int) -> Mesh:
        """One part in its own frame."""
        return self._of(self.parts[self.mesh.faces[:, 0]] == number).mesh

    def without(self, number: int) -> Figure:
        """The body without one part."""
        return self._of(self.parts[self.mesh.faces[:, 0]] != number)

    def _of(self, chosen: NDArray[np.bool_]) -> Figure:
        """The figure made of the chosen faces."""
        kept, faces = np.unique(self.mesh.faces[chosen], return_inverse=True)
        numbers = np.asarray(self.mesh.face_surfaces, np.int64)[chosen]
        surfaces, indices = np.unique(numbers, return_inverse=True)
        mesh = Mesh(
            self.mesh.positions[kept],
            faces.reshape(-1, 3).astype(np.int32),
            self.mesh.normals[kept],  # type: ignore[index]
            self.mesh.uvs[kept],  # type: ignore[index]
            indices.astype(np.int32),
            tuple(self.mesh.surfaces[surface] for surface in surfaces),
        )
        return Figure(mesh, self.parts[kept])


@cache
def figures(body: int) -> tuple[Figure, Figure, Figure]:
    """Levels of detail of one of `bodies.BODIES`, of about 270, 100 and 31 triangles."""
    person = BODIES[body]
    appearance = _Appearance(person)
    return (
        _figure(
            [
                *_trunk(person, appearance, 6),
                *_head(person, appearance, 6),
                *_limbs(person, appearance, (4, 5)),
            ]
        ),
        _figure(
            [
                *_trunk(person, appearance, 4),
                *_head(person, appearance, 4),
                *_limbs(person, appearance, (3, 3)),
            ]
        ),
        _far(person, appearance),
    )


class _Appearance:
    """Surfaces of one person."""

    def __init__(self, body: Body) -> None:
        def cloth(color: Color) -> Surface:
            return Surface(color, label="person", tinted=False)

        self.skin, self.hair = cloth(body.skin), cloth(body.hair if body.hair_style != "bald" else body.skin)
        self.trousers, self.shoes = cloth(body.trousers), cloth(body.shoes)
        self.shin = self.skin if body.clothes in ("skirt", "shorts") else self.trousers


_Pieces = list[tuple[int, Mesh]]


def _figure(pieces: Sequence[tuple[int, Mesh]]) -> Figure:
    mesh = Mesh.merge([piece for _, piece in pieces])
    return Figure(
        mesh, np.repeat([part for part, _ in pieces], [len(piece.positions) for _, piece in pieces])
    )


def _rings(rows: ArrayLike, segments: int) -> FloatArray:
    """(m, k, 3) ellipses from rows of height, half width, half depth and x; flat at front and back."""
    angles = 2.0 * np.pi * (np.arange(segments) + 0.5) / segments
    across = 1.0 if segments > 4 else 1.22  # a square of equal area
    return np.array(
        [
            np.column_stack(
                [
                    ahead + across * depth * np.cos(angles),
                    across * width * np.sin(angles),
                    np.full(segments, height),
                ]
            )
            for height, width, depth, ahead in np.asarray(rows, np.float64)
        ]
    )


def _trunk(body: Body, appearance: _Appearance, segments: int) -> _Pieces:
    """Hips, chest and shoulders; and a skirt, coat or backpack."""
    girth, top = body.height * body.girth, body.trunk / 0.285
    hips, shoulders = girth * body.hips, girth * body.shoulders
    rows = [
        (-0.055 * body.height, 0.060 * hips, 0.045 * girth, 0.0),
        (0.005 * body.height, 0.094 * hips, 0.066 * girth, -0.004),
        (0.100 * top, 0.080 * girth, 0.060 * girth, 0.004),
        (0.220 * top, 0.100 * shoulders, 0.070 * girth, 0.004),
        (0.290 * top, 0.112 * shoulders, 0.046 * girth, -0.004),
        (0.325 * top, 0.042 * body.height, 0.040 * body.height, 0.0),
    ]
    cloths = [appearance.trousers, SHIRT, SHIRT, SHIRT, SHIRT]
    if segments == 4:
        rows, cloths = [rows[0], rows[1], rows[4]], [appearance.trousers, SHIRT]
    rings = _rings(rows, segments)
    pieces = [(TORSO, loft(rings, cloths))]
    if segments == 4:
        pieces.append((TORSO, polygon_mesh([(rings[-1], SHIRT, None)])))
    hem = {"skirt": -0.225, "coat": -0.18}.get(body.clothes)
    if hem is not None:
        cloth = SHIRT if body.clothes == "coat" else appearance.trousers
        waist = 0.06 * top if body.clothes == "skirt" else 0.02 * top
        edge = (hem * body.height, 0.105 * hips, 0.115 * girth, 0.0)
        shape = [edge, (0.0, 0.100 * hips, 0.073 * girth, 0.0), (waist, 0.088 * hips, 0.066 * girth, 0.0)]
        pieces.append((TORSO, loft(_rings(shape, segments), [cloth])))
    if body.bag:
        low, high = (
            (-0.165 * girth, -0.08 * shoulders, 0.05 * top),
            (-0.055 * girth, 0.08 * shoulders, 0.27 * top),
        )
        pieces.append((TORSO, polygon_mesh(box(low, high, BAG, "xyYZz" if segments > 4 else "xyYZ"))))
    return pieces


def _head(body: Body, appearance: _Appearance, segments: int) -> _Pieces:
    """Neck, face and hair or cap."""
    size, chin = body.head, CHIN * body.head
    cloth = SHIRT if body.hair_style == "cap" else appearance.hair
    if segments == 4:
        rows = [(-0.13, 0.056, 0.056, -0.005), (0.115, 0.077, 0.094, 0.004), (0.220, 0.052, 0.066, -0.006)]
        rings = _rings(size * np.array(rows) + [chin, 0.0, 0.0, 0.0], 4)
        return [
            (HEAD, loft(rings, [appearance.skin, cloth])),
            (HEAD, polygon_mesh([(rings[-1], cloth, None)])),
        ]
    rows = [
        (-0.075, 0.058, 0.058, -0.005),
        (0.012, 0.052, 0.062, 0.018),
        (0.095, 0.077, 0.094, 0.008),
        (0.180, 0.066, 0.082, -0.004),
        (0.225, 0.0, 0.0, -0.01),
    ]
    pieces = [
        (HEAD, loft(_rings(size * np.array(rows) + [chin, 0.0, 0.0, 0.0], segments), [appearance.skin]))
    ]
    if body.hair_style != "bald":
        pieces.append((HEAD, loft(_hair(body, segments), [cloth])))
    if body.hair_style == "cap":
        x, y, z = 0.085 * size, 0.06 * size, chin + 0.145 * size
        brim = [
            [x, -y, z],
            [x + 0.08 * size, -0.7 * y, z - 0.012],
            [x + 0.08 * size, 0.7 * y, z - 0.012],
            [x, y, z],
        ]
        pieces.append((HEAD, polygon_mesh([(brim, SHIRT, None), (brim[::-1], SHIRT, None)])))
    if body.hair_style == "bun":
        knot = tube(
            [[0.0, 0.0, -0.045], [0.0, 0.0, 0.0], [0.0, 0.0, 0.045]], [0.0, 0.042, 0.0], 4, appearance.hair
        )
        pieces.append((HEAD, knot.scaled(size).translated([-0.115 * size, 0.0, chin + 0.16 * size])))
    return pieces


def _hair(body: Body, segments: int) -> FloatArray:
    """(3, k, 3) rings of the hair or cap, whose edge runs from the forehead down to the neck."""
    rows = [(0.112, 0.085, 0.103, -0.004), (0.185, 0.077, 0.096, -0.006), (0.240, 0.0, 0.0, -0.012)]
    rings = _rings(body.head * np.array(rows) + [CHIN * body.head, 0.0, 0.0, 0.0], segments)
    length = {"long": 0.11, "bun": 0.02}.get(body.hair_style, 0.0) * body.head
    slope = 0.3 if body.hair_style == "cap" else 0.5
    edge = rings[0]
    edge[:, 2] += slope * edge[:, 0] - np.where(edge[:, 0] < 0.0, length, 0.0)
    return rings


def _limbs(body: Body, appearance: _Appearance, segments: tuple[int, int]) -> _Pieces:
    """Arms and legs, with `segments` sides each."""
    pieces: _Pieces = []
    girth, size = body.height * body.girth, body.height
    fine = segments[0] > 3
    thick = 1.0 if fine else 1.15  # coarse
    sleeves = appearance.skin if body.clothes == "shorts" else SHIRT
    for side in (0, 1):
        over, under = 0.025 * size, 0.018 * size
        line = [[0.0, 0.0, over], [0.0, 0.0, -0.02 * size], [0.0, 0.0, -body.upper_arm - 0.01 * size]]
        radii = [0.0, 0.029 * girth * thick, 0.022 * girth * thick]
        pieces.append(
            (ARM + side, tube(line if fine else line[1:], radii if fine else radii[1:], segments[0], SHIRT))
        )
        line = [[0.0, 0.0, under], [0.0, 0.0, -body.forearm]]
        pieces.append(
            (FOREARM + side, tube(line, [0.022 * girth * thick, 0.016 * girth * thick], segments[0], sleeves))
        )
        if fine:
            hand = [
                [0.0, 0.0, -body.forearm + 0.01],
                [0.0, 0.0, -body.forearm - 0.035 * size],
                [0.008, 0.0, -body.forearm - 0.1 * size],
            ]
            pieces.append(
                (
                    FOREARM + side,
                    tube(hand, [0.017 * size, 0.022 * size, 0.0], segments[0], appearance.skin, 0.6),
                )
            )
        line = [[0.0, 0.0, 0.04 * size], [0.0, 0.0, -body.thigh - 0.012 * size]]
        pieces.append(
            (
                THIGH + side,
                tube(line, [0.052 * girth * thick, 0.034 * girth * thick], segments[1], appearance.trousers),
            )
        )
        knee = 0.0 if body.clothes == "skirt" else 0.03 * size
        line = [[0.0, 0.0, knee], [0.0, 0.0, -body.shin - 0.4 * body.ankle]]
        pieces.append(
            (
                SHIN + side,
                tube(line, [0.033 * girth * thick, 0.023 * girth * thick], segments[1], appearance.shin),
            )
        )
        pieces.append((FOOT + side, _foot(body, appearance, fine)))
    return pieces


def _foot(body: Body, appearance: _Appearance, fine: bool) -> Mesh:
    """A shoe with a flat sole and slightly raised toes."""
    heel, toe, wide = -body.heel, body.ball + 0.035 * body.height, 0.026 * body.height
    sole, instep = -body.ankle, 0.15 * body.ankle
    if not fine:
        corners = [[heel, 0.0, sole], [toe, wide, sole], [toe, -wide, sole], [0.2 * heel, 0.0, instep]]
        faces = [[0, 1, 2], [1, 3, 2], [0, 3, 1], [0, 2, 3]]
        return polygon_mesh(
            [([corners[corner] for corner in face][::-1], appearance.shoes, None) for face in faces]
        )
    rows = [[heel, wide, sole], [body.ball, wide, sole], [toe, 0.6 * wide, sole + 0.12 * body.ankle]]
    top = [
        [heel, 0.8 * wide, instep],
        [0.35 * body.ball, 0.8 * wide, instep],
        [toe, 0.5 * wide, -0.55 * body.ankle],
    ]
    left, above = np.array(rows), np.array(top)
    flip = np.array([1.0, -1.0, 1.0])
    panels = [
        [left[0], above[0], above[1], left[1]],
        [left[1], above[1], above[2], left[2]],
        [above[0], above[0] * flip, above[1] * flip, above[1]],
        [above[1], above[1] * flip, above[2] * flip, above[2]],
    ]
    right = [[corner * flip for corner in panel[::-1]] for panel in panels[:2]]
    ends = [
        [left[0] * flip, above[0] * flip, above[0], left[0]],
        [left[2], above[2], above[2] * flip, left[2] * flip],
        [left[0], left[1], left[1] * flip, left[0] * flip],
    ]
    return polygon_mesh([(np.array(panel), appearance.shoes, None) for panel in [*panels, *right, *ends]])


def _far(body: Body, appearance: _Appearance) -> Figure:
    """The coarsest level: a trunk including the arms, a head, and one-piece legs from hip to ankle."""
    girth, top = body.height * body.girth, body.trunk / 0.285
    trunk = _rings(
        [
            (-0.06 * body.height, 0.085 * girth * body.hips, 0.055 * girth, 0.0),
            (0.30 * top, 0.115 * girth * body.shoulders, 0.05 * girth, 0.0),
        ],
        4,
    )
    size, chin = body.head, CHIN * body.head
    head = _rings(
        [
            (chin - 0.13 * size, 0.045 * size, 0.045 * size, 0.0),
            (chin + 0.13 * size, 0.085 * size, 0.1 * size, 0.0),
        ],
        3,
    )
    crown = np.array([np.full((3, 3), [0.0, 0.0, chin + 0.23 * size])])
    pieces = [
        (TORSO, loft(trunk, [SHIRT])),
        (TORSO, polygon_mesh([(trunk[1], SHIRT, None)])),
        (
            HEAD,
            loft(
                np.concatenate([head, crown]),
                [appearance.skin, SHIRT if body.hair_style == "cap" else appearance.hair],
            ),
        ),
    ]
    radii = [0.055 * girth, 0.034 * girth]
    below = np.array([[0.0, 0.0, 0.04 * body.height], [0.0, 0.0, -0.9 * body.ankle]])
    leg = tube(below, radii, 3, appearance.shin if body.clothes == "skirt" else appearance.trousers)
    figure = _figure([*pieces, (THIGH, leg), (THIGH + 1, leg)])
    parts = figure.parts.copy()
    for side in (0, 1):
        rows = np.flatnonzero(parts == THIGH + side)
        parts[rows[3:]] = FOOT + side
    return Figure(figure.mesh, parts)
