"""Vehicle hulls from half cross-sections, and panels on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.assets.shapes import Polygon, inset, mirrored, polygon_mesh
from camshaft.envs.rendering import Mesh, Surface

Place = tuple[float, float]
Section = tuple[
    float, tuple[Place, ...]
]  # x, then (y, z) of the left half from the sill to the edge of the top

CREASE = np.deg2rad(18.0)  # rad; panels that meet at a smaller angle are shaded as one curved sheet
FLIP = np.array([1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Hull:
    """A vehicle body, symmetric about the plane y = 0.

    Attributes:
        sections: from front to rear, all with the same number of points.
        crown: meters by which the middle of the top is above its edge.
    """

    sections: tuple[Section, ...]
    crown: float = 0.0

    def every(self, step: int) -> Hull:
        """A coarser hull of every n-th section."""
        return Hull(self.sections[::step], self.crown)

    def shell(self, surface: Surface, underside: Surface) -> Mesh:
        """The closed body, with smooth shading of curved sheets."""
        rings = [self._ring(section) for section in self.sections]
        left: list[Polygon] = [
            (np.array([front[strip], rear[strip], rear[strip + 1], front[strip + 1]]), surface, None)
            for front, rear in pairwise(rings)
            for strip in range(len(rings[0]) - 2)
        ]
        left += [(rings[0], surface, None), (rings[-1][::-1], surface, None)]
        floor: list[Polygon] = [
            (np.array([rear[0], front[0], front[0] * FLIP, rear[0] * FLIP]), underside, None)
            for front, rear in pairwise(rings)
        ]
        return Mesh.merge([polygon_mesh([*left, *mirrored(left)], CREASE), polygon_mesh(floor)])

    def side_panels(
        self, surface: Surface, along: Place, strip: int, upwards: Place = (0.0, 1.0), offset: float = 0.01
    ) -> list[Polygon]:
        """Panels on a strip of the left side, one per flat piece.

        Args:
            surface: surface of the panel.
            along: x of the front and rear end.
            strip: index of the strip, from the lowest.
            upwards: lower and upper edge, as fractions of the height of the strip.
            offset: meters from the body.
        """
        bends = [x for x, _ in self.sections if along[1] < x < along[0]]
        panels: list[Polygon] = []
        for first, last in pairwise([along[0], *bends, along[1]]):
            ends = [self._profile(x)[strip : strip + 2] for x in (first, last)]
            corners = np.array(
                [[first, *ends[0][0]], [last, *ends[1][0]], [last, *ends[1][1]], [first, *ends[0][1]]]
            )
            panels.append((inset(corners, (0.0, 1.0), upwards, offset), surface, None))
        return panels

    def top_panel(self, surface: Surface, along: Place, share: float, offset: float = 0.01) -> Polygon:
        """A panel on the left half of the top between two x, over a fraction of the width; e.g. half a windshield."""
        edges = [np.array([x, *self._profile(x)[-1]]) for x in along]
        crowns = [edge * [1.0, 0.0, 1.0] + [0.0, 0.0, self.crown] for edge in edges]
        corners = np.array([crowns[0], edges[0], edges[1], crowns[1]])
        return inset(corners, (0.0, share), (0.0, 1.0), offset), surface, None

    def end_panel(
        self, surface: Surface, end: int, across: Place, upwards: Place, offset: float = 0.01
    ) -> Polygon:
        """A panel on the left half of the front or rear.

        Args:
            surface: surface of the panel.
            end: 1 for the front, -1 for the rear.
            across: inner and outer edge, as fractions of the half width at that height.
            upwards: lower and upper edge, as fractions of the height of that end.
            offset: meters from the body.
        """
        x, profile = self.sections[0 if end > 0 else -1]
        widths, heights = np.array(profile).T
        levels = heights[0] + np.array(upwards) * (heights[-1] - heights[0])
        half = np.interp(levels, heights, widths)
        corners = [
            [x + end * offset, share * half[level], levels[level]]
            for share, level in ((across[0], 0), (across[1], 0), (across[1], 1), (across[0], 1))
        ]
        return np.array(corners if end > 0 else corners[::-1]), surface, None

    def _ring(self, section: Section) -> FloatArray:
        """(k + 2, 3) corners of a section: the left half from the sill up, top center, bottom center."""
        x, profile = section
        middle = [[x, 0.0, profile[-1][1] + self.crown], [x, 0.0, profile[0][1]]]
        return np.array([*([x, y, z] for y, z in profile), *middle])

    def _profile(self, x: float) -> FloatArray:
        """(k, 2) interpolated cross-section at x."""
        stations = np.array([section[0] for section in self.sections])[::-1]
        profiles = np.array([section[1] for section in self.sections])[::-1]
        flat = profiles.reshape(len(stations), -1)
        return np.array([np.interp(x, stations, column) for column in flat.T]).reshape(-1, 2)


def sections(*rows: Sequence[Place | float]) -> tuple[Section, ...]:
    """Sections from rows: x, then the points."""
    return tuple((float(row[0]), tuple(row[1:])) for row in rows)  # type: ignore[arg-type, misc]
