"""Transfer learning: fine-tuning, evaluation of frozen features, and tools for transfer experiments."""

from camshaft.perception.transfer.fine_tuning import FineTuning
from camshaft.perception.transfer.probes import extract_features, linear_probe, nearest_neighbors

__all__ = ["FineTuning", "extract_features", "linear_probe", "nearest_neighbors"]
