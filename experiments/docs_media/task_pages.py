"""Pages of docs/tasks: one per task, generated from its docstring, with images, and a gallery."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import gymnasium
import numpy as np

from camshaft.envs.arrays import Image
from camshaft.envs.catalogue import TASKS, Task
from camshaft.envs.driving.light import WEATHERS
from camshaft.experiments.drawing.contact_sheet import contact_sheet, filled, title_row, write_sheet
from camshaft.experiments.drawing.label_images import segmentation_image

HEIGHT = 260  # pixels of a page's images
THUMBNAIL = (256, 192)  # width, height
SECONDS, SEED = 5.0, 4  # the expert acts this long before the images are rendered


def short_name(task: Task) -> str:
    """The name alone, such as Racing."""
    return task.id.split("/")[1].rsplit("-v", 1)[0]


def page(task: Task) -> str:
    """The page of a task as Markdown."""
    name, simulation = short_name(task), task.simulation_class()
    parts = re.split(r"\n(?=[A-Z][A-Za-z ]+:\n)", inspect.getdoc(simulation) or "")
    lines = [f"# {name}", "", f"`{task.id}`: {parts[0].strip()}", "", f"![{name}]({name}.jpg)", ""]
    lines += [
        f"An episode lasts {task.max_episode_steps:,} steps at {simulation.control_frequency:g} Hz at most. Control "
        f"modes: {_listed(simulation.control_modes)}; rewards: {_listed(simulation.reward_modes)}; parts of the "
        f"observation beside the images: {_listed(simulation.state_parts)}; pictures for people: "
        f"{_listed(simulation.render_modes)}.",
        "",
        "```python",
        "import gymnasium",
        "import camshaft",
        "",
        f'env = gymnasium.make("{task.id}", obs_mode="rgb+state", randomize="train")',
        "observation, info = env.reset(seed=0)",
        "columns = env.unwrapped.simulation.state_names",
        "```",
        "",
    ]
    for part in parts[1:]:
        title, _, text = part.partition(":\n")
        lines += [f"## {title}", "", inspect.cleandoc(text), ""]
    return "\n".join(lines).rstrip() + "\n"


def index() -> str:
    """The gallery page as Markdown."""
    lines = [
        "# Tasks",
        "",
        "Every task is seen through a camera, and made by `gymnasium.make(id)` or by "
        "`gymnasium.make_vec(id, num_envs=16)`.",
        "These pages are written by `camshaft tasks --docs docs/tasks`.",
        "",
        "![All tasks](gallery.jpg)",
        "",
        "| id | what has to be done | steps | tags |",
        "|---|---|---|---|",
    ]
    for task in TASKS:
        name, tags = short_name(task), ", ".join(task.tags)
        lines.append(f"| [`{task.id}`]({name}.md) | {task.summary} | {task.max_episode_steps:,} | {tags} |")
    return "\n".join(lines) + "\n"


def task_images(task: Task) -> dict[str, Image]:
    """Images of a task: from outside, through its camera, its segmentation, and its map if it has one."""
    modes = task.simulation_class().render_modes
    env = gymnasium.make(
        task.id, obs_mode="rgb+segmentation", render_mode=modes[0], randomize="train", camera=(168, 168)
    )
    simulation = env.unwrapped.simulation  # type: ignore[attr-defined]
    observation, _ = env.reset(seed=SEED)
    for _ in range(round(SECONDS * simulation.control_frequency)):
        observation, *_, ended, _, _ = env.step(simulation.expert_action()[0])
        if ended:
            observation, _ = env.reset()
    tiles = {
        "from outside": np.asarray(env.render()),
        "what the camera sees": observation["rgb"],
        "its labels": segmentation_image(observation["segmentation"][..., 0]),
    }
    if "map" in modes:
        tiles["the map"] = simulation.render_frames([0], "map")[0]
    env.close()
    return tiles


def weather_sheet() -> Image:
    """One street in every weather and at every time of the day."""
    tiles: dict[str, Image] = {}
    conditions = [("day", weather) for weather in WEATHERS] + [("dusk", None), ("night", "clear")]
    for time_of_day, weather in conditions:
        env = gymnasium.make(
            "camshaft/Town-v0",
            obs_mode="rgb",
            randomize="train",
            camera={"width": 256, "height": 192, "supersampling": 2},
            time_of_day=time_of_day,
            weather=weather,
        )
        image, _ = env.reset(seed=SEED)
        for _ in range(25):
            action = env.unwrapped.simulation.expert_action()[0]  # type: ignore[attr-defined]
            image, *_ = env.step(action)
        tiles[weather if time_of_day == "day" and weather else time_of_day] = image
        env.close()
    return contact_sheet(tiles, 3)


def write_pages(folder: Path) -> list[Path]:
    """Write all pages and images; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    thumbnails: dict[str, Image] = {}
    written = [folder / "README.md"]
    for task in TASKS:
        name, tiles = short_name(task), task_images(task)
        thumbnails[name] = filled(next(iter(tiles.values())), *THUMBNAIL)
        write_sheet(folder / f"{name}.jpg", title_row(tiles, HEIGHT))
        (folder / f"{name}.md").write_text(page(task), encoding="utf-8")
        written += [folder / f"{name}.jpg", folder / f"{name}.md"]
    write_sheet(folder / "gallery.jpg", contact_sheet(thumbnails, 4))
    write_sheet(folder / "weather.jpg", weather_sheet())
    written[0].write_text(index(), encoding="utf-8")
    return [*written, folder / "gallery.jpg", folder / "weather.jpg"]


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)
