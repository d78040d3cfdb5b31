"""Simulated images for classification: what stands in front of the camera."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.envs.rendering import Camera, Renderer
from camshaft.perception.data.benchmark_images import SPLITS, BenchmarkImages
from camshaft.perception.data.draws import Draws
from camshaft.perception.data.objects.catalogue import CLASSES
from camshaft.perception.data.objects.stage import FOV_DEGREES, Stage

LABELS = ("rgb", "class", "mask", "depth", "normals", "box")
_OUTPUTS = {"rgb": "rgb", "mask": "instances", "depth": "depth", "normals": "normals", "box": "boxes"}
WORLDS = 64  # images drawn at once


class ObjectImages(BenchmarkImages):
    """Images of single objects with their classes, drawn when they are asked for.

    Image i of a split follows from the seed and i alone, in batches of any size. Classes take turns, so every split is
    balanced. "train" and "val" show the same models and textures under other random numbers; "test" shows models,
    textures and colors that training never does, wherever a class has more than one.

    Args:
        split: one of SPLITS.
        size: pixels a side, or (height, width).
        length: how many images; by default 20,000, 2,000 or 4,000.
        seed: another seed is another set.
        labels: any of LABELS: "rgb" (H, W, 3) uint8; "class" int64; "mask" (H, W) uint8, 1 where the object is seen;
            "depth" (H, W) float32, in radii of the object; "normals" (H, W, 3) float32 in camera axes; "box" (4,)
            float32 left, top, right, bottom of the visible object.
        classes: names of CLASSES to draw from; all by default.
        num_threads: as in `Renderer`.

    Attributes:
        classes: names by class number.
        split, size, seed, labels: as given.
    """

    lengths: ClassVar[Mapping[str, int]] = {"train": 20_000, "val": 2_000, "test": 4_000}

    def __init__(
        self,
        split: str = "train",
        size: int | tuple[int, int] = 64,
        length: int | None = None,
        seed: int = 0,
        labels: Sequence[str] = ("rgb", "class"),
        classes: Sequence[str] | None = None,
        num_threads: int | None = None,
    ) -> None:
        super().__init__(split, size, length, seed)
        for label in labels:
            check_choice("label", label, LABELS)
        self.labels = tuple(labels)
        self.classes = (
            CLASSES if classes is None else tuple(check_choice("class", name, CLASSES) for name in classes)
        )
        if len(self.classes) < 2 or len(set(self.classes)) < len(self.classes):
            raise InvalidOption(f"classes must be at least two different ones, got {self.classes}")
        self._numbers = np.array([CLASSES.index(name) for name in self.classes])
        self._num_threads = num_threads
        self._drawing: tuple[Stage, Renderer] | None = None

    def _draw(self, indices: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        parts = [self._render(indices[start : start + WORLDS]) for start in range(0, len(indices), WORLDS)]
        return {name: np.concatenate([part[name] for part in parts]) for name in self.labels}

    def __getstate__(self) -> dict[str, Any]:
        """What a loader's worker needs: the scene is made again where it is used."""
        return {**self.__dict__, "_drawing": None}

    def _render(self, indices: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        if self._drawing is None:
            self._drawing = self._make_drawing()
        stage, renderer = self._drawing
        labels = indices % len(self.classes)
        draws = Draws((self.seed, SPLITS.index(self.split)), indices)
        poses = stage.set(self._numbers[labels], draws, renderer.camera)
        images = renderer.render(poses, np.arange(len(indices)))
        return {name: self._label(name, images, labels, stage) for name in self.labels}

    def _label(
        self, name: str, images: dict[str, NDArray[Any]], labels: NDArray[np.int64], stage: Stage
    ) -> NDArray[Any]:
        if name == "class":
            return labels
        output = images[_OUTPUTS[name]]
        if name == "mask":
            return (output == stage.shown.instance).astype(np.uint8)
        return output[:, stage.shown.start] if name == "box" else output

    def _make_drawing(self) -> tuple[Stage, Renderer]:
        height, width = self.size
        camera = Camera(width, height, FOV_DEGREES, near=0.05, far=100.0, shadow_distance=12.0)
        stage = Stage(WORLDS, "test" if self.split == "test" else "train")
        outputs = [_OUTPUTS[name] for name in self.labels if name != "class"]
        return stage, Renderer(stage.state, camera, outputs, self._num_threads)
