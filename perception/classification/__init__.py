"""Image classification with the encoders of the zoo."""

from camshaft.perception.classification.classifier import Classifier, create_classifier
from camshaft.perception.classification.files import load_classifier, save_classifier
from camshaft.perception.classification.fitting import ClassifierConfig, build_classifier, fit_classifier
from camshaft.perception.classification.objective import Classification

__all__ = [
    "Classification",
    "Classifier",
    "ClassifierConfig",
    "build_classifier",
    "create_classifier",
    "fit_classifier",
    "load_classifier",
    "save_classifier",
]
