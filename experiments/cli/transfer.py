"""Transfer of a pretrained encoder to new image classes, from the command line."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from tyro.conf import OmitArgPrefixes

from camshaft.perception.training.config import TrainingConfig

WITHOUT_TRAINING = ("probe", "neighbors")


@dataclass(frozen=True)
class TransferConfig:
    """Transfer a pretrained encoder to new image classes.

    "tune" trains a new head and the encoder, lower layers at smaller learning rates; "head" trains the new head alone;
    "probe" fits a logistic regression to frozen features; "neighbors" is a k-nearest-neighbors classifier on them.

    For example: camshaft transfer --weights camshaft --data data/GTSRB --mode tune --rate-decay 0.8 --unfreeze-epochs 1
    """

    data: str
    """Images of the new classes, as for 'camshaft train classifier'."""
    model: str = "policy_resnet"
    """Encoder, a name in the zoo or timm:NAME."""
    weights: str | None = "camshaft"
    """Weights of the encoder: camshaft, imagenet, a file (such as a run's classifier/model.safetensors), or None."""
    mode: Literal["tune", "head", "probe", "neighbors"] = "tune"
    """Transfer method."""
    frozen: int = 0
    """With "tune": number of frozen layer groups, counted from the input."""
    rate_decay: float = 0.8
    """With "tune": learning rate of each layer group relative to the group above it."""
    unfreeze_epochs: int = 0
    """With "tune": epochs between unfreezing one layer group and the next below; 0 trains all from the start."""
    size: int = 64
    """Width and height that images are resized to."""
    fraction: float = 1.0
    """Fraction of the training images to use, stratified by class."""
    neighbors: int = 5
    """With "neighbors": number of neighbors."""
    jitter: float = 0.5
    """Strength of the color jitter in training; 0 for none."""
    skip_corrupt: bool = False
    """Skip unreadable files, with a warning for each."""
    out: Path = Path("runs/transfer/default")
    """Run folder; "probe" and "neighbors" write only results.json."""
    resume: bool = False
    """Resume from the last checkpoint in the run folder."""
    training: OmitArgPrefixes[TrainingConfig] = field(default_factory=TrainingConfig)
    """Training."""

    def when_stopped(self) -> str:
        """Message after Ctrl-C."""
        if self.mode in WITHOUT_TRAINING:
            return "Nothing was kept."
        from camshaft.perception.runs.run_folder import resume_hint

        return resume_hint(self.out)


def run(config: TransferConfig) -> None:
    """Train, test, and print the accuracy."""
    from camshaft.experiments.studies.classification_data import (
        ClassificationData,
        labels_of,
        open_classification_data,
    )
    from camshaft.experiments.terminal.console import Console
    from camshaft.perception.runs.durable_files import named_disk_errors, write_json_durably
    from camshaft.perception.runs.run_folder import check_resumable
    from camshaft.perception.training.distributed import is_first_process
    from camshaft.perception.training.samples import Subset, as_samples
    from camshaft.perception.transfer.few_labels import stratified_rows

    if config.resume:
        check_resumable(config.out)
    data = open_classification_data(
        config.data,
        config.size,
        seed=config.training.seed,
        skip_corrupt=config.skip_corrupt,
    )
    if config.fraction != 1.0:
        rows = stratified_rows(labels_of(data.train), config.fraction, config.training.seed)
        data = ClassificationData(
            Subset(as_samples(data.train), rows), data.validation, data.test, data.classes
        )
    if config.mode in WITHOUT_TRAINING:
        accuracy = _with_features(config, data)
        settings = {**asdict(config), "out": str(config.out)}
        with named_disk_errors(config.out):
            write_json_durably(config.out / "results.json", {"settings": settings, "accuracy": accuracy})
    else:
        result = _train(config, data)
        if not is_first_process():
            return
        accuracy = _save(config, data, result)
    Console().print(
        f"accuracy {accuracy:.1%} on {len(data.test):,} test images, from {len(data.train):,} labeled ones",
    )


def _with_features(config: TransferConfig, data: Any) -> float:
    from camshaft.perception.classification.fitting import sized_options
    from camshaft.perception.transfer import extract_features, linear_probe, nearest_neighbors
    from camshaft.perception.zoo import create_model

    encoder = create_model(config.model, weights=config.weights, **sized_options(config.model, config.size))
    train, validation, test = (
        extract_features(encoder, images) for images in (data.train, data.validation, data.test)
    )
    if config.mode == "neighbors":
        return nearest_neighbors(train, test, len(data.classes), config.neighbors)
    return linear_probe(train, validation, test, len(data.classes))["accuracy"]


def _train(config: TransferConfig, data: Any) -> Any:
    from camshaft.perception.classification import ClassifierConfig, fit_classifier
    from camshaft.perception.classification.fitting import sized_options
    from camshaft.perception.transfer import FineTuning

    plan = FineTuning(-1) if config.mode == "head" else None
    plan = plan or FineTuning(config.frozen, config.rate_decay, config.unfreeze_epochs)
    wanted = ClassifierConfig(
        model=config.model,
        model_options=sized_options(config.model, config.size),
        weights=config.weights,
        jitter=config.jitter,
        training=config.training,
    )
    return fit_classifier(
        wanted, data.train, data.validation, data.classes, config.out, plan=plan, resume=config.resume
    )


def _save(config: TransferConfig, data: Any, result: Any) -> float:
    """Save the trained classifier to the run folder, and return its test accuracy."""
    from camshaft.perception.classification import Classification, save_classifier
    from camshaft.perception.classification.fitting import sized_options
    from camshaft.perception.training.evaluation import evaluate

    scores = evaluate(result.model, Classification(len(data.classes)), data.test)
    save_classifier(
        config.out / "classifier",
        result.model,
        model=config.model,
        model_options=sized_options(config.model, config.size),
        classes=data.classes,
        scores=scores,
    )
    return scores["accuracy"]
