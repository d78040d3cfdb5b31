"""Readers of 3-D shapes by class: folders of meshes like ModelNet, and packed voxel grids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from camshaft.envs.errors import CorruptFile, InvalidOption, check_choice
from camshaft.perception.data.arrays import Arrays
from camshaft.perception.data.corrupt_files import ON_CORRUPT, read_intact
from camshaft.perception.data.counter_rng import CounterRNG
from camshaft.perception.data.indices import check_indices
from camshaft.perception.data.readers.image_set import read_text, subfolders
from camshaft.perception.data.splits import SPLITS, SPLITS_OF_WHOLE, held_out, in_split

MARGIN = 1  # empty voxels around a shape
VALIDATION_FRACTION = 0.2  # of the training meshes of a class


class VoxelFile:
    """Occupancy grids by class in one .npz file, with bits packed along the last axis.

    Labels: "voxels" (R, R, R) bool and "class" int64. Every fifth shape of a class belongs to "val".

    Args:
        path: .npz file with an (N, R, R, R / 8) uint8 array for each class.
        split: "all", "train" or "val".

    Attributes:
        classes: names of the arrays.
    """

    def __init__(self, path: str | Path, split: str = "all") -> None:
        check_choice("split", split, SPLITS_OF_WHOLE)
        self.path = Path(path)
        try:
            with np.load(self.path, allow_pickle=False) as packed:
                grids = {
                    name: np.unpackbits(packed[name], axis=-1).astype(np.bool_) for name in sorted(packed)
                }
        except Exception as error:  # numpy raises errors of many kinds
            raise CorruptFile(
                f"{self.path} is not a file of packed voxels ({type(error).__name__})"
            ) from error
        if not grids or any(grid.ndim != 4 or len(set(grid.shape[1:])) != 1 for grid in grids.values()):
            raise CorruptFile(f"{self.path} must hold (N, R, R, R / 8) arrays, one per class")
        self.classes = tuple(grids)
        chosen = [grid[in_split(np.arange(len(grid)), split)] for grid in grids.values()]
        self._voxels = np.concatenate(chosen)
        self._class_indices = np.repeat(np.arange(len(chosen)), [len(grid) for grid in chosen])

    def __len__(self) -> int:
        return len(self._class_indices)

    def __iter__(self) -> Iterator[Arrays]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Arrays:
        """Shape `index` and its class."""
        return {name: values[0] for name, values in self.fetch([index]).items()}

    def fetch(self, indices: ArrayLike) -> Arrays:
        """Shapes as a batch: label name to (n, …) array."""
        rows = check_indices(indices, len(self), "shapes")
        return {"voxels": self._voxels[rows], "class": self._class_indices[rows]}


class ModelFolder:
    """Meshes in folders CLASS/SPLIT, like ModelNet (Wu et al., 2015), as voxel grids or point clouds.

    Labels: "voxels" (R, R, R) bool, the volume within the outer surface, or "points" (P, 3) float32 on the surface,
    both scaled to fit; and "class" int64.

    Args:
        root: folder of the class folders.
        split: "train", "test", or "val" for a held-out fifth of the training files.
        output: "voxels" or "points".
        resolution: voxels per side.
        points: number of points.
        on_corrupt: "raise" an error when a corrupt file is read, or "skip" corrupt files: all are read once at the
            start, and those that cannot be read are left out with a warning.

    Attributes:
        classes: names of the class folders.
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
        for class_index, folder in enumerate(folders):
            files = sorted((folder / ("test" if split == "test" else "train")).glob("*.off"))
            validation = held_out((file.name for file in files), VALIDATION_FRACTION) if files else set()
            self._items += [
                (file, class_index)
                for file in files
                if split == "test" or (file.name in validation) == (split == "val")
            ]
        if on_corrupt == "skip":
            self._items = read_intact(_verified, self._items, on_corrupt)
        if not self._items:
            raise CorruptFile(f"{self.root} holds no readable mesh CLASS/{split}/*.off")

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Arrays]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Arrays:
        """Shape `index` and its class."""
        path, class_index = self._items[int(check_indices([index], len(self), "shapes")[0])]
        corners, faces = read_off(path)
        if self.output == "points":
            return {"points": surface_points(corners, faces, self._points), "class": np.array(class_index)}
        return {"voxels": voxelize(corners, faces, self._resolution), "class": np.array(class_index)}

    def fetch(self, indices: ArrayLike) -> Arrays:
        """Shapes as a batch: label name to (n, …) array."""
        items = [self[index] for index in check_indices(indices, len(self), "shapes").tolist()]
        return {name: np.stack([item[name] for item in items]) for name in items[0]}


