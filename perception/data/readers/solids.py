"""Solids by class: folders of meshes as ModelNet has them, and packed voxels."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import CorruptFile, InvalidOption, check_choice
from camshaft.perception.data.draws import Draws
from camshaft.perception.data.readers.image_set import Arrays, held_out, read_text, subfolders

SPLITS = ("train", "val", "test")
MARGIN = 1  # voxels that stay empty around a solid
ON_CORRUPT = ("raise", "skip")


class VoxelFile:
    """Occupancy grids by class in one .npz, bits packed along the last axis.

    Labels: "voxels" (R, R, R) bool and "class" int64. Every fifth solid of a class is held out for "val".

    Args:
        path: the file; an array (N, R, R, R / 8) uint8 for each class.
        split: "all", "train" or "val".

    Attributes:
        classes: names of the arrays.
    """

    def __init__(self, path: str | Path, split: str = "all") -> None:
        check_choice("split", split, ("all", "train", "val"))
        self.path = Path(path)
        try:
            with np.load(self.path, allow_pickle=False) as packed:
                grids = {
                    name: np.unpackbits(packed[name], axis=-1).astype(np.bool_) for name in sorted(packed)
                }
        except Exception as error:  # numpy raises errors of many kinds
            raise CorruptFile(f"{self.path} is no file of packed voxels ({type(error).__name__})") from error
        if not grids or any(grid.ndim != 4 or len(set(grid.shape[1:])) != 1 for grid in grids.values()):
            raise CorruptFile(f"{self.path} must hold (N, R, R, R / 8) arrays, one a class")
        self.classes = tuple(grids)
        every = [np.arange(len(grid)) for grid in grids.values()]
        kept = [rows[(rows % 5 == 4) == (split == "val")] if split != "all" else rows for rows in every]
        self._voxels = np.concatenate([grid[rows] for grid, rows in zip(grids.values(), kept, strict=True)])
        self._numbers = np.repeat(np.arange(len(kept)), [len(rows) for rows in kept])

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[Arrays]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Arrays:
        """Solid `index`."""
        return {name: values[0] for name, values in self.fetch([index]).items()}

    def fetch(self, indices: ArrayLike) -> Arrays:
        """Solids as a batch, label name to (n, …) array."""
        rows = _checked(indices, len(self))
        return {"voxels": self._voxels[rows], "class": self._numbers[rows]}


class ModelFolder:
    """Meshes in folders CLASS/SPLIT, as ModelNet (Wu et al., 2015) has them, as voxels or points.

    Labels: "voxels" (R, R, R) bool, what is within the outer surface, or "points" (P, 3) float32 on it; scaled to fit;
    and "class" int64.

    Args:
        root: holds the folders of the classes.
        split: "train" or "test"; "val" takes every fifth or so of the files of "train", which leaves them out then.
        output: "voxels" or "points".
        resolution: voxels a side.
        points: how many.
        on_corrupt: "raise" names a file that cannot be read when it is asked for; "skip" reads all at the start and
            leaves those out with a warning.

    Attributes:
        classes: names of the folders.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        output: str = "voxels",
        resolution: int = 32,
        points: int = 1024,
        on_corrupt: str = "raise",
    ) -> None:
        check_choice("split", split, SPLITS)
        check_choice("on_corrupt", on_corrupt, ON_CORRUPT)
        self.output = check_choice("output", output, ("voxels", "points"))
        if resolution < 4 or points < 1:
            raise InvalidOption(f"resolution must be at least 4 and points 1, got {resolution} and {points}")
        self.root, self._resolution, self._points = Path(root), resolution, points
        folders = subfolders(self.root)
        self.classes = tuple(folder.name for folder in folders)
        self._items: list[tuple[Path, int]] = []
        for number, folder in enumerate(folders):
            files = sorted((folder / ("test" if split == "test" else "train")).glob("*.off"))
            kept = held_out((file.name for file in files), 0.2) if files else set()
            self._items += [
                (file, number) for file in files if split == "test" or (file.name in kept) == (split == "val")
            ]
        if on_corrupt == "skip":
            self._items = [item for item in self._items if _readable(item[0])]
        if not self._items:
            raise CorruptFile(f"{self.root} holds no mesh CLASS/{split}/*.off that can be read")

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Arrays]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Arrays:
        """Solid `index`."""
        path, number = self._items[int(_checked([index], len(self))[0])]
        corners, faces = read_off(path)
        if self.output == "points":
            return {"points": surface_points(corners, faces, self._points), "class": np.array(number)}
        return {"voxels": voxelized(corners, faces, self._resolution), "class": np.array(number)}

    def fetch(self, indices: ArrayLike) -> Arrays:
        """Solids as a batch, label name to (n, …) array."""
        items = [self[index] for index in _checked(indices, len(self)).tolist()]
        return {name: np.stack([item[name] for item in items]) for name in items[0]}


