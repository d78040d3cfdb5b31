"""What was learned on some images put to use on others: fine-tuning, frozen features, and experiments with both."""

from camshaft.perception.transfer.fine_tuning import FineTuning
from camshaft.perception.transfer.probes import extract_features, linear_probe, nearest_neighbors

__all__ = ["FineTuning", "extract_features", "linear_probe", "nearest_neighbors"]
