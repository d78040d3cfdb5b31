"""Object benchmark: rendered images of single objects for classification."""

from camshaft.perception.data.objects.catalogue import CLASSES
from camshaft.perception.data.objects.images import LABELS, ObjectImages
from camshaft.perception.data.splits import SPLITS

__all__ = ["CLASSES", "LABELS", "SPLITS", "ObjectImages"]
