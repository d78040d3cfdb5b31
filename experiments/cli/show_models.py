"""Networks by folder or name, and images by file, folder or set, for the `camshaft show` commands."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from camshaft.envs.errors import CorruptFile, InvalidOption, check_choice
from camshaft.perception.data.objects import ObjectImages
from camshaft.perception.data.readers.image_set import IMAGE_SUFFIXES, read_image
from camshaft.perception.data.signs import SignImages
from camshaft.perception.data.stored import INDEX_FILE, StoredFrames
from camshaft.perception.insight.subject import Subject
from camshaft.perception.runs.run_folder import CHECKPOINT_FILE
from camshaft.perception.zoo import create_model

if TYPE_CHECKING:
    from camshaft.agents.policies.vision import VisionPolicy

BENCHMARKS: Mapping[str, Any] = {"objects": ObjectImages, "signs": SignImages}
DEFAULT_SIZE = (96, 96)  # for networks that take any size


def load_subject(model: str, weights: str | None = None) -> Subject:
    """Load a network to visualize.

    Args:
        model: folder of a classifier, of a policy or of the run that trained it, or the name of an encoder of the zoo.
        weights: of an encoder of the zoo, as `create_model` takes them.

    Raises:
        UnknownName: there is neither a folder nor a model of that name.
        CorruptFile: the folder holds no network that can be read.
    """
    folder = Path(model)
    if not folder.is_dir():
        return Subject(create_model(model, weights=weights), lambda features: features)
    if weights is not None:
        raise InvalidOption(
            f"{model} has its own weights: leave out --weights {weights}, or name an encoder of the zoo"
        )
    for inner in ("classifier", "policy"):  # of a run
        folder = folder / inner if (folder / inner).is_dir() else folder
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        unfinished = (folder / CHECKPOINT_FILE).exists()
        raise CorruptFile(
            f"{folder} holds an unfinished training: resume it"
            if unfinished
            else f"{folder} holds no classifier or policy: its config.json cannot be read"
        ) from error
    kind = config.get("kind") if isinstance(config, dict) else None
    if kind == "classifier":
        from camshaft.perception.classification.files import load_classifier

        classifier, loaded = load_classifier(folder)
        return Subject(classifier.encoder, classifier.head, tuple(loaded["classes"]))
    if kind == "vision":
        from camshaft.agents.policies.vision import VisionPolicy

        return policy_subject(VisionPolicy.load(folder))
    raise CorruptFile(f"{folder / 'config.json'} describes neither a classifier nor a policy of this version")


def policy_subject(policy: VisionPolicy) -> Subject:
    """The network of a policy, to visualize.

    Raises:
        InvalidOption: it reads more than one image.
    """
    if len(policy.parts) > 1 or policy.frame_stack > 1:
        raise InvalidOption(
            f"only networks that read one image can be visualized; this policy reads {', '.join(policy.parts)}"
            + (f", {policy.frame_stack} frames of each" if policy.frame_stack > 1 else "")
        )
    outputs = policy.head.out_features
    return Subject(
        policy.encoder,
        lambda features: policy.head(policy.fusion(features)),
        tuple(f"action {part}" for part in range(outputs)),
    )


def read_images(sources: Sequence[str], subject: Subject, count: int) -> tuple[NDArray[np.uint8], list[str]]:
    """Read images, resized to the network's input, and their names.

    Args:
        sources: image files, folders of them, sets of `camshaft data`, or "objects" or "signs" for the test images of
            a simulated benchmark.
        subject: network that determines the size.
        count: frames from a folder or set, spread over it.

    Returns:
        (N, H, W, 3) and N names.

    Raises:
        InvalidOption: there are no images.
        CorruptFile: a file cannot be read.
    """
    if count < 1:
        raise InvalidOption(f"count must be at least 1, got {count}")
    size = subject.encoder.preprocessing.size or DEFAULT_SIZE
    images: list[NDArray[np.uint8]] = []
    names: list[str] = []
    for source in sources:
        for name, image in _read(source, size, count):
            names.append(name)
            images.append(_fitted(image, size))
    if not images:
        raise InvalidOption(
            f"no image in {', '.join(sources)}" if sources else "name image files, a folder or a set"
        )
    return np.stack(images), names


def _read(source: str, size: tuple[int, int], count: int) -> list[tuple[str, NDArray[np.uint8]]]:
    path = Path(source)
    if source in BENCHMARKS:
        benchmark = BENCHMARKS[source]("test", size)
        batch = benchmark.fetch(range(min(count, len(benchmark))))
        return [
            (benchmark.classes[number], image)
            for number, image in zip(batch["class"], batch["rgb"], strict=True)
        ]
    if (path / INDEX_FILE).is_file():
        frames = StoredFrames(path)
        check_choice(f"label of {path}", "rgb", frames.labels)
        batch = frames.fetch(_spread(len(frames), count))
        classes = (
            [frames.classes[number] for number in batch["class"]]
            if frames.classes and "class" in batch
            else [path.name] * count
        )
        return list(zip(classes, batch["rgb"], strict=False))
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in IMAGE_SUFFIXES)
        return [(files[row].stem, read_image(files[row])) for row in _spread(len(files), count)]
    return [(path.stem, read_image(path))]


def _spread(length: int, count: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, length - 1, count).astype(np.int64)) if length else np.zeros(0, np.int64)


def _fitted(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    if image.shape[:2] == tuple(size):
        return image
    method = cv2.INTER_AREA if image.shape[0] > size[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (size[1], size[0]), interpolation=method), np.uint8)
