"""Images of the object benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.envs.rendering import Camera, Renderer
from camshaft.perception.data.arrays import Arrays
from camshaft.perception.data.benchmark_images import BenchmarkImages
from camshaft.perception.data.counter_rng import CounterRNG
from camshaft.perception.data.objects.catalogue import CLASSES
from camshaft.perception.data.objects.stage import FOV_DEGREES, Stage
from camshaft.perception.data.splits import SPLITS

LABELS = ("rgb", "class", "mask", "depth", "normals", "box")
_OUTPUTS = {"rgb": "rgb", "mask": "instances", "depth": "depth", "normals": "normals", "box": "boxes"}
WORLDS = 64  # images rendered at once


class ObjectImages(BenchmarkImages):
    """Images of single objects with their classes, rendered on demand.

    Image i of a split depends only on the seed and i, in batches of any size. The class of image i is i modulo the
    number of classes, so splits are balanced. "train" and "val" share models and textures; "test" has models, textures
    and colors that are never seen in training, for all classes with more than one model.

    Args:
        split: one of SPLITS.
        size: side in pixels, or (height, width).
        length: number of images; by default 20,000, 2,000 and 4,000.
        seed: random seed; different seeds give different images.
        labels: any of LABELS: "rgb" (H, W, 3) uint8; "class" int64; "mask" (H, W) uint8, 1 on the visible object;
            "depth" (H, W) float32, in radii of the object; "normals" (H, W, 3) float32 in camera axes; "box" (4,)
            float32 left, top, right, bottom of the visible object.
        classes: names from CLASSES to include; all by default.
        num_threads: as in `Renderer`.

    Attributes:
        classes: class names by class index.
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
        self._class_numbers = np.array([CLASSES.index(name) for name in self.classes])
        self._num_threads = num_threads
        self._scene: tuple[Stage, Renderer] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Pickle without the scene, which data loading workers build again."""
        return {**self.__dict__, "_scene": None}

    def _render(self, indices: NDArray[np.int64]) -> Arrays:
        starts = range(0, len(indices), WORLDS)
        parts = [self._render_at_once(indices[start : start + WORLDS]) for start in starts]
        return {name: np.concatenate([part[name] for part in parts]) for name in self.labels}

    def _render_at_once(self, indices: NDArray[np.int64]) -> Arrays:
        """Render at most WORLDS images."""
        if self._scene is None:
            self._scene = self._build_scene()
        stage, renderer = self._scene
        classes = indices % len(self.classes)
        rng = CounterRNG((self.seed, SPLITS.index(self.split)), indices)
        poses = stage.arrange(self._class_numbers[classes], rng, renderer.camera)
        outputs = renderer.render(poses, np.arange(len(indices)))
        return {name: self._label(name, outputs, classes, stage) for name in self.labels}

    def _label(self, name: str, outputs: Arrays, classes: NDArray[np.int64], stage: Stage) -> NDArray[Any]:
        if name == "class":
            return classes
        output = outputs[_OUTPUTS[name]]
        if name == "mask":
            return (output == stage.object.instance).astype(np.uint8)
        return output[:, stage.object.start] if name == "box" else output

    def _build_scene(self) -> tuple[Stage, Renderer]:
        height, width = self.size
        camera = Camera(width, height, FOV_DEGREES, near=0.05, far=100.0, shadow_distance=12.0)
        stage = Stage(WORLDS, "test" if self.split == "test" else "train")
        outputs = [_OUTPUTS[name] for name in self.labels if name != "class"]
        return stage, Renderer(stage.state, camera, outputs, self._num_threads)
