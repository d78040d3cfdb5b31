"""Readers of real data sets, with a common interface: length, items by index, and batches by `fetch`."""

from camshaft.perception.data.readers.camvid import CamVid, camvid_from_simulation
from camshaft.perception.data.readers.coco import Coco, Instance, YoloFolder
from camshaft.perception.data.readers.driving_logs import DonkeyTub, UdacityLog
from camshaft.perception.data.readers.folders import GTSRB, ImageFolder
from camshaft.perception.data.readers.image_set import IGNORED, ImageSet
from camshaft.perception.data.readers.solids import ModelFolder, VoxelFile

__all__ = [
    "GTSRB",
    "IGNORED",
    "CamVid",
    "Coco",
    "DonkeyTub",
    "ImageFolder",
    "ImageSet",
    "Instance",
    "ModelFolder",
    "UdacityLog",
    "VoxelFile",
    "YoloFolder",
    "camvid_from_simulation",
]