def read_off(path: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(V, 3) corners and (F, 3) triangles of an OFF file, also of those of ModelNet whose first line runs on.

    Raises:
        CorruptFile: missing, cut short, or something else.
    """
    try:
        text = read_text(path)
        lines = [words for line in text.splitlines() if (words := line.partition("#")[0].split())]
        if not lines[0][0].startswith("OFF"):
            raise ValueError("it does not begin with OFF")
        counts = [word for word in (lines[0][0][3:], *lines[0][1:]) if word]
        lines = [counts, *lines[1:]] if counts else lines[1:]
        vertices, count = int(lines[0][0]), int(lines[0][1])
        corners = np.array([line[:3] for line in lines[1 : 1 + vertices]], np.float64).reshape(vertices, 3)
        faces = []
        for line in lines[1 + vertices : 1 + vertices + count]:
            polygon = [int(word) for word in line[1 : 1 + int(line[0])]]  # colors may follow
            if len(polygon) != int(line[0]) or len(polygon) < 3:
                raise ValueError("a face is cut short")
            faces += [(polygon[0], polygon[side], polygon[side + 1]) for side in range(1, len(polygon) - 1)]
        if len(lines) < 1 + vertices + count:
            raise ValueError(f"it has fewer than {count} faces")
        triangles = np.array(faces, np.int64).reshape(-1, 3)
        if not len(triangles) or triangles.min() < 0 or triangles.max() >= vertices:
            raise ValueError("it has no face, or one of corners that are not there")
        if not np.isfinite(corners).all():
            raise ValueError("a corner is no finite number")
    except (ValueError, IndexError) as error:
        raise CorruptFile(f"{path} is not a mesh in OFF: {error}") from error
    return corners, triangles


def surface_points(corners: NDArray[np.float64], faces: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """(count, 3) points spread evenly over the faces, about the origin within a ball of radius 1."""
    shape = corners[faces]
    areas = np.linalg.norm(np.cross(shape[:, 1] - shape[:, 0], shape[:, 2] - shape[:, 0]), axis=1)
    ends = np.cumsum(areas)
    draws = Draws((len(corners), len(faces)), np.arange(count))
    face = np.minimum(np.searchsorted(ends, draws.uniform() * ends[-1]), len(faces) - 1)
    root, share = np.sqrt(draws.uniform())[:, None], draws.uniform()[:, None]
    chosen = shape[face]
    points = (1 - root) * chosen[:, 0] + root * (1 - share) * chosen[:, 1] + root * share * chosen[:, 2]
    points -= 0.5 * (points.min(axis=0) + points.max(axis=0))
    return (points / max(np.linalg.norm(points, axis=1).max(), 1e-12)).astype(np.float32)


def voxelized(corners: NDArray[np.float64], faces: NDArray[np.int64], resolution: int) -> NDArray[np.bool_]:
    """(R, R, R) what is on or within the surface: all that cannot be reached from outside."""
    from scipy import ndimage

    low, high = corners.min(axis=0), corners.max(axis=0)
    room = resolution - 2 * MARGIN - 1e-6  # nothing lies on the far edge of a cell
    scale = room / max(float((high - low).max()), 1e-12)
    places = (corners - 0.5 * (low + high)) * scale + 0.5 * resolution
    grid = np.zeros((resolution,) * 3, np.bool_)
    shape = places[faces]
    longest = np.linalg.norm(shape - np.roll(shape, 1, axis=1), axis=2).max(axis=1)
    for steps in np.unique(np.ceil(2.0 * longest).astype(int)):
        chosen = shape[np.ceil(2.0 * longest).astype(int) == steps]
        share = np.linspace(0.0, 1.0, max(steps, 1) + 1)
        first, second = (axis.ravel() for axis in np.meshgrid(share, share))
        first, second = first[first + second <= 1.0 + 1e-9], second[first + second <= 1.0 + 1e-9]
        weights = np.stack([1.0 - first - second, first, second])
        cells = np.floor(np.einsum("fcx,cs->fsx", chosen, weights)).reshape(-1, 3).astype(int)
        cells = np.clip(cells, 0, resolution - 1)
        grid[cells[:, 0], cells[:, 1], cells[:, 2]] = True
    return np.asarray(ndimage.binary_fill_holes(grid), np.bool_)


def _readable(path: Path) -> bool:
    try:
        read_off(path)
    except CorruptFile as error:
        warnings.warn(f"left out: {error}", stacklevel=4)
        return False
    return True


def _checked(indices: ArrayLike, count: int) -> NDArray[np.int64]:
    rows = np.asarray(indices, np.int64).reshape(-1)
    outside = (rows < 0) | (rows >= count)
    if outside.any():
        raise InvalidOption(f"solids are numbered 0..{count - 1}, got {int(rows[outside][0])}")
    return rows
