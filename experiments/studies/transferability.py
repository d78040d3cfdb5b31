"""Transferability of features by layer: AnB, AnB+, BnB and BnB+ (Yosinski et al., NIPS 2014)."""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tyro.conf import OmitArgPrefixes

from camshaft.perception.training.config import TrainingConfig


@dataclass(frozen=True)
class TransferabilityConfig:
    """Measure the transferability of a network's features, layer by layer (Yosinski et al., NIPS 2014).

    Classes are split into A and B at random. The first n layers of networks trained on A or B are copied to networks
    whose other layers are reinitialized and trained on B. Run again after Ctrl-C to continue after the last finished
    training.

    For example: camshaft experiment transferability --model alexnet_paper --size 67 --images 10000
    """

    model: str = "policy_resnet"
    """Encoder, a name in the zoo."""
    data: str = "objects"
    """Images, as for 'camshaft train classifier'."""
    images: int | None = 10_000
    """Training images of the simulated benchmark."""
    size: int = 64
    """Width and height that images are resized to."""
    layers: tuple[int, ...] | None = None
    """Numbers of layer groups to copy; from 1 to all by default."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds; each splits the classes into A and B differently."""
    skip_corrupt: bool = False
    """Skip unreadable files, with a warning for each."""
    out: Path = Path("runs/transferability")
    """Folder for the runs, results.json and the figure."""
    training: OmitArgPrefixes[TrainingConfig] = field(
        default_factory=lambda: TrainingConfig(epochs=10, batch_size=64, weight_decay=0.01)
    )
    """Training of every network."""

    def when_stopped(self) -> str:
        """Message after Ctrl-C."""
        return f"Finished trainings are kept in {self.out}; the same command continues after them."


def run(config: TransferabilityConfig) -> None:
    """Train all, plot the figure, print the table."""
    from camshaft.envs.errors import InvalidOption
    from camshaft.experiments.reports.seed_curves import draw_intervals, interval_table
    from camshaft.experiments.studies.classification_data import labels_of, open_classification_data
    from camshaft.experiments.terminal.console import Console
    from camshaft.experiments.terminal.provenance import commit, machine
    from camshaft.perception.classification.fitting import sized_options
    from camshaft.perception.runs.durable_files import write_json_durably
    from camshaft.perception.training.samples import in_memory
    from camshaft.perception.transfer.transferability import TREATMENTS
    from camshaft.perception.zoo import create_model

    groups = len(create_model(config.model, **sized_options(config.model, config.size)).layer_groups)
    if not all(1 <= layers <= groups for layers in config.layers or ()):
        raise InvalidOption(
            f"layers must be within the 1..{groups} groups of {config.model!r}, got {config.layers}"
        )
    data = open_classification_data(
        config.data, config.size, images=config.images, skip_corrupt=config.skip_corrupt
    )
    images, test = (in_memory(each, ("rgb", "class")) for each in (data.train, data.test))
    sets = {"train": (images, labels_of(images)), "test": (test, labels_of(test))}
    results: dict[str, dict[float, list[float]]] = {"baseB": {}, **{name: {} for name in TREATMENTS}}
    for seed in config.seeds:
        _run_seed(config, seed, sets, data.classes, results)
    settings = {**asdict(config), "out": str(config.out)}
    record = {"machine": machine(), "commit": commit(), "settings": settings, "results": results}
    write_json_durably(config.out / "results.json", record)
    draw_intervals(results, config.out / "transferability.png", "layer groups kept", "accuracy on B")
    Console().print(interval_table(results, "layers", lambda layers: f"{layers:.0f}"))
    Console().print(f"Figure and results in {config.out}")


def _run_seed(
    config: TransferabilityConfig,
    seed: int,
    sets: dict[str, Any],
    names: tuple[str, ...],
    results: dict[str, dict[float, list[float]]],
) -> None:
    from camshaft.perception.transfer import FineTuning
    from camshaft.perception.transfer.transferability import TREATMENTS, ClassSubset, split_classes

    halves = dict(zip("AB", split_classes(len(names), seed), strict=True))

    def images(half: str, split: str) -> Any:
        whole, classes = sets[split]
        return ClassSubset(whole, classes, halves[half])

    def train(half: str, name: str, base: Any = None, layers: int = 0, frozen: int = 0) -> tuple[Any, float]:
        plan = FineTuning(frozen) if base is not None else None
        classes = [names[number] for number in halves[half]]
        folder = config.out / f"seed{seed}_{name}"
        # Every training has its own initialization and order of images: with a shared seed, the new layers would
        # start from the weights that the copied layers were trained with.
        own_seed = zlib.crc32(folder.name.encode())
        return _fit(
            config, own_seed, images(half, "train"), images(half, "test"), classes, folder, base, layers, plan
        )

    (base_a, _), (base_b, accuracy) = (train(half, f"base{half}") for half in "AB")
    groups = len(base_b.encoder.layer_groups)
    results["baseB"].setdefault(0, []).append(accuracy)
    for layers in config.layers or range(1, groups + 1):
        for treatment in TREATMENTS:
            base = base_a if treatment.startswith("A") else base_b
            frozen = 0 if treatment.endswith("+") else layers
            name = f"{treatment.replace('n', str(layers))}"
            _, accuracy = train("B", name, base.encoder.state_dict(), layers, frozen)
            results[treatment].setdefault(layers, []).append(accuracy)


def _fit(
    config: TransferabilityConfig,
    seed: int,
    images: Any,
    test: Any,
    classes: list[str],
    folder: Path,
    base: Any,
    layers: int,
    plan: Any,
) -> tuple[Any, float]:
    from dataclasses import replace

    from camshaft.perception.classification import Classification, ClassifierConfig, build_classifier
    from camshaft.perception.classification.fitting import sized_options
    from camshaft.perception.training.evaluation import evaluate
    from camshaft.perception.training.trainer import train
    from camshaft.perception.transfer.transferability import keep_layers

    wanted = ClassifierConfig(
        model=config.model,
        model_options=sized_options(config.model, config.size),
        training=replace(config.training, seed=seed, checkpoint_steps=10**9),
    )

    def build() -> Any:
        classifier = build_classifier(wanted, len(classes))
        if base is not None:
            keep_layers(classifier.encoder, base, layers)
        return classifier

    settings = {"model": config.model, "size": config.size, "classes": classes, "layers": layers}
    task = Classification(len(classes))
    result = train(
        build, task, images, None, wanted.training, folder, plan=plan, settings=settings, resume=True
    )
    return result.model, evaluate(result.model, task, test)["accuracy"]
