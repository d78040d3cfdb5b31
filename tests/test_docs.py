"""Every Python snippet of the README and of the pages about use runs, and every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))
# Their snippets run in tests/test_extending.py and tests/experiments/docs_media/test_gallery.py.
ELSEWHERE = ("docs/extending.md", "docs/gallery.md")


def text_of(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def snippets(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text_of(page), re.DOTALL)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    "page", [page for page in ("README.md", *DOCS) if page not in ELSEWHERE and snippets(page)]
)
def test_snippets_run_in_order(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "snippet"}
    for number, snippet in enumerate(snippets(page)):
        exec(compile(snippet, f"{page}, snippet {number}", "exec"), names)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", *DOCS])
def test_links_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text_of(page))
    missing = [link for link in links if "://" not in link and not ((ROOT / page).parent / link).exists()]
    assert not missing


def test_the_readme_is_short() -> None:
    assert len(text_of("README.md").splitlines()) <= 90
