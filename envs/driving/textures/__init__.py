"""Procedural textures of roads, towns, fields, plants and houses; every one repeats without a seam.

Each kind comes in `NUM_VARIANTS` variants drawn from seeds of their own, so that even variants can be kept
for training and odd ones for testing.
"""

from camshaft.envs.driving.textures.land import LAND_METRES, field, forest, grass, gravel
from camshaft.envs.driving.textures.painting import NUM_VARIANTS
from camshaft.envs.driving.textures.plants import bark, leaf_cover, leaves, needle_fringe, needles
from camshaft.envs.driving.textures.roads import (
    LANE_CENTRE,
    ROAD_METRES,
    WEAR_LEVELS,
    asphalt,
    chevrons,
    paint,
)
from camshaft.envs.driving.textures.streets import (
    COBBLE_METRES,
    KERB_METRES,
    LAWN_METRES,
    PAVING_METRES,
    STREET_METRES,
    STRIPE_METRES,
    car_park,
    cobbles,
    concrete,
    kerb_stone,
    kerb_stripes,
    lawn,
    paving,
    runoff_gravel,
    street_asphalt,
    track_asphalt,
)
from camshaft.envs.driving.textures.walls import WINDOW, facade, roof_tiles

__all__ = [
    "COBBLE_METRES",
    "KERB_METRES",
    "LAND_METRES",
    "LANE_CENTRE",
    "LAWN_METRES",
    "NUM_VARIANTS",
    "PAVING_METRES",
    "ROAD_METRES",
    "STREET_METRES",
    "STRIPE_METRES",
    "WEAR_LEVELS",
    "WINDOW",
    "asphalt",
    "bark",
    "car_park",
    "chevrons",
    "cobbles",
    "concrete",
    "facade",
    "field",
    "forest",
    "grass",
    "gravel",
    "kerb_stone",
    "kerb_stripes",
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
