"""Self-contained report pages: one HTML file with its text, tables, charts, images and videos."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from io import StringIO
from pathlib import Path
from string import Template
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from camshaft.perception.runs.durable_files import write_durably

# Placeholder colors of charts; the page replaces each by the CSS variable of the light or dark theme.
INK, MUTED, LINE = "#010101", "#020202", "#030303"
FIRST, SECOND, THIRD = "#040404", "#050505", "#060606"
PAGE_COLORS = {INK: "ink", MUTED: "muted", LINE: "line", FIRST: "first", SECOND: "second", THIRD: "third"}
JPEG_QUALITY = 88


class Block(Protocol):
    """An element of a section."""

    def html(self) -> str:
        """The element as self-contained HTML."""


@dataclass(frozen=True)
class Figures:
    """Key figures.

    Attributes:
        entries: (label, value, remark) of each.
    """

    entries: Sequence[tuple[str, str, str]]

    def html(self) -> str:
        """A row of cards."""
        cards = (
            f"<div><dt>{escape(label)}</dt><dd>{escape(value)}<small>{escape(remark)}</small></dd></div>"
            for label, value, remark in self.entries
        )
        return f'<dl class="figures">{"".join(cards)}</dl>'


@dataclass(frozen=True)
class Settings:
    """Names and values."""

    values: Mapping[str, Any]

    def html(self) -> str:
        """A list in columns."""
        rows = (
            f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>"
            for name, value in self.values.items()
        )
        return f'<dl class="settings">{"".join(rows)}</dl>'


@dataclass(frozen=True)
class Table:
    """Rows of text; the first column names the row, the others are numbers.

    Attributes:
        header: one name per column.
        rows: one text per cell; text after a line break is printed small, below.
        emphasis: index of the highlighted row.
        folded: title of the collapsed table, or None to show it.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    emphasis: int | None = None
    folded: str | None = None

    def html(self) -> str:
        """A table that scrolls horizontally on narrow screens."""
        head = "".join(f"<th>{_lines(name)}</th>" for name in self.header)
        body = "".join(self._row(number, row) for number, row in enumerate(self.rows))
        table = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        if self.folded is None:
            return table
        return f"<details><summary>{escape(self.folded)}</summary>{table}</details>"

    def _row(self, number: int, row: Sequence[str]) -> str:
        emphasis = ' class="emphasis"' if number == self.emphasis else ""
        return f"<tr{emphasis}>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>"


@dataclass(frozen=True)
class Chart:
    """A matplotlib figure made with `plot`, in the colors and font of the page.

    Attributes:
        svg: of the finished `Plot`.
        caption: what it shows.
        wide: scroll on narrow screens instead of shrinking.
    """

    svg: str
    caption: str
    wide: bool = False

    def html(self) -> str:
        """An inline SVG."""
        kind = "wide chart-wide" if self.wide else "chart"
        return f'<figure><div class="{kind}">{self.svg}</div>{_caption(self.caption)}</figure>'


@dataclass(frozen=True)
class Figure:
    """An image.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        caption: what it shows.
    """

    image: NDArray[np.uint8]
    caption: str

    def html(self) -> str:
        """The image inside the page."""
        source = f"data:image/png;base64,{_base64_image(self.image, '.png')}"
        return f'<figure><img src="{source}" alt="{escape(self.caption)}">{_caption(self.caption)}</figure>'


@dataclass(frozen=True)
class Video:
    """A rollout to play.

    Attributes:
        path: of an MP4 file.
        poster: (H, W, 3) uint8 RGB, shown until it plays.
        caption: what it shows.
    """

    path: Path
    poster: NDArray[np.uint8]
    caption: str

    def html(self) -> str:
        """The video inside the page, with controls."""
        height, width = self.poster.shape[:2]
        poster = f"data:image/jpeg;base64,{_base64_image(self.poster, '.jpg')}"
        source = f"data:video/mp4;base64,{base64.b64encode(self.path.read_bytes()).decode()}"
        return (
            f'<figure><video controls playsinline muted loop preload="metadata" width="{width}" '
            f'height="{height}" poster="{poster}"><source src="{source}" type="video/mp4"></video>'
            f"{_caption(self.caption)}</figure>"
        )


