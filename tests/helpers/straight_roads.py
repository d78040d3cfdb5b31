"""Straight roads for tests, and vehicles on them."""

from camshaft.envs.driving.road_network.builder import NetworkBuilder
from camshaft.envs.driving.road_network.curves import Pose, straight
from camshaft.envs.driving.traffic.kinds import SEDAN
from camshaft.envs.driving.traffic.traffic import Traffic, TrafficMap

STEP = 0.1  # seconds
LIMIT = 30.0  # m/s of the straight road
CAR = SEDAN.length
TRAITS = (1.0, 1.3, 1.2, 2.0, 0.3, 8.0)


def long_road(lanes=1, length=6000.0):
    builder = NetworkBuilder("road")
    builder.add_road(
        straight(Pose(0.0, 0.0, 0.0), length), lanes, 0, speed_limit=LIMIT, style="motorway", lane_width=3.5
    )
    return TrafficMap.of(builder.build())


def set_out(traffic, number, lane, along, speed, traits=TRAITS, world=0):
    """Put a vehicle on a lane."""
    vehicles, lanes = traffic.vehicles, traffic.lanes
    vehicles.present[world, number] = True
    vehicles.lane[world, number], vehicles.along[world, number] = lane, along
    after = lanes.successors[world, lane, 0]
    vehicles.next_lane[world, number] = after
    vehicles.after_lane[world, number] = lanes.successors[world, after, 0] if after >= 0 else -1
    vehicles.lane_before[world, number] = vehicles.shadow[world, number] = -1
    vehicles.granted[world, number] = -1
    vehicles.speed[world, number] = speed
    vehicles.traits[world, number] = traits
    vehicles.cooldown[world, number] = 1e9  # it does not change lanes by itself


def traffic_on(packed, count):
    traffic = Traffic(1, count, reach=None)
    traffic.set_map(0, packed)
    traffic.vehicles.pose[0, 0] = 1e5, 1e5, 0.0  # the ego vehicle is far away and absent
    return traffic


LEFT_LANE, RIGHT_LANE = 0, 1
