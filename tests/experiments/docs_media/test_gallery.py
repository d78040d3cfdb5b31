"""Gallery page: its code runs, its images exist and are small; colors of labels."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from camshaft.envs.rendering import Camera
from camshaft.experiments.docs_media import gallery_town
from camshaft.experiments.docs_media.gallery import SHEETS, remap
from camshaft.experiments.docs_media.gallery_street import Street
from camshaft.experiments.drawing.contact_sheet import MAX_BYTES, contact_sheet, fitted, write_sheet
from camshaft.experiments.drawing.label_images import (
    depth_image,
    draw_boxes,
    flow_image,
    instance_image,
    normal_image,
    speed_image,
)

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "gallery.md").read_text()


def test_the_code_of_the_page_runs():
    names: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) > len(SHEETS)
    for block in blocks:
        exec(compile(block, "docs/gallery.md", "exec"), names)
    images = [names[name] for name in ("image", "dusk", "night", "rain", "spray", "spoilt", "leafy", "shiny")]
    assert len({image.tobytes() for image in images}) == len(images)


def test_every_sheet_is_on_the_page_and_small():
    shown = re.findall(r"\((gallery_\w+\.jpg)\)", PAGE)
    assert shown and set(shown) == {f"gallery_{name}.jpg" for name in SHEETS}
    sizes = [(DOCS / name).stat().st_size for name in shown]
    assert max(sizes) < 300_000 and sum(sizes) < 3_000_000


def test_a_sheet_holds_every_image_below_its_title():
    tiles = {str(level): np.full((40, 60, 3), level, np.uint8) for level in (50, 100, 150)}
    sheet = contact_sheet(tiles, 2)
    for level in (50, 100, 150):
        assert (sheet == level).all(axis=-1).sum() >= 40 * 60
    assert fitted(np.full((10, 10, 3), 9, np.uint8), 60, 40).shape == (40, 60, 3)


def test_a_sheet_is_written_within_its_size_limit(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (400, 500, 3), np.uint8)
    write_sheet(tmp_path / "docs" / "noise.jpg", noise)
    assert (tmp_path / "docs" / "noise.jpg").stat().st_size <= MAX_BYTES
    flat = np.full((40, 50, 3), (200, 30, 30), np.uint8)
    write_sheet(tmp_path / "flat.jpg", flat)
    read = cv2.cvtColor(cv2.imread(str(tmp_path / "flat.jpg")), cv2.COLOR_BGR2RGB)
    assert np.abs(read.astype(int) - flat).max() < 8


def test_colors_of_labels():
    flow = np.zeros((40, 40, 2), np.float32)
    flow[:20, :, 0] = 10.0
    image = flow_image(flow, 10.0)
    assert tuple(image[0, 0]) == (255, 0, 0) and tuple(image[-1, 0]) == (255, 255, 255)
    near, far, none = depth_image(np.array([[2.0, 300.0, 0.0]], np.float32))[0].astype(int)
    assert near.sum() > far.sum() and tuple(none) == (128, 128, 128)
    assert tuple(normal_image(np.array([[[0.0, 1.0, 0.0]]], np.float32))[0, 0]) == (127, 255, 127)
    colors = instance_image(np.arange(40, dtype=np.uint16)[None])[0]
    assert len(np.unique(colors, axis=0)) == 40 and not colors[0].any()
    assert speed_image(np.array([[0.0, 9.0]]), 9.0).sum(axis=-1).tolist()[0][0] < 20
    boxed = draw_boxes(np.zeros((20, 20, 3), np.uint8), [[2, 3, 12, 9], [0, 0, 0, 0]], (255, 0, 0))
    assert boxed[3, 2, 0] == boxed[8, 11, 0] == 255 and boxed[..., 0].astype(bool).sum() == 2 * (10 + 6) - 4


@pytest.fixture(scope="module")
def street():
    return Street()


def test_the_street_shows_moving_cars_from_a_moving_ego_vehicle(street):
    camera = Camera(160, 100, 75.0, position=(0.6, 0.0, 1.4))
    seen = street.see_motion(camera, ("instances", "scene_flow"), seconds=0.1)
    first = street.cars.instance
    moving = np.linalg.norm(seen["scene_flow"], axis=-1) / 0.1
    ahead, oncoming = seen["instances"] == first, seen["instances"] == first + 2
    assert ahead.sum() > 50 and oncoming.sum() > 50
    assert np.median(moving[ahead]) == pytest.approx(14.0, rel=0.05)
    assert np.median(moving[oncoming]) == pytest.approx(15.0, rel=0.05)
    others = (seen["instances"] > 0) & ~np.isin(seen["instances"], first + np.arange(5))
    assert moving[others].max() < 1e-3


def test_a_remapped_fisheye_image_is_the_cylindrical_one(street):
    fisheye = Camera(800, 800, 180.0, position=(0.6, 0.0, 1.6), lens="fisheye", supersampling=2)
    cylinder = Camera(160, 100, 150.0, position=(0.6, 0.0, 1.6), lens="cylindrical", supersampling=2)
    warped = remap(street.see(fisheye)["rgb"], fisheye, cylinder)
    direct = street.see(cylinder)["rgb"]
    assert np.abs(warped.astype(int) - direct).mean() < 8.0


def test_a_street_darkens_toward_night_and_its_windows_and_lamps_shine():
    day, dusk, night = (gallery_town.street(time).astype(int) for time in ("day", "dusk", "night"))
    assert day.std() > 30.0 and night.mean() < dusk.mean() < day.mean()
    warm = (night[..., 0] > 200) & (night[..., 2] < 150) & (night[..., 1] > 120)
    assert warm[: len(night) // 2].sum() > 50
