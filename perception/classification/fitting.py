"""Training of classifiers on labeled images."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.perception.classification.classifier import Classifier, create_classifier
from camshaft.perception.classification.objective import Classification
from camshaft.perception.training.augmentation import ColorJitter
from camshaft.perception.training.config import TrainingConfig
from camshaft.perception.training.hardware import choose_hardware
from camshaft.perception.training.initialization import INITIALIZATIONS, initialize
from camshaft.perception.training.plan import Plan
from camshaft.perception.training.trainer import Augment, TrainingResult, train
from camshaft.perception.zoo import check_model, model_option_names


@dataclass(frozen=True)
class ClassifierConfig:
    """Configuration of a classifier and its training.

    Attributes:
        model: name of the encoder in the zoo.
        model_options: options of the encoder.
        weights: initial weights of the encoder: "camshaft", "camshaft-signs", "imagenet" or a file; None for random
            initialization.
        keep_head: load the output layer of `weights` as well, which must have the same classes in the same order.
        dropout: dropout probability of the features.
        label_smoothing: fraction of the target probability that is distributed evenly over all classes.
        jitter: strength of the color jitter; 0 for none.
        normalize: normalize frames as the encoder does; otherwise it receives values from 0 to 255.
        initialization: weight initialization: "own", "fan_in" or "unit", see `initialize`.
        training: hyperparameters of the training.
    """

    model: str = "policy_resnet"
    model_options: Mapping[str, Any] = field(default_factory=dict)
    weights: str | None = None
    keep_head: bool = False
    dropout: float = 0.0
    label_smoothing: float = 0.0
    jitter: float = 0.5
    normalize: bool = True
    initialization: str = "own"
    training: TrainingConfig = TrainingConfig()

    def __post_init__(self) -> None:
        check_model(self.model)
        check_choice("initialization", self.initialization, INITIALIZATIONS)
        if not 0.0 <= self.dropout < 1.0 or not 0.0 <= self.label_smoothing < 1.0:
            raise InvalidOption(
                f"dropout and label_smoothing must be from 0 to below 1, got {self.dropout}, {self.label_smoothing}"
            )
        if not 0.0 <= self.jitter < 10.0:
            raise InvalidOption(f"jitter must be from 0 to below 10, got {self.jitter!r}")
        if self.weights is not None and self.initialization != "own":
            raise InvalidOption("weights and initialization exclude each other: give one of them")
        if self.keep_head and self.weights is None:
            raise InvalidOption("keep_head needs weights with an output layer")


def fit_classifier(
    config: ClassifierConfig,
    images: Any,
    validation: Any,
    classes: Sequence[str],
    run_folder: str | Path,
    *,
    plan: Plan | None = None,
    augment: Augment | None = None,
    progress: bool = True,
    resume: bool = False,
) -> TrainingResult:
    """Train a classifier.

    Args:
        config: configuration of the classifier and its training.
        images: training images with the label "class".
        validation: validation images; None for none.
        classes: class names by class index.
        run_folder: see `camshaft.perception.training.trainer.train`.
        plan: selects the parameters that learn; all by default.
        augment: augmentation that replaces the color jitter.
        progress: show a progress bar.
        resume: resume the run in `run_folder`, or start one if there is none.

    Returns:
        The classifier and its validation scores.
    """
    precision = choose_hardware(config.training.device, config.training.precision).precision
    settings = {**dataclasses.asdict(config), "classes": list(classes)}
    settings.pop("training")
    if augment is None and config.jitter:
        augment = ColorJitter(config.jitter, precision)
    return train(
        lambda: build_classifier(config, len(classes)),
        Classification(len(classes), config.label_smoothing),
        images,
        validation,
        config.training,
        run_folder,
        augment=augment,
        plan=plan,
        settings=settings,
        progress=progress,
        resume=resume,
    )


def build_classifier(config: ClassifierConfig, num_classes: int) -> Classifier:
    """Build and initialize a classifier."""
    classifier = create_classifier(
        config.model,
        num_classes,
        weights=config.weights,
        model_options=config.model_options,
        dropout=config.dropout,
        keep_head=config.keep_head,
        normalize=config.normalize,
    )
    initialize(classifier, config.initialization)
    return classifier


def sized_options(model: str, size: int | None) -> dict[str, Any]:
    """Model options for square frames of this size; empty if the model has no `size` option."""
    if size is None or "size" not in model_option_names(model):
        return {}
    return {"size": (size, size)}
