"""Labeled images: simulated streams, data sets on disk, readers of real data, augmentation on the GPU."""

from camshaft.perception.data.frames import FrameMaker, FramesConfig
from camshaft.perception.data.simulated import FrameStream, SimulatedFrames

__all__ = ["FrameMaker", "FrameStream", "FramesConfig", "SimulatedFrames"]
