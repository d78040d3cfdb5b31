"""Ablation of training tricks, one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tyro.conf import OmitArgPrefixes

from camshaft.perception.training.config import TrainingConfig

ALL = "all"
# Changes to the classifier and to its training that remove each trick.
WITHOUT: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "input normalization": ({"normalize": False}, {}),
    "initialization by fan-in": ({"initialization": "unit"}, {}),
    "momentum": ({}, {"momentum": 0.0}),
    "decreasing rate": ({}, {"schedule": "constant", "warmup_fraction": 0.0}),
    "L1 penalty": ({}, {"l1": 0.0}),
    "L2 penalty": ({}, {"l2": 0.0}),
    "dropout": ({"dropout": 0.0}, {}),
    "label smoothing": ({"label_smoothing": 0.0}, {}),
    "color jitter": ({"jitter": 0.0}, {}),
    "weight averaging": ({}, {"ema_decay": 0.0}),
    "early stopping": ({}, {"patience": 0}),
}


@dataclass(frozen=True)
class TrainingTricksConfig:
    """Train with every trick, then without each one in turn; learning curves in one figure.

    Tricks: input normalization, initialization by fan-in, momentum, learning-rate decay, L1 and L2 penalties, dropout,
    label smoothing, color jitter, weight averaging, early stopping. Run again after Ctrl-C to continue after the last
    finished training.

    For example: camshaft experiment tricks --model lenet5_dense --size 32 --images 8000
    """

    model: str = "zfnet"
    """Encoder, a name in the zoo; one without batch normalization shows the most."""
    data: str = "objects"
    """Images, as for 'camshaft train classifier'."""
    images: int | None = 8_000
    """Training images of the simulated benchmark."""
    size: int = 64
    """Width and height that images are resized to."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Training seeds of every variant."""
    dropout: float = 0.3
    """Dropout probability of the features, except in the variant without it."""
    label_smoothing: float = 0.1
    """Label smoothing, except in the variant without it."""
    jitter: float = 0.5
    """Strength of the color jitter, except in the variant without it."""
    skip_corrupt: bool = False
    """Skip unreadable files, with a warning for each."""
    out: Path = Path("runs/tricks")
    """Folder for the runs, results.json and the figure."""
    training: OmitArgPrefixes[TrainingConfig] = field(
        default_factory=lambda: TrainingConfig(
            epochs=15,
            batch_size=64,
            optimizer="sgd",
            learning_rate=0.02,
            l1=1e-6,
            l2=5e-4,
            ema_decay=0.99,
            patience=5,
        )
    )
    """Training with every trick."""

    def when_stopped(self) -> str:
        """Message after Ctrl-C."""
        return f"Finished trainings are kept in {self.out}; the same command continues after them."


def run(config: TrainingTricksConfig) -> None:
    """Train all, plot the figure, print the table."""
    from camshaft.experiments.studies.classification_data import open_classification_data
    from camshaft.experiments.terminal.console import Console
    from camshaft.experiments.terminal.provenance import commit, machine
    from camshaft.perception.runs.durable_files import write_json_durably
    from camshaft.perception.training.curves import plot_curves, read_metrics
    from camshaft.perception.training.samples import in_memory

    data = open_classification_data(
        config.data, config.size, images=config.images, skip_corrupt=config.skip_corrupt
    )
    sets = [in_memory(each, ("rgb", "class")) for each in (data.train, data.validation, data.test)]
    results: dict[str, list[dict[str, float]]] = {name: [] for name in (ALL, *WITHOUT)}
    for seed in config.seeds:
        for name in results:
            results[name].append(_result(config, name, seed, sets, data.classes))
    settings = {**asdict(config), "out": str(config.out)}
    record = {"machine": machine(), "commit": commit(), "settings": settings, "results": results}
    write_json_durably(config.out / "results.json", record)
    first = config.seeds[0]
    runs = {_title(name): read_metrics(_folder(config, name, first)) for name in results}
    plot_curves(runs, "accuracy", config.out / "tricks.png")
    Console().print(_table(results))
    Console().print(f"Figure and results in {config.out}")


def _result(
    config: TrainingTricksConfig, name: str, seed: int, sets: list[Any], classes: tuple[str, ...]
) -> dict[str, float]:
    from camshaft.perception.classification import Classification, ClassifierConfig, fit_classifier
    from camshaft.perception.classification.fitting import sized_options
    from camshaft.perception.training.divergence import TrainingDiverged
    from camshaft.perception.training.evaluation import evaluate

    changes, training = WITHOUT.get(name, ({}, {}))
    wanted = ClassifierConfig(
        model=config.model,
        model_options=sized_options(config.model, config.size),
        dropout=config.dropout,
        label_smoothing=config.label_smoothing,
        jitter=config.jitter,
        initialization="fan_in",
        training=replace(config.training, seed=seed, checkpoint_steps=10**9, **training),
    )
    try:
        result = fit_classifier(
            replace(wanted, **changes), sets[0], sets[1], classes, _folder(config, name, seed), resume=True
        )
    except TrainingDiverged:  # a valid result of an ablation
        return {"accuracy": 1.0 / len(classes), "epoch": 0.0, "diverged": 1.0}
    accuracy = evaluate(result.model, Classification(len(classes)), sets[2])["accuracy"]
    return {"accuracy": accuracy, "epoch": float(result.epoch), "diverged": 0.0}


def _folder(config: TrainingTricksConfig, name: str, seed: int) -> Path:
    return config.out / f"{_title(name).replace(' ', '_').replace('-', '_')}_{seed}"


def _title(name: str) -> str:
    return name if name == ALL else f"without {name}"


def _table(results: Mapping[str, list[dict[str, float]]]) -> Any:
    from statistics import fmean

    from rich.table import Table

    from camshaft.agents.evaluation.intervals import mean_interval

    table = Table("training", "test accuracy, mean (95 %)", "difference", "best epoch", "diverged")
    reference = [each["accuracy"] for each in results[ALL]]
    for name, runs in results.items():
        values = [each["accuracy"] for each in runs]
        low, high = mean_interval(values) if len(values) > 1 else (values[0], values[0])
        table.add_row(
            _title(name),
            f"{fmean(values):.1%} ({low:.1%} – {high:.1%})",
            "" if name == ALL else f"{100 * (fmean(values) - fmean(reference)):+.1f} points",
            f"{fmean(each['epoch'] for each in runs):.0f}",
            f"{sum(each['diverged'] for each in runs):.0f} of {len(runs)}",
        )
    return table
