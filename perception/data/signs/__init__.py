"""The simulated benchmark of traffic signs: crops as a camera in a car takes them, drawn without end."""

from camshaft.perception.data.benchmark_images import SPLITS
from camshaft.perception.data.signs.catalogue import CLASSES
from camshaft.perception.data.signs.images import SignImages

__all__ = ["CLASSES", "SPLITS", "SignImages"]
