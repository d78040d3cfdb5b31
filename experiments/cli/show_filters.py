"""Figure of a network's first-layer filters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from camshaft.experiments.cli.outputs import default_output
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
    out: Path | None = None
    """Image file to write, by default in runs/show under a name of its own."""


def run(config: ShowFiltersConfig) -> None:
    """Write the figure."""
    from camshaft.experiments.cli.show_models import load_subject
    from camshaft.experiments.drawing.images import write_image
    from camshaft.perception.insight.canvas import enlarged, grid
    from camshaft.perception.insight.filters import first_layer_filters

    out = config.out or default_output("filters", config.model)
    filters = first_layer_filters(load_subject(config.model, config.weights).encoder)
    columns = min(16, round(len(filters) ** 0.5) + 2)
    write_image(out, grid([enlarged(image, 44) for image in filters], columns))
    size = "×".join(map(str, filters.shape[1:3]))
    Console().print(f"{len(filters)} filters of {size} pixels in {out}", soft_wrap=True)
    if config.weights is None and not Path(config.model).is_dir():
        Console().print(
            f"These are random: {config.model} is untrained. --weights camshaft or imagenet loads some."
        )
