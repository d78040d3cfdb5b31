"""Contact sheets of stored sets and of streams: what a network is about to learn from, to be looked at first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from rich.console import Console
from tyro.conf import Positional, arg

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]

FLOW_PIXELS = 8.0  # of full saturation


@dataclass(frozen=True)
class DataShowConfig:
    """Check every file of a set and draw some of its frames with all their labels as one picture.

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

    from envs.errors import InvalidOption
    from experiments.pictures import write_picture
    from perception.data.stored import StoredFrames

    if config.count < 1:
        raise InvalidOption("count must be at least 1")
    frames = StoredFrames(config.folder, on_corrupt=config.on_corrupt)
    chosen = np.unique(np.linspace(0, len(frames) - 1, config.count).astype(np.int64))
    batch = frames.render(chosen)
    write_picture(config.out, sheet(batch, frames.classes))
    console = Console()
    shapes = ", ".join(f"{name} {values.dtype} {values.shape[1:]}" for name, values in batch.items())
    console.print(f"{len(frames)} frames: {shapes}", highlight=False, soft_wrap=True)
    console.print(f"Sheet in {config.out}", highlight=False, soft_wrap=True)


def sheet(batch: dict[str, Any], classes: tuple[str, ...] = ()) -> Image:
    """One row a frame: its image, then its labels that are images; boxes and classes are drawn into the image."""
    import cv2
    import numpy as np

    from experiments import label_pictures as pictures

    rows = []
    for number in range(len(batch["rgb"])):
        item = {name: values[number] for name, values in batch.items()}
        image = item["rgb"]
        if "box" in item:
            image = pictures.draw_boxes(image, item["box"][None], pictures.YELLOW)
        if "objects" in item:
            image = pictures.draw_boxes(image, item["objects"][:, :4], pictures.YELLOW)
        if "class" in item and classes:
            image = cv2.copyMakeBorder(image, 14, 0, 0, 0, cv2.BORDER_CONSTANT)
            cv2.putText(
                image, classes[item["class"]], (2, 10), cv2.FONT_HERSHEY_SIMPLEX, 0.33, (255, 255, 255), 1
            )
        tiles = [image]
        makers: dict[str, Callable[[Any], Image]] = {
            "next_rgb": lambda values: values,
            "depth": pictures.depth_picture,
            "segmentation": pictures.label_picture,
            "instances": pictures.instance_picture,
            "normals": pictures.direction_picture,
            "world_normals": pictures.direction_picture,
            "flow": lambda values: pictures.flow_picture(values, FLOW_PIXELS),
            "occluded": lambda values: np.repeat(255 * values[..., None], 3, axis=2),
            "mask": lambda values: np.repeat(255 * values[..., None], 3, axis=2),
        }
        for name, make in makers.items():
            if name in item:
                tile = make(item[name])
                tiles.append(np.pad(tile, ((len(image) - len(tile), 0), (0, 0), (0, 0))))
        rows.append(np.concatenate(tiles, axis=1))
    columns = max(1, 1200 // rows[0].shape[1])
    while len(rows) % columns:
        rows.append(np.zeros_like(rows[0]))
    lines = [np.concatenate(rows[start : start + columns], axis=1) for start in range(0, len(rows), columns)]
    return np.concatenate(lines, axis=0)