def read_off(path: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Read the (V, 3) corners and (F, 3) triangles of an OFF file.

    Some files of ModelNet lack the line break after "OFF"; they are read as well.

    Raises:
        CorruptFile: the file is missing, truncated, or not in OFF.
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
                raise ValueError("a face is truncated")
            faces += [(polygon[0], polygon[side], polygon[side + 1]) for side in range(1, len(polygon) - 1)]
        if len(lines) < 1 + vertices + count:
            raise ValueError(f"it has fewer than {count} faces")
        triangles = np.array(faces, np.int64).reshape(-1, 3)
        if not len(triangles) or triangles.min() < 0 or triangles.max() >= vertices:
            raise ValueError("it has no face, or a face with missing corners")
        if not np.isfinite(corners).all():
            raise ValueError("a corner is not finite")
    except (ValueError, IndexError) as error:
        raise CorruptFile(f"{path} is not an OFF mesh: {error}") from error
    return corners, triangles


def surface_points(corners: NDArray[np.float64], faces: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """Sample (count, 3) points uniformly on the surface, centered and scaled to the unit ball."""
    triangles = corners[faces]
    edges = triangles[:, 1:] - triangles[:, :1]
    areas = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
    cumulative = np.cumsum(areas)
    rng = CounterRNG((len(corners), len(faces)), np.arange(count))
    face = np.minimum(np.searchsorted(cumulative, rng.uniform() * cumulative[-1]), len(faces) - 1)
    root, share = np.sqrt(rng.uniform())[:, None], rng.uniform()[:, None]
    chosen = triangles[face]
    points = (1 - root) * chosen[:, 0] + root * (1 - share) * chosen[:, 1] + root * share * chosen[:, 2]
    points -= 0.5 * (points.min(axis=0) + points.max(axis=0))
    return (points / max(np.linalg.norm(points, axis=1).max(), 1e-12)).astype(np.float32)


def voxelize(corners: NDArray[np.float64], faces: NDArray[np.int64], resolution: int) -> NDArray[np.bool_]:
    """(R, R, R) voxels on the surface or enclosed by it."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    extent = resolution - 2 * MARGIN - 1e-6  # keeps corners off the upper border of the last voxel
    scale = extent / max(float((high - low).max()), 1e-12)
    positions = (corners - 0.5 * (low + high)) * scale + 0.5 * resolution
    grid = np.zeros((resolution,) * 3, np.bool_)
    triangles = positions[faces]
    longest_edges = np.linalg.norm(triangles - np.roll(triangles, 1, axis=1), axis=2).max(axis=1)
    subdivisions = np.ceil(2.0 * longest_edges).astype(int)
    for steps in np.unique(subdivisions):
        chosen = triangles[subdivisions == steps]
        share = np.linspace(0.0, 1.0, max(steps, 1) + 1)
        first, second = (axis.ravel() for axis in np.meshgrid(share, share))
        first, second = first[first + second <= 1.0 + 1e-9], second[first + second <= 1.0 + 1e-9]
        weights = np.stack([1.0 - first - second, first, second])
        cells = np.floor(np.einsum("fcx,cs->fsx", chosen, weights)).reshape(-1, 3).astype(int)
        cells = np.clip(cells, 0, resolution - 1)
        grid[cells[:, 0], cells[:, 1], cells[:, 2]] = True
    return np.asarray(ndimage.binary_fill_holes(grid), np.bool_)


def _verified(item: tuple[Path, int]) -> tuple[Path, int]:
    """The item; raises CorruptFile if its mesh cannot be read."""
    read_off(item[0])
    return item
