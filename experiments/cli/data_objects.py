"""Writing of the simulated object benchmark from the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from camshaft.experiments.terminal.console import Console
from camshaft.experiments.terminal.progress import progress_bar


@dataclass(frozen=True)
class DataObjectsConfig:
    """Write the simulated object benchmark to a folder: images of single objects, with their classes.

    Training can also render these images on the fly; a set on disk is for other programs and slow machines.

    For example: camshaft data objects data/objects --split train --size 64
    """

    folder: Annotated[Path, Positional, arg(metavar="FOLDER")]
    """Folder of the set."""
    split: Literal["train", "val", "test"] = "train"
    """Split of the images; test has models, textures and colors that training never shows."""
    size: int = 64
    """Width and height in pixels."""
    images: int | None = None
    """Number of images; by default 20,000 (train), 2,000 (val) or 4,000 (test)."""
    images_per_file: int = 1000
    """Images per file."""
    labels: tuple[str, ...] = ("rgb", "class")
    """Labels to write, any of rgb, class, mask, depth, normals, box."""
    seed: int = 0
    """Seed of the set."""
    resume: bool = False
    """Continue a set that was begun."""

    def when_stopped(self) -> str:
        """Message after Ctrl-C."""
        return (
            f"Complete files are kept in {self.folder}; the same command with --resume continues after them."
        )


def run(config: DataObjectsConfig) -> None:
    """Write, with a progress bar."""
    from camshaft.perception.data.objects import ObjectImages

    images = ObjectImages(config.split, config.size, config.images, config.seed, config.labels)
    write_benchmark("objects", images, config.folder, config.images_per_file, config.resume)


def write_benchmark(name: str, images: Any, folder: Path, images_per_file: int, resume: bool) -> None:
    """Write all images of a benchmark to a folder, with a progress bar.

    Args:
        name: of the benchmark.
        images: an image benchmark such as `ObjectImages`.
        folder: of the set.
        images_per_file: number of images per file.
        resume: continue a set that was begun.
    """
    from camshaft.envs.errors import InvalidOption
    from camshaft.perception.data.stored import write_frames

    if not images.labels:
        raise InvalidOption("labels must be one or more names")
    if images_per_file < 1:
        raise InvalidOption("images_per_file must be at least 1")
    about = {
        "benchmark": name,
        "split": images.split,
        "size": images.size[0] if images.size[0] == images.size[1] else images.size,
        "images": len(images),
        "images_per_file": images_per_file,
        "labels": images.labels,
        "seed": images.seed,
    }
    with progress_bar("Writing files") as progress:
        count = write_frames(
            folder,
            lambda number: images.fetch(
                range(number * images_per_file, min((number + 1) * images_per_file, len(images)))
            ),
            -(-len(images) // images_per_file),
            about,
            classes=images.classes,
            resume=resume,
            progress=progress,
        )
    console = Console()
    console.print(f"{count} images of {len(images.classes)} classes in {folder}")
    console.print(f"Next: camshaft data show {folder}", soft_wrap=True)
