"""Figure of a network's first-layer filters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from camshaft.experiments.terminal.console import Console


@dataclass(frozen=True)
class ShowFiltersConfig:
    """Plot the filters of a network's first convolution, in color.

    For example: camshaft show filters resnet18 --weights imagenet
    """

    model: Annotated[str, Positional, arg(metavar="MODEL")]
    """Folder of a classifier or policy, or the name of an encoder."""
    weights: str | None = None
    """Weights of an encoder by name: camshaft, imagenet or a file."""
    out: Path = Path("runs/show/filters.png")
    """Image file to write."""


def run(config: ShowFiltersConfig) -> None:
    """Write the figure."""
    from camshaft.experiments.cli.show_models import load_subject
    from camshaft.experiments.drawing.images import write_image
    from camshaft.perception.insight.canvas import enlarged, grid
    from camshaft.perception.insight.filters import first_layer_filters

    filters = first_layer_filters(load_subject(config.model, config.weights).encoder)
    columns = min(16, round(len(filters) ** 0.5) + 2)
    write_image(config.out, grid([enlarged(image, 44) for image in filters], columns))
    size = "×".join(map(str, filters.shape[1:3]))
    Console().print(f"{len(filters)} filters of {size} pixels in {config.out}", soft_wrap=True)
