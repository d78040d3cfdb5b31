"""Sign benchmark: rendered images of traffic signs, as seen by a camera in a car, for classification."""

from camshaft.perception.data.signs.catalogue import CLASSES
from camshaft.perception.data.signs.images import SignImages
from camshaft.perception.data.splits import SPLITS

__all__ = ["CLASSES", "SPLITS", "SignImages"]
