"""The contact sheet of the object benchmark for the docs: some training and some test images of every class.

Run as `python -m experiments.objects_sheet`; it writes docs/objects.jpg.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiments.contact_sheet import contact_sheet, write_sheet
from perception.data.objects import CLASSES, ObjectImages

EACH = 3  # images of a split
SIZE = 64
COLUMNS = 3
SHEET = Path("docs/objects.jpg")


def main() -> None:
    """Draw and write."""
    rows = range(EACH * len(CLASSES))
    sets = [ObjectImages(split, SIZE).render(rows) for split in ("train", "test")]
    tiles = {
        name: np.concatenate(
            [image for batch in sets for image in batch["rgb"][batch["class"] == number]], axis=1
        )
        for number, name in enumerate(CLASSES)
    }
    write_sheet(SHEET, contact_sheet(tiles, COLUMNS))


if __name__ == "__main__":
    main()
