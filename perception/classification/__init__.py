"""Image classification: any encoder of the zoo with a linear head."""

from perception.classification.classifier import Classifier, create_classifier
from perception.classification.files import load_classifier, save_classifier
from perception.classification.task import Classification

__all__ = ["Classification", "Classifier", "create_classifier", "load_classifier", "save_classifier"]
