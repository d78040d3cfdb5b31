"""Writing a simulated classification benchmark from the command line: traffic signs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg


@dataclass(frozen=True)
class DataSignsConfig:
    """Write crops around traffic signs with their kinds to a folder: the simulated benchmark of signs.

    Training can draw these images on the fly just as well; a set on disk is for other programs, or for slow machines.

    For example: camshaft data signs data/signs --split train --size 48
    """

    folder: Annotated[Path, Positional, arg(metavar="FOLDER")]
    """Folder of the set."""
    split: Literal["train", "val", "test"] = "train"
    """Which images; test has styles of signs, and textures behind them, that training never shows."""
    size: int = 64
    """Width and height in pixels."""
    images: int | None = None
    """How many; by default 40,000, 2,000 or 4,000."""
    images_per_file: int = 1000
    """Images a file."""
    seed: int = 0
    """Another seed is another set."""
    resume: bool = False
    """Go on with a set that is there."""

    def when_stopped(self) -> str:
        """What a person should know who stopped it."""
        return f"Complete files are kept in {self.folder}; the same command with --resume goes on after them."


def run(config: DataSignsConfig) -> None:
    """Write, with a progress bar."""
    from camshaft.experiments.cli.data_objects import write_benchmark
    from camshaft.perception.data.signs import SignImages

    images = SignImages(config.split, config.size, config.images, config.seed)
    write_benchmark("signs", images, config.folder, config.images_per_file, config.resume)
