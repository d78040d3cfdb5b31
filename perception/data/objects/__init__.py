"""The simulated classification benchmark: what stands in front of the camera, drawn without end and without error."""

from camshaft.perception.data.benchmark_images import SPLITS
from camshaft.perception.data.objects.catalogue import CLASSES
from camshaft.perception.data.objects.images import LABELS, ObjectImages

__all__ = ["CLASSES", "LABELS", "SPLITS", "ObjectImages"]
