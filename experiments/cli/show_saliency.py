"""Figure of saliency maps of a network's outputs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from camshaft.experiments.cli.outputs import default_output
from camshaft.experiments.terminal.console import Console

TILE = 160  # pixels


@dataclass(frozen=True)
class ShowSaliencyConfig:
    """Plot the pixels that an output depends on: Grad-CAM, guided backpropagation, Guided Grad-CAM, VisualBackProp.

    Grad-CAM suits networks with global average pooling; for networks with spatial features, such as policy_resnet,
    VisualBackProp is more informative.

    For example: camshaft show saliency runs/classifier/default objects --target bus
    """

    model: Annotated[str, Positional, arg(metavar="MODEL")]
    """Folder of a classifier or policy, or the name of an encoder."""
    images: Annotated[tuple[str, ...], Positional, arg(metavar="IMAGE")]
    """Image files, folders, sets of 'camshaft data', or objects."""
    weights: str | None = None
    """Weights of an encoder by name: camshaft, imagenet or a file."""
    count: int = 8
    """Images sampled from a folder or set."""
    target: str | None = None
    """Output to explain, by name or number; by default the largest of each image."""
    layer: int | None = None
    """Layer for Grad-CAM, from 0; by default the last with feature maps of at least 4×4."""
    out: Path | None = None
    """Image file to write, by default in runs/show under a name of its own."""


def run(config: ShowSaliencyConfig) -> None:
    """Write the figure."""
    import torch

    from camshaft.experiments.cli.show_models import load_subject, read_images
    from camshaft.experiments.drawing.images import write_image
    from camshaft.perception.insight.canvas import enlarged, heat, heated, stacked
    from camshaft.perception.insight.saliency import METHODS, saliency

    out = config.out or default_output("saliency", config.model)
    subject = load_subject(config.model, config.weights)
    frames, names = read_images(config.images, subject, config.count)
    target = target_number(config.target, subject.names)
    images = torch.from_numpy(frames)
    found = {method: saliency(subject, images, method, target, config.layer) for method in METHODS}
    chosen = subject.select_outputs(images, target).tolist()
    rows = []
    for number, (frame, name) in enumerate(zip(frames, names, strict=True)):
        output = subject.names[chosen[number]] if subject.names else f"output {chosen[number]}"
        tiles = [frame]
        for method in METHODS:
            values = found[method][number]
            tiles.append(heat(values**0.5) if method.startswith("guided") else heated(frame, values))
        title = f"{name}: {output}" + (" | image, " + ", ".join(METHODS) if number == 0 else "")
        rows.append((title, [enlarged(tile, TILE) for tile in tiles]))
    write_image(out, stacked(rows))
    Console().print(f"{len(frames)} images in {out}", soft_wrap=True)


def target_number(target: str | None, names: tuple[str, ...]) -> int | None:
    """The number of an output given by name or number."""
    from camshaft.envs.errors import InvalidOption, check_choice

    if target is None:
        return None
    if target.isdigit():
        return int(target)
    if not names:
        raise InvalidOption(
            f"the outputs of this network have no names: give target as a number, not {target!r}"
        )
    return names.index(check_choice("target", target, names))
