"""Figure of a network's activation maps, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from camshaft.experiments.cli.outputs import default_output
from camshaft.experiments.terminal.console import Console

TILE = 96  # pixels


@dataclass(frozen=True)
class ShowActivationsConfig:
    """Plot the activation maps of every layer for an image: the channels with the greatest spread.

    For example: camshaft show activations runs/classifier/default photo.jpg
    """

    model: Annotated[str, Positional, arg(metavar="MODEL")]
    """Folder of a classifier or policy, or the name of an encoder."""
    images: Annotated[tuple[str, ...], Positional, arg(metavar="IMAGE")]
    """Image files, folders, sets of 'camshaft data', or objects."""
    weights: str | None = None
    """Weights of an encoder by name: camshaft, imagenet or a file."""
    count: int = 2
    """Images sampled from a folder or set."""
    channels: int = 8
    """Channels shown per layer."""
    out: Path | None = None
    """Image file to write, by default in runs/show under a name of its own."""


def run(config: ShowActivationsConfig) -> None:
    """Write the figure."""
    import torch

    from camshaft.envs.errors import InvalidOption
    from camshaft.experiments.cli.show_models import load_subject, read_images
    from camshaft.experiments.drawing.images import write_image
    from camshaft.perception.insight.activations import activation_maps
    from camshaft.perception.insight.canvas import enlarged, heat, stacked

    out = config.out or default_output("activations", config.model)
    if config.channels < 1:
        raise InvalidOption("channels must be at least 1")
    subject = load_subject(config.model, config.weights)
    frames, names = read_images(config.images, subject, config.count)
    rows = []
    for frame, name in zip(frames, names, strict=True):
        rows.append((name, [enlarged(frame, TILE)]))
        layers = activation_maps(subject.encoder, torch.from_numpy(frame)[None], config.channels)
        for number, maps in enumerate(layers):
            height, width = maps.shape[1:]
            title = f"layer {number + 1}: {subject.encoder.channels[number]} maps of {height}x{width}"
            rows.append((title, [enlarged(heat(values), TILE) for values in maps]))
    write_image(out, stacked(rows))
    Console().print(f"{len(frames)} images through {len(layers)} layers in {out}")
