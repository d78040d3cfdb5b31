"""Accuracy by number of labels, with a pretrained encoder and from scratch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tyro.conf import OmitArgPrefixes

from camshaft.perception.training.config import TrainingConfig

START_KINDS = ("scratch", "pretrained")


@dataclass(frozen=True)
class FewLabelsConfig:
    """Train on 1, 5, 10, 25 and 100 % of the labels of a data set, with a pretrained encoder and from scratch.

    The figure and the table show means over seeds with Student's 95 % intervals. Run again after Ctrl-C to continue
    after the last finished training.

    For example: camshaft experiment few-labels --data data/GTSRB --weights runs/signs/classifier/model.safetensors
    """

    data: str
    """Labeled images, as for 'camshaft train classifier'."""
    weights: str = "camshaft"
    """Weights of the pretrained encoder: camshaft, camshaft-signs, imagenet or a file."""
    keep_head: bool = False
    """Keep the output layer of the weights as well, which must have the same classes in the same order."""
    model: str = "policy_resnet"
    """Encoder, a name in the zoo."""
    fractions: tuple[float, ...] = (0.01, 0.05, 0.1, 0.25, 1.0)
    """Fractions of the training images that have labels; at least one per class."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Training seeds; a seed also selects the labeled images."""
    size: int = 64
    """Width and height that images are resized to."""
    steps: int = 600
    """Steps of every training, regardless of the number of labels."""
    rate_decay: float = 0.9
    """Pretrained encoder: learning rate of each layer group relative to the group above it."""
    skip_corrupt: bool = False
    """Skip unreadable files, with a warning for each."""
    out: Path = Path("runs/few_labels")
    """Folder for the runs, results.json and the figure."""
    training: OmitArgPrefixes[TrainingConfig] = field(
        default_factory=lambda: TrainingConfig(batch_size=64, weight_decay=0.01)
    )
    """Training; the number of epochs follows from the steps."""

    def when_stopped(self) -> str:
        """Message after Ctrl-C."""
        return f"Finished trainings are kept in {self.out}; the same command continues after them."


def run(config: FewLabelsConfig) -> None:
    """Train all, plot the figure, print the table."""
    from camshaft.experiments.reports.seed_curves import draw_intervals, interval_table
    from camshaft.experiments.studies.classification_data import labels_of, open_classification_data
    from camshaft.experiments.terminal.console import Console
    from camshaft.experiments.terminal.provenance import commit, machine
    from camshaft.perception.runs.durable_files import write_json_durably
    from camshaft.perception.training.samples import in_memory

    data = open_classification_data(config.data, config.size, skip_corrupt=config.skip_corrupt)
    images, test = (in_memory(each, ("rgb", "class")) for each in (data.train, data.test))
    classes = labels_of(images)
    results: dict[str, dict[float, list[float]]] = {kind: {} for kind in START_KINDS}
    for fraction in config.fractions:
        for seed in config.seeds:
            for kind in START_KINDS:
                accuracy = _accuracy(config, kind, fraction, seed, images, classes, test, data.classes)
                results[kind].setdefault(fraction, []).append(accuracy)
    settings = {**asdict(config), "out": str(config.out)}
    record = {"machine": machine(), "commit": commit(), "settings": settings, "results": results}
    write_json_durably(config.out / "results.json", record)
    draw_intervals(
        results,
        config.out / "few_labels.png",
        "fraction of the labels",
        "accuracy on test images",
        logarithmic=True,
    )
    Console().print(interval_table(results, "labels", lambda fraction: f"{fraction:.0%}"))
    Console().print(f"Figure and results in {config.out}")


def _accuracy(
    config: FewLabelsConfig,
    kind: str,
    fraction: float,
    seed: int,
    images: Any,
    classes: Any,
    test: Any,
    names: Any,
) -> float:
    from dataclasses import replace

    from camshaft.perception.classification import Classification, ClassifierConfig, fit_classifier
    from camshaft.perception.classification.fitting import sized_options
    from camshaft.perception.training.evaluation import evaluate
    from camshaft.perception.training.samples import Subset
    from camshaft.perception.transfer import FineTuning
    from camshaft.perception.transfer.few_labels import stratified_rows

    rows = stratified_rows(classes, fraction, seed)
    batch = min(config.training.batch_size, len(rows))
    epochs = max(1, round(config.steps / (len(rows) // batch)))
    training = replace(config.training, seed=seed, epochs=epochs, checkpoint_steps=10**9)
    wanted = ClassifierConfig(
        model=config.model,
        model_options=sized_options(config.model, config.size),
        weights=config.weights if kind == "pretrained" else None,
        keep_head=config.keep_head and kind == "pretrained",
        training=training,
    )
    folder = config.out / f"{kind}_{fraction:g}_{seed}"
    plan = FineTuning(rate_decay=config.rate_decay) if kind == "pretrained" else None
    result = fit_classifier(wanted, Subset(images, rows), None, names, folder, plan=plan, resume=True)
    return evaluate(result.model, Classification(len(names)), test)["accuracy"]
