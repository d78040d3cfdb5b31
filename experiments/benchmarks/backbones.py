"""Accuracy, parameters, MACs and frames per second of every backbone on the simulated benchmark."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tyro.conf import OmitArgPrefixes

from camshaft.perception.training.config import TrainingConfig

OWN_SIZES = {
    "lenet5": 32,
    "lenet5_dense": 32,
    "alexnet": 63,
    "alexnet_paper": 67,
}  # else the size of the images
BY_FAN_IN = {
    "alexnet",
    "alexnet_paper",
    "nature_cnn",
    "vgg16",
    "zfnet",
    "zfnet_512",
}  # large networks without normalization layers
HIGH_RATES = {
    "lenet5": 1e-2,
    "lenet5_dense": 1e-2,
    "nature_cnn": 3e-3,
    "pilotnet": 3e-3,
}  # small networks need a higher rate
TARGET = 0.9  # of the best accuracy
BATCH = 64


@dataclass(frozen=True)
class BackbonesConfig:
    """Train every backbone from scratch on the simulated benchmark, and measure its cost.

    Parameters and MACs are those of the encoder with its head at the training resolution; frames/s are of the whole
    classifier in batches of 64, in bfloat16 where the hardware supports it, by CPU time of one core or on a GPU. Run
    again after Ctrl-C to continue after the last finished training.

    For example: camshaft bench backbones --epochs 15 --images 20000
    """

    models: tuple[str, ...] = ()
    """Names in the zoo; all of them by default."""
    images: int | None = None
    """Training images; 20,000 by default."""
    size: int = 64
    """Width and height of the images; networks with a fixed input size use theirs, as the table shows."""
    repeats: int = 5
    """Measurements of speed; the median is reported."""
    out: Path = Path("runs/bench/backbones")
    """Folder for the runs and results.json."""
    training: OmitArgPrefixes[TrainingConfig] = field(
        default_factory=lambda: TrainingConfig(epochs=15, weight_decay=0.05, ema_decay=0.998)
    )
    """Training of every backbone. Large networks without normalization layers are initialized by fan-in, the rest as in
    their libraries; the smallest train at a higher rate unless one is given."""

    def when_stopped(self) -> str:
        """Message after Ctrl-C."""
        return f"Finished trainings are kept in {self.out}; the same command continues after them."


def run(config: BackbonesConfig) -> None:
    """Train and measure, print the table and write the file."""
    from camshaft.experiments.benchmarks.measure import write_result
    from camshaft.experiments.studies.classification_data import open_classification_data
    from camshaft.experiments.terminal.console import Console
    from camshaft.perception.training.samples import in_memory
    from camshaft.perception.zoo import check_model, list_models

    models = config.models or tuple(list_models())
    for model in models:
        check_model(model)
    data = open_classification_data("objects", config.size, images=config.images)
    sets = [in_memory(each, ("rgb", "class")) for each in (data.train, data.validation, data.test)]
    figures = [_measure(config, model, sets, data.classes) for model in models]
    best = max(figure["accuracy"] for figure in figures)
    for figure in figures:
        figure["share_of_best"] = figure["accuracy"] / best
    figures.sort(key=lambda figure: -figure["accuracy"])
    Console(width=120).print(_table(figures))
    settings = {**asdict(config), "out": str(config.out)}
    write_result(config.out / "results.json", settings, figures)
    Console().print(f"Figures in {config.out / 'results.json'}")


def _measure(
    config: BackbonesConfig, model: str, sets: list[Any], classes: tuple[str, ...]
) -> dict[str, Any]:
    import torch

    from camshaft.perception.backbones.cost import count_macs
    from camshaft.perception.backbones.encoder import count_parameters
    from camshaft.perception.classification import Classification, ClassifierConfig, fit_classifier
    from camshaft.perception.classification.fitting import sized_options
    from camshaft.perception.training.evaluation import evaluate
    from camshaft.perception.training.hardware import choose_hardware

    options = sized_options(model, OWN_SIZES.get(model, config.size))
    rate = config.training.learning_rate or HIGH_RATES.get(model, config.training.highest_rate)
    wanted = ClassifierConfig(
        model=model,
        model_options=options,
        initialization="fan_in" if model in BY_FAN_IN else "own",
        training=replace(config.training, learning_rate=rate),
    )
    result = fit_classifier(wanted, sets[0], sets[1], classes, config.out / model, resume=True)
    classifier = result.model
    encoder: Any = classifier.encoder
    size: tuple[int, int] = encoder.preprocessing.size or (config.size, config.size)
    classifier.auxiliary = torch.nn.ModuleDict()  # type: ignore[assignment]
    hardware = choose_hardware(config.training.device, "float32")
    scores = evaluate(classifier.to(hardware.device), Classification(len(classes)), sets[2], hardware)
    classifier.to("cpu")
    return {
        "name": model,
        "size": list(size),
        "accuracy": scores["accuracy"],
        "parameters": count_parameters(classifier),
        "multiply_adds": count_macs(classifier, torch.zeros(1, 3, *size)),
        "frames_per_second": {
            device: _speed(classifier, size, device, config.repeats)
            for device in ("cpu", *(["cuda"] if torch.cuda.is_available() else []))
        },
    }


def _speed(classifier: Any, size: tuple[int, int], device: str, repeats: int) -> float:
    """Median frames per second, by CPU time of one thread or by wall time on a GPU."""
    import statistics
    import time

    import torch

    from camshaft.perception.training.hardware import choose_hardware

    hardware = choose_hardware(device)
    classifier = classifier.to(hardware.device, memory_format=torch.channels_last).eval()
    images = torch.randint(0, 256, (BATCH, *size, 3), dtype=torch.uint8, device=hardware.device)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    clock = time.process_time if device == "cpu" else time.perf_counter
    rates = []
    try:
        with torch.inference_mode(), hardware.autocast():
            for repeat in range(repeats + 1):
                started, batches = clock(), 0
                while clock() - started < 0.3 or batches < 2:
                    classifier(images)
                    batches += 1
                    if device == "cuda":
                        torch.cuda.synchronize()
                if repeat:  # the first is warm-up
                    rates.append(BATCH * batches / (clock() - started))
    finally:
        torch.set_num_threads(threads)
        classifier.to("cpu")
    return statistics.median(rates)


def _table(figures: list[dict[str, Any]]) -> Any:
    from rich.table import Table

    devices = list(figures[0]["frames_per_second"])
    table = Table(
        "model", "size", "accuracy", "of the best", "parameters", "MACs",
        *(f"frames/s, {'one core' if device == 'cpu' else 'GPU'}" for device in devices),
    )  # fmt: skip
    for figure in figures:
        share = figure["share_of_best"]
        table.add_row(
            figure["name"],
            "×".join(map(str, figure["size"])),
            f"{figure['accuracy']:.1%}",
            f"{share:.0%}" + ("" if share >= TARGET else " (below)"),
            f"{figure['parameters']:,}",
            f"{figure['multiply_adds'] / 1e6:,.1f} M",
            *(f"{figure['frames_per_second'][device]:,.0f}" for device in devices),
        )
    return table
