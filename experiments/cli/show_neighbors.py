"""Figures of nearest neighbors in a network's feature space, and of a t-SNE map of that space."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from camshaft.experiments.cli.outputs import default_output
from camshaft.experiments.terminal.console import Console

TILE = 72  # pixels
THUMBNAIL = 40


@dataclass(frozen=True)
class ShowNeighborsConfig:
    """Plot the nearest neighbors of some images in a network's feature space, and a t-SNE map of that space.

    For example: camshaft show neighbors runs/classifier/default objects
    """

    model: Annotated[str, Positional, arg(metavar="MODEL")]
    """Folder of a classifier or policy, or the name of an encoder."""
    images: Annotated[tuple[str, ...], Positional, arg(metavar="IMAGE")]
    """Image files, folders, sets of 'camshaft data', or objects; neighbors are found among these."""
    weights: str | None = None
    """Weights of an encoder by name: camshaft, imagenet or a file."""
    count: int = 360
    """Images sampled from a folder or set."""
    queries: int = 10
    """Number of images whose neighbors are shown."""
    neighbors: int = 8
    """Neighbors per image."""
    out: Path | None = None
    """Image file to write, by default in runs/show under a name of its own; the map is saved as <name>_map."""


def run(config: ShowNeighborsConfig) -> None:
    """Write both figures."""
    import numpy as np

    from camshaft.envs.errors import InvalidOption
    from camshaft.experiments.cli.show_models import load_subject, read_images
    from camshaft.experiments.drawing.images import write_image
    from camshaft.perception.insight.canvas import enlarged, scattered, stacked
    from camshaft.perception.insight.features import all_features, nearest, tsne

    out = config.out or default_output("neighbors", config.model)
    if config.queries < 1 or config.neighbors < 1:
        raise InvalidOption("queries and neighbors must be at least 1")
    subject = load_subject(config.model, config.weights)
    frames, names = read_images(config.images, subject, config.count)
    if len(frames) <= config.neighbors:
        raise InvalidOption(f"{config.neighbors} neighbors need more images than the {len(frames)} given")
    features = all_features(subject.encoder, frames)
    asked = np.unique(np.linspace(0, len(frames) - 1, config.queries).astype(np.int64))
    found = nearest(features, features[asked], config.neighbors + 1)
    rows = [
        (
            f"{names[query]} (first) and its nearest neighbors",
            [enlarged(frames[number], TILE) for number in (query, *like[like != query])],
        )
        for query, like in zip(asked, found, strict=True)
    ]
    write_image(out, stacked(rows))
    map_file = out.with_stem(f"{out.stem}_map")
    write_image(map_file, scattered(tsne(features), [enlarged(frame, THUMBNAIL) for frame in frames]))
    Console().print(f"Neighbors in {out}, a map in {map_file}", soft_wrap=True)
