"""Procedural textures of roads, towns, fields, plants and houses; all tile seamlessly.

Each kind has `NUM_VARIANTS` variants generated from separate seeds, so that even variants can be reserved
for training and odd ones for testing.
"""

from camshaft.envs.driving.textures.land import LAND_METERS, field, forest, grass, gravel
from camshaft.envs.driving.textures.painting import NUM_VARIANTS
from camshaft.envs.driving.textures.plants import bark, leaf_cover, leaves, needle_fringe, needles
from camshaft.envs.driving.textures.roads import (
    LANE_CENTER,
    ROAD_METERS,
    WEAR_LEVELS,
    asphalt,
    chevrons,
    paint,
)
from camshaft.envs.driving.textures.streets import (
    COBBLE_METERS,
    CURB_METERS,
    LAWN_METERS,
    PAVING_METERS,
    STREET_METERS,
    STRIPE_METERS,
    car_park,
    cobbles,
    concrete,
    curb_stone,
    curb_stripes,
    lawn,
    paving,
    runoff_gravel,
    street_asphalt,
    track_asphalt,
)
from camshaft.envs.driving.textures.walls import WINDOW, facade, roof_tiles

__all__ = [
    "COBBLE_METERS",
    "CURB_METERS",
    "LAND_METERS",
    "LANE_CENTER",
    "LAWN_METERS",
    "NUM_VARIANTS",
    "PAVING_METERS",
    "ROAD_METERS",
    "STREET_METERS",
    "STRIPE_METERS",
    "WEAR_LEVELS",
    "WINDOW",
    "asphalt",
    "bark",
    "car_park",
    "chevrons",
    "cobbles",
    "concrete",
    "curb_stone",
    "curb_stripes",
    "facade",
    "field",
    "forest",
    "grass",
    "gravel",
    "lawn",
    "leaf_cover",
    "leaves",
    "needle_fringe",
    "needles",
    "paint",
    "paving",
    "roof_tiles",
    "runoff_gravel",
    "street_asphalt",
    "track_asphalt",
]
