"""The guide to extending Camshaft: every block applied to a copy of the package, and tried."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "extending.md"
PACKAGES = ("envs", "perception", "agents", "experiments")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"# ([\w/]+\.py)\n")


def sections() -> dict[str, list[tuple[str, str]]]:
    """Title of a section to its blocks: language and text."""
    parts = re.split(r"^## (.+)$", GUIDE.read_text("utf-8"), flags=re.MULTILINE)
    return {title: BLOCK.findall(text) for title, text in zip(parts[1::2], parts[2::2], strict=True)}


def apply_diff(package: Path, text: str) -> None:
    """Replace the lines of a diff's one hunk, which stand in the file exactly once."""
    first, _, hunk = text.partition("\n")
    path = package / first.removeprefix("# ")
    lines = hunk.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    content = path.read_text("utf-8")
    assert content.count(before) == 1, f"{path} has these lines {content.count(before)} times:\n{before}"
    path.write_text(content.replace(before, after), encoding="utf-8")


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the package, to which all blocks of the guide are applied."""
    folder = tmp_path_factory.mktemp("extended")
    package = folder / "camshaft"
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, package / name, ignore=ignored)
    for name in ("__init__.py", "aliases.py"):
        shutil.copy(ROOT / name, package / name)
    for blocks in sections().values():
        for language, text in blocks:
            if language == "diff":
                apply_diff(package, text)
            elif language == "python" and (named := PATH.match(text)):
                path = package / named[1]
                assert not path.exists(), path
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
    return folder


def run(folder: Path, *words: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    (folder / "work").mkdir(exist_ok=True)
    finished = subprocess.run(
        [sys.executable, *words], cwd=folder / "work", env=environment, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.mark.slow
@pytest.mark.parametrize("title", sections())
def test_what_the_guide_adds_works(title: str, extended: Path) -> None:
    blocks = [(language, text) for language, text in sections()[title] if not PATH.match(text)]
    tried = 0
    for language, text in blocks:
        if language == "python":
            run(extended, "-c", text)
            tried += 1
        for line in text.splitlines() if language == "sh" else ():
            if "my_policies:" not in line:
                run(extended, "-m", "camshaft.experiments.cli.main", *line.split()[1:])
                tried += 1
    assert tried


def test_the_table_names_every_section_and_files_that_exist() -> None:
    introduction = GUIDE.read_text("utf-8").partition("\n## ")[0]
    for title in sections():
        assert f"| {title.lower()} |" in introduction
    for path in re.findall(r"`((?:envs|perception|agents|experiments|tests)/[\w/]*(?:\.py)?)`", introduction):
        assert (ROOT / path).exists(), path


@pytest.mark.slow
def test_the_code_of_the_guide_is_as_clean_as_the_suite(extended: Path) -> None:
    files = [
        str(extended / "camshaft" / named[1])
        for blocks in sections().values()
        for language, text in blocks
        if language == "python" and (named := PATH.match(text))
    ]
    settings = str(ROOT / "pyproject.toml")
    run(extended, "-m", "ruff", "check", "--config", settings, *files)
