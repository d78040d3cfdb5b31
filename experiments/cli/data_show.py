"""Contact sheets of stored data sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, arg

from camshaft.envs.arrays import Image
from camshaft.envs.errors import InvalidOption
from camshaft.experiments.cli.outputs import default_output
from camshaft.experiments.terminal.console import Console

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


FLOW_PIXELS = 8.0  # flow at full color saturation
LEAST_WIDTH, SHEET_WIDTH = 128, 1280  # pixels: smaller images are enlarged


@dataclass(frozen=True)
class DataShowConfig:
    """Check every file of a set, and write a contact sheet of some of its frames with their image labels.

    For example: camshaft data show data/roads --out roads.png
    """

    folder: Annotated[Path, Positional, arg(metavar="FOLDER")]
    """Folder of the set."""
    out: Path | None = None
    """Image file to write, by default in runs/show under a name of its own."""
    count: int = 12
    """Frames to show, spread over the set."""
    on_corrupt: Literal["raise", "skip"] = "raise"
    """Handling of damaged files: stop with an error, or skip them with a warning."""


def run(config: DataShowConfig) -> None:
    """Print the contents of the set and write its contact sheet."""
    import numpy as np

    from camshaft.experiments.drawing.images import write_image
    from camshaft.perception.data.stored import StoredFrames

    out = config.out or default_output("sheet", config.folder)
    if config.count < 1:
        raise InvalidOption("count must be at least 1")
    frames = StoredFrames(config.folder, on_corrupt=config.on_corrupt)
    chosen = np.unique(np.linspace(0, len(frames) - 1, config.count).astype(np.int64))
    batch = frames.fetch(chosen)
    write_image(out, sheet(batch, frames.classes))
    console = Console()
    shapes = ", ".join(f"{name} {values.dtype} {values.shape[1:]}" for name, values in batch.items())
    console.print(f"{len(frames)} frames: {shapes}", soft_wrap=True)
    console.print(f"Sheet in {out}", soft_wrap=True)


def sheet(batch: dict[str, Any], classes: tuple[str, ...] = ()) -> Image:
    """Contact sheet with the image and the image labels of each frame in a row, or in several columns if they fit.

    Boxes are plotted on the image. Labels that are not images (states, actions, poses) are left out.
    """
    import numpy as np

    from camshaft.experiments.drawing.contact_sheet import GAP, contact_sheet

    columns = _columns(batch)
    if not columns:
        raise InvalidOption(f"none of these labels is an image: {', '.join(batch)}")
    count = len(next(iter(columns.values())))
    width = next(iter(columns.values()))[0].shape[1]
    zoom = max(1, round(LEAST_WIDTH / width))
    side_by_side = max(1, min(count, SHEET_WIDTH // (len(columns) * (zoom * width + GAP))))
    tiles = []
    for number in range(count):
        for name, images in columns.items():
            title = classes[int(batch["class"][number])] if classes and name == "rgb" else name
            image = np.ascontiguousarray(images[number].repeat(zoom, axis=0).repeat(zoom, axis=1))
            if name == "rgb":
                image = _with_boxes(image, batch, number, zoom)
            tiles.append((title, image))
    return contact_sheet(tiles, side_by_side * len(columns))


def _columns(batch: dict[str, Any]) -> dict[str, list[Image]]:
    """Title to images, for every label that can be shown as one."""
    import numpy as np

    from camshaft.experiments.drawing import label_images

    def mask(values: Any) -> Image:
        return np.repeat(np.uint8(255) * values[..., None].astype(np.uint8), 3, axis=2)

    columns: dict[str, list[Image]] = {}
    if "rgb" in batch:
        columns["rgb"] = list(batch["rgb"])
    if "depth" in batch:
        near, far = _depth_range(batch["depth"])
        columns[f"depth {near:.2g} – {far:.3g} m"] = [
            label_images.depth_image(depth, near, far) for depth in batch["depth"]
        ]
    makers: dict[str, Callable[[Any], Image]] = {
        "next_rgb": lambda values: values,
        "segmentation": label_images.segmentation_image,
        "instances": label_images.instance_image,
        "normals": label_images.normal_image,
        "world_normals": label_images.normal_image,
        "flow": lambda values: label_images.flow_image(values, FLOW_PIXELS),
        "occluded": mask,
        "mask": mask,
    }
    for name, make in makers.items():
        if name in batch:
            columns[name] = [make(values) for values in batch[name]]
    if "positions" in batch and "rgb" in batch:
        pairs = zip(batch["positions"], batch["rgb"], strict=True)
        columns["positions"] = [label_images.position_image(positions, rgb) for positions, rgb in pairs]
    return columns


def _with_boxes(image: Image, batch: dict[str, Any], number: int, zoom: int) -> Image:
    """The image with its bounding boxes, whose coordinates are scaled by `zoom`."""
    from camshaft.experiments.drawing import label_images

    if "box" in batch:
        image = label_images.draw_boxes(image, zoom * batch["box"][number][None], label_images.YELLOW)
    if "objects" in batch:
        image = label_images.draw_boxes(image, zoom * batch["objects"][number][:, :4], label_images.YELLOW)
    return image


def _depth_range(depth: NDArray[np.float32]) -> tuple[float, float]:
    """0.5th and 99.5th percentiles of the depth in meters, without the sky."""
    import numpy as np

    surfaces = depth[(depth > 0.0) & (depth < depth.max())]
    if surfaces.size == 0:
        surfaces = depth
    low, high = np.percentile(surfaces, [0.5, 99.5])
    return float(low), float(max(high, 1.05 * low))
