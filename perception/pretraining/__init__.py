"""Multi-task pretraining of encoders on simulated frames, and shipping of the weights."""

from camshaft.perception.pretraining.frames import FrameSet, collect_frames
from camshaft.perception.pretraining.network import MultiTaskNetwork
from camshaft.perception.pretraining.objective import MultiTask

__all__ = ["FrameSet", "MultiTask", "MultiTaskNetwork", "collect_frames"]
