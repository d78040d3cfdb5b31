"""OpenDRIVE maps (.xodr): parsing, and conversion to road networks."""

from camshaft.envs.driving.road_network.opendrive.importer import OpenDriveWarning, read_opendrive

__all__ = ["OpenDriveWarning", "read_opendrive"]
