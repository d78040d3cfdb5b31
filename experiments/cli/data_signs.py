"""Writing of the simulated traffic-sign benchmark from the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg


@dataclass(frozen=True)
class DataSignsConfig:
    """Write the simulated traffic-sign benchmark to a folder: crops around signs, with their classes.

    Training can also render these images on the fly; a set on disk is for other programs and slow machines.

    For example: camshaft data signs data/signs --split train --size 48
    """

    folder: Annotated[Path, Positional, arg(metavar="FOLDER")]
    """Folder of the set."""
    split: Literal["train", "val", "test"] = "train"
    """Split of the images; test has sign styles and backgrounds that training never shows."""
    size: int = 64
    """Width and height in pixels."""
    images: int | None = None
    """Number of images; by default 40,000 (train), 2,000 (val) or 4,000 (test)."""
    images_per_file: int = 1000
    """Images per file."""
    seed: int = 0
    """Seed of the set."""
    resume: bool = False
    """Continue a set that was begun."""

    def when_stopped(self) -> str:
        """Message after Ctrl-C."""
        return (
            f"Complete files are kept in {self.folder}; the same command with --resume continues after them."
        )


def run(config: DataSignsConfig) -> None:
    """Write, with a progress bar."""
    from camshaft.experiments.cli.data_objects import write_benchmark
    from camshaft.perception.data.signs import SignImages

    images = SignImages(config.split, config.size, config.images, config.seed)
    write_benchmark("signs", images, config.folder, config.images_per_file, config.resume)
