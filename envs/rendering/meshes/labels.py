"""Semantic labels of surfaces and their ids in segmentation images."""

from __future__ import annotations

from types import MappingProxyType

LABEL_NAMES = (
    "sky",
    "terrain",
    "road",
    "lane_marking",
    "shoulder",
    "vegetation",
    "building",
    "pole",
    "vehicle",
    "object",
    "robot",
    "table",
    "sidewalk",
    "fence",
    "person",
    "bicycle",
    "traffic_light",
    "traffic_sign",
    "goal",
    "floor",
    "wall",
)

LABELS = MappingProxyType({name: index for index, name in enumerate(LABEL_NAMES)})
