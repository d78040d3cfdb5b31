"""Training of a classifier from the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tyro.conf import OmitArgPrefixes

from camshaft.perception.training.config import TrainingConfig

if TYPE_CHECKING:
    from camshaft.experiments.studies.classification_data import ClassificationData
    from camshaft.perception.classification import ClassifierConfig


@dataclass(frozen=True)
class TrainClassifierConfig:
    """Train a classifier on a simulated benchmark or on a folder of images.

    Stopped or killed, it continues with --resume and ends with the same weights. For data-parallel training, start it
    with 'torchrun -m camshaft.experiments.cli.main train classifier'.

    For example: camshaft train classifier --model resnet18 --data objects --out runs/classifier/resnet18
    """

    model: str = "policy_resnet"
    """Encoder, a name in the zoo (alexnet, alexnet_paper, googlenet, lenet5, resnet18, …) or timm:NAME."""
    data: str = "objects"
    """"objects", "signs", a set of 'camshaft data', GTSRB, or a folder with one subfolder per class, with or
    without train/ and val/ above them."""
    images: int | None = None
    """Training images of the simulated benchmark; 20,000 objects or 40,000 signs by default."""
    size: int = 64
    """Width and height that images are resized to."""
    weights: str | None = None
    """Initial weights of the encoder: camshaft, camshaft-signs, imagenet or a file."""
    dropout: float = 0.0
    """Dropout probability of the features before the head."""
    label_smoothing: float = 0.0
    """Label smoothing: part of the target probability spread evenly over all classes."""
    jitter: float = 0.5
    """Strength of the color jitter; 0 for none."""
    normalize: bool = True
    """Normalize frames as the network expects."""
    initialization: Literal["own", "fan_in", "unit"] = "own"
    """Initialization of the weights: the network library's own, by fan-in, or of unit variance."""
    skip_corrupt: bool = False
    """Skip unreadable files, with a warning for each."""
    out: Path = Path("runs/classifier/default")
    """Run folder; the classifier is saved to <out>/classifier."""
    resume: bool = False
    """Resume from the last checkpoint in the run folder."""
    ship: Path | None = None
    """Signs only: folder to write weights, checksum and model card to (perception/weights for those of the package)."""
    training: OmitArgPrefixes[TrainingConfig] = field(default_factory=TrainingConfig)
    """Training."""

    def when_stopped(self) -> str:
        """Message after Ctrl-C."""
        from camshaft.perception.runs.run_folder import resume_hint

        return resume_hint(self.out)


def run(config: TrainClassifierConfig) -> None:
    """Train, test, and save the classifier."""
    from camshaft.experiments.studies.classification_data import open_classification_data
    from camshaft.perception.classification import fit_classifier
    from camshaft.perception.training.distributed import is_first_process

    _check(config)
    classifier = _classifier_config(config)
    data = open_classification_data(
        config.data,
        config.size,
        images=config.images,
        seed=config.training.seed,
        skip_corrupt=config.skip_corrupt,
    )
    result = fit_classifier(
        classifier, data.train, data.validation, data.classes, config.out, resume=config.resume
    )
    if is_first_process():
        _test_and_save(config, classifier, data, result)


def _check(config: TrainClassifierConfig) -> None:
    """Check for incompatible options.

    Raises:
        InvalidOption: the message names them.
    """
    from camshaft.envs.errors import InvalidOption
    from camshaft.experiments.studies.classification_data import OBJECTS, SIGNS
    from camshaft.perception.runs.run_folder import check_resumable

    if config.resume:
        check_resumable(config.out)
    if config.images is not None and config.data not in (OBJECTS, SIGNS):
        raise InvalidOption(
            f"images sets the number of training images of {OBJECTS!r} or {SIGNS!r}, not of {config.data!r}"
        )
    if config.ship is not None and config.data != SIGNS:
        raise InvalidOption(f"only a classifier of {SIGNS!r} ships, not one of {config.data!r}")
    if config.ship is not None and not config.normalize:
        raise InvalidOption("weights ship for normalized frames: they cannot be learned with --no-normalize")


def _classifier_config(config: TrainClassifierConfig) -> ClassifierConfig:
    from camshaft.perception.classification import ClassifierConfig
    from camshaft.perception.classification.fitting import sized_options

    return ClassifierConfig(
        model=config.model,
        model_options=sized_options(config.model, config.size),
        weights=config.weights,
        dropout=config.dropout,
        label_smoothing=config.label_smoothing,
        jitter=config.jitter,
        normalize=config.normalize,
        initialization=config.initialization,
        training=config.training,
    )


def _test_and_save(
    config: TrainClassifierConfig, classifier: ClassifierConfig, data: ClassificationData, result: Any
) -> None:
    """Test the classifier, save it, print the scores, and write the weights to ship."""
    from camshaft.experiments.terminal.console import Console
    from camshaft.perception.classification import Classification, save_classifier
    from camshaft.perception.training.evaluation import evaluate

    scores = evaluate(result.model, Classification(len(data.classes)), data.test)
    folder = config.out / "classifier"
    save_classifier(
        folder,
        result.model,
        model=config.model,
        model_options=classifier.model_options,
        classes=data.classes,
        scores=scores,
        normalize=config.normalize,
    )
    console = Console()
    console.print(
        f"accuracy {scores['accuracy']:.1%}, top-5 {scores['top5_accuracy']:.1%}, on {len(data.test):,} test "
        f"images (weights of epoch {result.epoch})",
        soft_wrap=True,
    )
    console.print(f"Classifier in {folder}; curves in {config.out / 'curves.png'}", soft_wrap=True)
    if config.ship is not None:
        _ship(config, result, scores, len(data.train), len(data.test))
        console.print(f"Weights in {config.ship}", soft_wrap=True)


def _ship(
    config: TrainClassifierConfig, result: Any, scores: dict[str, float], count: int, tested: int
) -> None:
    from camshaft.experiments.terminal.command_lines import command_line
    from camshaft.experiments.terminal.provenance import commit, machine
    from camshaft.perception.backbones.encoder import count_parameters
    from camshaft.perception.pretraining.shipping import ship_encoder, training_card

    assert config.ship is not None
    training, model = config.training, config.model
    card = {
        "Title": f"{model}, trained on simulated traffic signs",
        "What it is": (
            f"Weights of the encoder `{model}` ({count_parameters(result.model.encoder):,} parameters) and of a linear "
            f'head for 43 kinds of traffic signs, in the order of GTSRB, float16. `create_model("{model}", '
            'weights="camshaft-signs")` loads the encoder; `camshaft experiment few-labels --weights camshaft-signs '
            "--keep-head` the head as well. Every image is rendered by the suite; no real image was used."
        ),
        "Data": {
            "training images": f"{count:,} of {config.size}×{config.size} pixels, split `train` of the sign benchmark",
        },
        "Training": training_card(
            training,
            f"{result.steps:,} of {training.batch_size} images",
            config.jitter,
            machine()["processor"],
            commit(),
        ),
        "Measured": {name.replace("_", " "): f"{value:.4f}" for name, value in scores.items()},
        "How it was measured": (
            f"On {tested:,} images of the split `test`, with sign styles and backgrounds that training never "
            "shows, with the moving average of the weights, before rounding to float16."
        ),
        "Command": f"`{command_line('train classifier', config, ('out', 'resume', 'ship'))}`",
    }
    ship_encoder(f"{model}-signs", result.model, card, config.ship)
