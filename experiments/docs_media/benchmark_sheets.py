"""Contact sheets of the simulated benchmarks for the docs: training and test images of every class.

Run as `python -m camshaft.experiments.docs_media.benchmark_sheets`; it writes docs/objects.jpg and docs/signs.jpg.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from camshaft.experiments.drawing.contact_sheet import contact_sheet, write_sheet
from camshaft.perception.data.objects import ObjectImages
from camshaft.perception.data.signs import SignImages

EACH = 3  # images per class and split
SIZE = 64
SHEETS: dict[str, tuple[Any, int]] = {  # file to benchmark and columns
    "docs/objects.jpg": (ObjectImages, 3),
    "docs/signs.jpg": (SignImages, 4),
}


def main() -> None:
    """Render and write the contact sheets."""
    for path, (benchmark, columns) in SHEETS.items():
        sets = [benchmark(split, SIZE) for split in ("train", "test")]
        classes = sets[0].classes
        batches = [images.fetch(range(EACH * len(classes))) for images in sets]
        tiles = {
            name: np.concatenate(
                [image for batch in batches for image in batch["rgb"][batch["class"] == number]], axis=1
            )
            for number, name in enumerate(classes)
        }
        write_sheet(Path(path), contact_sheet(tiles, columns))


if __name__ == "__main__":
    main()
