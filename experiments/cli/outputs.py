"""Default output files of commands, named after what they show, so that none replaces another's."""

from __future__ import annotations

from pathlib import Path

PARTS = 3  # of a path, from its end, that name it


def default_output(kind: str, *subjects: str | Path, suffix: str = ".png") -> Path:
    """File below runs/show for a figure of some models, images or sets, such as filters-resnet18.png."""
    names = ("_".join(part for part in Path(subject).parts[-PARTS:] if part != "/") for subject in subjects)
    text = "-".join((kind, *names))
    return Path("runs/show") / ("".join(c if c.isalnum() or c in "._-" else "_" for c in text)[:150] + suffix)
