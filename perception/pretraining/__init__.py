"""Pretraining of an encoder on several labels of simulated frames at once, and the weights that come of it."""

from perception.pretraining.frames import FrameSet, collect_frames
from perception.pretraining.network import MultiTaskNetwork
from perception.pretraining.task import MultiTask

__all__ = ["FrameSet", "MultiTask", "MultiTaskNetwork", "collect_frames"]
