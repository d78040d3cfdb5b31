"""Pretraining of an encoder on several labels of simulated frames at once, and the weights that come of it."""

from camshaft.perception.pretraining.frames import FrameSet, collect_frames
from camshaft.perception.pretraining.network import MultiTaskNetwork
from camshaft.perception.pretraining.objective import MultiTask

__all__ = ["FrameSet", "MultiTask", "MultiTaskNetwork", "collect_frames"]
