"""The simulated benchmark of traffic signs: crops as a camera in a car takes them, drawn without end."""

from perception.data.benchmark_images import SPLITS
from perception.data.signs.catalogue import CLASSES
from perception.data.signs.images import SignImages

__all__ = ["CLASSES", "SPLITS", "SignImages"]