@dataclass(frozen=True)
class Grid:
    """Blocks side by side.

    Attributes:
        blocks: in reading order.
        small: many small images instead of two columns.
    """

    blocks: Sequence[Block]
    small: bool = False

    def html(self) -> str:
        """As many columns as fit."""
        kind = "frames" if self.small else "grid"
        return f'<div class="{kind}">{"".join(block.html() for block in self.blocks)}</div>'


@dataclass(frozen=True)
class Section:
    """A titled part of the page.

    Attributes:
        title: of the section; none for the opening.
        text: introductory paragraph.
        blocks: elements below the text.
    """

    title: str
    text: str = ""
    blocks: Sequence[Block] = field(default=())

    def html(self) -> str:
        """The section with its heading."""
        heading = f"<h2>{escape(self.title)}</h2>" if self.title else ""
        text = f"<p>{escape(self.text)}</p>" if self.text else ""
        return f"<section>{heading}{text}{''.join(block.html() for block in self.blocks)}</section>"


def write_page(
    path: Path, title: str, lead: str, sections: Sequence[Section], kicker: str = "Camshaft", footer: str = ""
) -> Path:
    """Write a self-contained page, atomically.

    Args:
        path: of the HTML file.
        title: of the page.
        lead: summary of the method and result, in a sentence or two.
        sections: in reading order.
        kicker: line above the title.
        footer: origin of the page.
    """
    template = Template(Path(__file__).with_name("page_template.html").read_text(encoding="utf-8"))
    page = template.substitute(
        title=escape(title),
        lead=escape(lead),
        kicker=escape(kicker),
        footer=escape(footer),
        body="\n".join(section.html() for section in sections),
    )
    write_durably(path, lambda stream: stream.write(page.encode()))
    return path


class Plot:
    """A matplotlib figure; `svg` holds the result after the `plot` block."""

    def __init__(self, figure: Any, axes: Any) -> None:
        self.figure = figure
        self.axes = axes
        self.svg = ""


@contextmanager
def plot(name: str, width: float = 4.8, height: float = 3.0, rows: int = 1) -> Any:
    """Plot a chart in the page's style.

    Args:
        name: unique within the page; prefix of the SVG's identifiers.
        width: inches; 4.8 for half the page width, 9.6 for all of it.
        height: inches.
        rows: number of axes, which share the horizontal axis.

    Yields:
        A Plot, whose `axes` is one Axes or an array of `rows`.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_chart_style(name)):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        result = Plot(figure, figure.subplots(rows, sharex=True))
        yield result
        stream = StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    result.svg = _inline_svg(stream.getvalue())


def _chart_style(name: str) -> Any:
    return {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "font.size": 9,
        "text.color": INK,
        "axes.labelcolor": MUTED,
        "axes.edgecolor": LINE,
        "axes.titlesize": 9.5,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": LINE,
        "grid.linewidth": 0.6,
        "xtick.color": LINE,
        "ytick.color": LINE,
        "xtick.labelcolor": MUTED,
        "ytick.labelcolor": MUTED,
        "lines.linewidth": 1.6,
        "legend.frameon": False,
        "legend.fontsize": 8.5,
    }


def _inline_svg(text: str) -> str:
    """Strip a matplotlib SVG for embedding, and replace its colors by those of the page."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", text)
    text = re.sub(r'(<svg[^>]*?)\swidth="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?)\sheight="[^"]*"', r"\1", text, count=1)
    text = re.sub(r"'DejaVu Sans'[^;\"]*", "inherit", text)
    for color, variable in PAGE_COLORS.items():
        text = text.replace(color, f"var(--{variable})")
    return text


def _base64_image(image: NDArray[np.uint8], kind: str) -> str:
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if kind == ".jpg" else []
    _, encoded = cv2.imencode(kind, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    return base64.b64encode(encoded.tobytes()).decode()


def _caption(text: str) -> str:
    return f"<figcaption>{escape(text)}</figcaption>" if text else ""


def _lines(text: str) -> str:
    return "<br>".join(escape(line) for line in text.split("\n"))


def _cell(text: str) -> str:
    first, *rest = text.split("\n")
    return escape(first) + "".join(f"<small>{escape(line)}</small>" for line in rest)
