"""Low-polygon models of roadside objects, vehicles and pedestrians, at several levels of detail.

Models are in the object frame: x forward, y left, z up, meters, the origin on the ground. Levels of detail are lists
of meshes, finest first, as `Scene.add` takes them. Vehicles and pedestrians move along +x; fixed objects face -x,
toward traffic driving along x; barrier segments lie along x. Where a model has variants, even ones are for
training and odd ones for testing.
"""

from camshaft.envs.driving.assets.barriers import (
    concrete_barrier,
    guard_rail,
    hedge,
    tire_wall,
    traffic_cone,
    wire_fence,
    wooden_fence,
)
from camshaft.envs.driving.assets.bicycle import PEDAL_FRAMES, RIDERS, bicycle, bicycle_frames
from camshaft.envs.driving.assets.blocks import BuildingModel
from camshaft.envs.driving.assets.bodies import BODIES, NUM_BODIES, SHIRTS
from camshaft.envs.driving.assets.buildings import KINDS, NUM_BUILDINGS, building, buildings
from camshaft.envs.driving.assets.bus import bus
from camshaft.envs.driving.assets.cars import hatchback, sedan, suv
from camshaft.envs.driving.assets.houses import house
from camshaft.envs.driving.assets.motorcycle import motorcycle
from camshaft.envs.driving.assets.pedestrians import (
    STANDING,
    WALK_FRAMES,
    frame_at,
    frame_keypoints,
    pedestrian_frames,
    pedestrian_parts,
)
from camshaft.envs.driving.assets.plants import broadleaf, bush, conifer
from camshaft.envs.driving.assets.posts import bend_marker, delineator, utility_pole
from camshaft.envs.driving.assets.signals import (
    CROSSING_STATES,
    SIGNAL_STATES,
    crossing_light,
    crossing_light_variants,
    traffic_light,
    traffic_light_variants,
)
from camshaft.envs.driving.assets.signs import exit_board, sign, street_name
from camshaft.envs.driving.assets.street import (
    advertising_column,
    bench,
    bollard,
    bus_shelter,
    planter,
    street_lamp,
    ticket_machine,
    waste_bin,
    wheel_stop,
)
from camshaft.envs.driving.assets.track import advert_board, brake_board, grandstand, start_gantry
from camshaft.envs.driving.assets.truck import truck
from camshaft.envs.driving.assets.van import van
from camshaft.envs.driving.assets.vehicle_model import LIGHTS, VehicleModel
from camshaft.envs.driving.assets.vehicles import OWN_PAINT, PAINTS, VEHICLES
from camshaft.envs.driving.assets.walk import KEYPOINTS, PARTS, walk_keypoints, walk_poses

__all__ = [
    "BODIES",
    "CROSSING_STATES",
    "KEYPOINTS",
    "KINDS",
    "LIGHTS",
    "NUM_BODIES",
    "NUM_BUILDINGS",
    "OWN_PAINT",
    "PAINTS",
    "PARTS",
    "PEDAL_FRAMES",
    "RIDERS",
    "SHIRTS",
    "SIGNAL_STATES",
    "STANDING",
    "VEHICLES",
    "WALK_FRAMES",
    "BuildingModel",
    "VehicleModel",
    "advert_board",
    "advertising_column",
    "bench",
    "bend_marker",
    "bicycle",
    "bicycle_frames",
    "bollard",
    "brake_board",
    "broadleaf",
    "building",
    "buildings",
    "bus",
    "bus_shelter",
    "bush",
    "concrete_barrier",
    "conifer",
    "crossing_light",
    "crossing_light_variants",
    "delineator",
    "exit_board",
    "frame_at",
    "frame_keypoints",
    "grandstand",
    "guard_rail",
    "hatchback",
    "hedge",
    "house",
    "motorcycle",
    "pedestrian_frames",
    "pedestrian_parts",
    "planter",
    "sedan",
    "sign",
    "start_gantry",
    "street_lamp",
    "street_name",
    "suv",
    "ticket_machine",
    "tire_wall",
    "traffic_cone",
    "traffic_light",
    "traffic_light_variants",
    "truck",
    "utility_pole",
    "van",
    "walk_keypoints",
    "walk_poses",
    "waste_bin",
    "wheel_stop",
    "wire_fence",
    "wooden_fence",
]
