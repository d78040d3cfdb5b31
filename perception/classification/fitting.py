"""Training a classifier on any set of labeled images."""

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
    """What a user may change about a classifier and its training.

    Attributes:
        model: encoder, a name in the zoo.
        model_options: arguments of the encoder.
        weights: of the encoder at the start: "camshaft", "camshaft-signs", "imagenet" or a file; fresh ones by default.
        keep_head: take the output layer of `weights` too, which must be for the same classes in the same order.
        dropout: probability of leaving out a feature before the head.
        label_smoothing: part of the probability that is spread evenly over all classes.
        jitter: strength of random changes of color and light; 0 for none.
        normalize: bring frames to the range that the network is made for; off, it gets bytes from 0 to 255.
        initialization: "own", "fan_in" or "unit".
        training: how to train.
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
            raise InvalidOption("either weights or an initialization of one's own, not both")
        if self.keep_head and self.weights is None:
            raise InvalidOption("keep_head takes the output layer of weights: name some")


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
        config: what and how.
        images: to learn from, with the label "class".
        validation: held out; None for nothing.
        classes: names by number.
        run_folder: as `camshaft.perception.training.trainer.train` fills it.
        plan: which parts learn; everything by default.
        augment: replaces the changes of color.
        progress: show a progress bar.
        resume: go on with the run in `run_folder`.

    Returns:
        The classifier and its scores on the images held out.
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
    """The classifier that a training begins with."""
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
    """The options that make a model take square frames of this size, where it can."""
    if size is None or "size" not in model_option_names(model):
        return {}
    return {"size": (size, size)}
