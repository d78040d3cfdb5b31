"""Contact sheets of stored sets and of streams: what a network is about to learn from, to be looked at first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, arg

from camshaft.envs.arrays import Image
from camshaft.envs.errors import InvalidOption
from camshaft.experiments.terminal.console import Console

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


FLOW_PIXELS = 8.0  # of full saturation
LEAST_WIDTH, SHEET_WIDTH = 128, 1280  # pixels: smaller images are shown larger


@dataclass(frozen=True)
class DataShowConfig:
    """Check every file of a set and draw some of its frames as one picture, with all labels that are images.

    For example: camshaft data show data/roads --out roads.png
    """

    folder: Annotated[Path, Positional, arg(metavar="FOLDER")]
    """Folder of the set."""
    out: Path = Path("runs/data/sheet.png")
    """Picture to write."""
    count: int = 12
    """Frames to show, spread over the set."""
    on_corrupt: Literal["raise", "skip"] = "raise"
    """What to do about a damaged file: name it and stop, or leave it out with a warning."""


def run(config: DataShowConfig) -> None:
    """Draw and print what the set holds."""
    import numpy as np

    from camshaft.experiments.drawing.images import write_picture
    from camshaft.perception.data.stored import StoredFrames

    if config.count < 1:
        raise InvalidOption("count must be at least 1")
    frames = StoredFrames(config.folder, on_corrupt=config.on_corrupt)
    chosen = np.unique(np.linspace(0, len(frames) - 1, config.count).astype(np.int64))
    batch = frames.fetch(chosen)
    write_picture(config.out, sheet(batch, frames.classes))
    console = Console()
    shapes = ", ".join(f"{name} {values.dtype} {values.shape[1:]}" for name, values in batch.items())
    console.print(f"{len(frames)} frames: {shapes}", soft_wrap=True)
    console.print(f"Sheet in {config.out}", soft_wrap=True)


def sheet(batch: dict[str, Any], classes: tuple[str, ...] = ()) -> Image:
    """One row a frame, or several short ones side by side: its image, then its labels that are images, under titles.

    Boxes are drawn into the image. What has no picture (states, actions, poses) is left out.
    """
    import numpy as np

    from camshaft.experiments.drawing.contact_sheet import GAP, contact_sheet

    columns = _columns(batch)
    if not columns:
        raise InvalidOption(f"none of these labels is an image that can be shown: {', '.join(batch)}")
    count = len(next(iter(columns.values())))
    width = next(iter(columns.values()))[0].shape[1]
    zoom = max(1, round(LEAST_WIDTH / width))
    side_by_side = max(1, min(count, SHEET_WIDTH // (len(columns) * (zoom * width + GAP))))
    tiles = []
    for number in range(count):
        for name, pictures in columns.items():
            title = classes[int(batch["class"][number])] if classes and name == "rgb" else name
            picture = np.ascontiguousarray(pictures[number].repeat(zoom, axis=0).repeat(zoom, axis=1))
            if name == "rgb":
                picture = _with_boxes(picture, batch, number, zoom)
            tiles.append((title, picture))
    return contact_sheet(tiles, side_by_side * len(columns))


def _columns(batch: dict[str, Any]) -> dict[str, list[Image]]:
    """Title to the pictures of every label that has pictures."""
    import numpy as np

    from camshaft.experiments.drawing import label_images as pictures

    def mask(values: Any) -> Image:
        return np.repeat(np.uint8(255) * values[..., None].astype(np.uint8), 3, axis=2)

    columns: dict[str, list[Image]] = {}
    if "rgb" in batch:
        columns["rgb"] = list(batch["rgb"])
    if "depth" in batch:
        near, far = _depth_range(batch["depth"])
        columns[f"depth {near:.2g} – {far:.3g} m"] = [
            pictures.depth_picture(depth, near, far) for depth in batch["depth"]
        ]
    makers: dict[str, Callable[[Any], Image]] = {
        "next_rgb": lambda values: values,
        "segmentation": pictures.label_picture,
        "instances": pictures.instance_picture,
        "normals": pictures.direction_picture,
        "world_normals": pictures.direction_picture,
        "flow": lambda values: pictures.flow_picture(values, FLOW_PIXELS),
        "occluded": mask,
        "mask": mask,
    }
    for name, make in makers.items():
        if name in batch:
            columns[name] = [make(values) for values in batch[name]]
    if "positions" in batch and "rgb" in batch:
        pairs = zip(batch["positions"], batch["rgb"], strict=True)
        columns["positions"] = [pictures.position_picture(positions, rgb) for positions, rgb in pairs]
    return columns


def _with_boxes(image: Image, batch: dict[str, Any], number: int, zoom: int) -> Image:
    """With thin lines about what is there, in an image that is `zoom` times as large as what the boxes were told of."""
    from camshaft.experiments.drawing import label_images as pictures

    if "box" in batch:
        image = pictures.draw_boxes(image, zoom * batch["box"][number][None], pictures.YELLOW)
    if "objects" in batch:
        image = pictures.draw_boxes(image, zoom * batch["objects"][number][:, :4], pictures.YELLOW)
    return image


def _depth_range(depth: NDArray[np.float32]) -> tuple[float, float]:
    """Meters of the nearest and of the farthest surface, but for a few pixels; the sky, beyond, is left out."""
    import numpy as np

    there = depth[(depth > 0.0) & (depth < depth.max())]
    if there.size == 0:
        there = depth
    low, high = np.percentile(there, [0.5, 99.5])
    return float(low), float(max(high, 1.05 * low))
