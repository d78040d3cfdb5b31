"""Image classification: any encoder of the zoo with a linear head."""

from perception.classification.classifier import Classifier, create_classifier

__all__ = ["Classifier", "create_classifier"]
