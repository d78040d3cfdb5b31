"""Pretraining of an encoder on labels of simulated frames, from the command line."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tyro.conf import OmitArgPrefixes

from camshaft.perception.training.config import TrainingConfig

WITHOUT_EFFECT = ("data", "out", "ship", "resume", "finish")  # on the weights
DEFAULT_TASKS = (
    "camshaft/LaneKeeping-v0",
    "camshaft/Following-v0",
    "camshaft/Racing-v0",
    "camshaft/Highway-v0",
    "camshaft/Town-v0",
    "camshaft/Push-v0",
    "camshaft/PickAndPlace-v0",
)


@dataclass(frozen=True)
class PretrainConfig:
    """Pretrain an encoder on several labels at once: segmentation, depth, normals, classes in view, lane geometry.

    Frames are rendered once and kept. After Ctrl-C at any time, --resume continues to bit-exact weights. --ship writes
    weights for create_model(..., weights="camshaft").

    For example: camshaft pretrain --frames 6000 --epochs 20 --out runs/pretrain/default
    """

    model: str = "policy_resnet"
    """Encoder, a name in the zoo."""
    tasks: tuple[str, ...] = DEFAULT_TASKS
    """Tasks that the training frames are rendered from."""
    frames: int = 6144
    """Training frames per task; one sixth as many each are added for validation and for the test."""
    size: int = 84
    """Width and height of a frame in pixels."""
    data: Path = Path("data/pretrain")
    """Folder of the rendered frames."""
    out: Path = Path("runs/pretrain/default")
    """Run folder."""
    jitter: float = 1.0
    """Strength of the color jitter; 0 for none."""
    ship: Path | None = None
    """Folder to write weights, checksum and model card to (perception/weights for those of the package)."""
    resume: bool = False
    """Resume from the last checkpoint in the run folder."""
    finish: bool = False
    """Train no further: test, and ship, the best weights in the run folder."""
    training: OmitArgPrefixes[TrainingConfig] = field(
        default_factory=lambda: TrainingConfig(
            epochs=20, batch_size=64, learning_rate=2e-3, weight_decay=0.05, ema_decay=0.998
        )
    )
    """Training."""

    def when_stopped(self) -> str:
        """Message after Ctrl-C."""
        return f"Frames in {self.data} and the last checkpoint in {self.out} are kept; --resume continues from them."


def run(config: PretrainConfig) -> None:
    """Render the frames, train, test, and write weights."""
    from camshaft.perception.training.distributed import is_first_process

    config = _checked(config)
    held_out = max(1, config.frames // 6)
    images = _frames(config, "train", config.frames)
    validation, test = (_frames(config, split, held_out) for split in ("val", "test"))
    result = _train(config, images, validation)
    if is_first_process():
        _test_and_ship(config, result, test, len(images))


def _checked(config: PretrainConfig) -> PretrainConfig:
    """The options with the full ids of the tasks, checked before any frame is rendered."""
    from camshaft.envs.catalogue import find_task
    from camshaft.envs.errors import InvalidOption
    from camshaft.perception.backbones.encoder import check_size
    from camshaft.perception.classification.fitting import sized_options
    from camshaft.perception.zoo import check_model, create_model

    check_model(config.model)
    check_size("the frames", (config.size, config.size), 32)
    config = replace(config, tasks=tuple(find_task(task).id for task in config.tasks))
    if not config.tasks or len(set(config.tasks)) < len(config.tasks):
        raise InvalidOption(
            f"tasks must be one or more distinct tasks, got {', '.join(config.tasks) or 'none'}"
        )
    if config.frames < 1:
        raise InvalidOption(f"frames must be at least 1, got {config.frames}")
    create_model(config.model, **sized_options(config.model, config.size))
    return config


def _train(config: PretrainConfig, images: Any, validation: Any) -> Any:
    """Train, or with --finish load the best weights so far."""
    from camshaft.perception.classification.fitting import sized_options
    from camshaft.perception.pretraining import MultiTask, MultiTaskNetwork
    from camshaft.perception.pretraining.objective import VECTOR_HEADS
    from camshaft.perception.training.augmentation import ColorJitter
    from camshaft.perception.training.hardware import choose_hardware
    from camshaft.perception.training.trainer import best_so_far, train
    from camshaft.perception.zoo import create_model

    options = sized_options(config.model, config.size)
    precision = choose_hardware(config.training.device, config.training.precision).precision
    settings = {
        "model": config.model,
        "tasks": list(config.tasks),
        "size": config.size,
        "jitter": config.jitter,
    }

    def build() -> MultiTaskNetwork:
        return MultiTaskNetwork(create_model(config.model, **options), VECTOR_HEADS)

    if config.finish:
        return best_so_far(build, config.out)
    return train(
        build,
        MultiTask(),
        images,
        validation,
        config.training,
        config.out,
        augment=ColorJitter(config.jitter, precision) if config.jitter else None,
        settings=settings,
        resume=config.resume,
    )


def _test_and_ship(config: PretrainConfig, result: Any, test: Any, count: int) -> None:
    """Test the network, print the scores, and write the weights to ship."""
    from camshaft.experiments.terminal.console import Console
    from camshaft.perception.pretraining import MultiTask
    from camshaft.perception.training.evaluation import evaluate

    scores = evaluate(result.model, MultiTask(), test, batch_size=config.training.batch_size)
    console = Console()
    for name, value in scores.items():
        console.print(f"{name:32}{value:10.4f}")
    console.print(f"Run in {config.out}", soft_wrap=True)
    if config.ship is not None:
        _ship(config, result, scores, count)
        console.print(f"Weights in {config.ship}", soft_wrap=True)


def _frames(config: PretrainConfig, split: str, count: int) -> Any:
    from camshaft.experiments.terminal.progress import progress_bar
    from camshaft.perception.pretraining import FrameSet, collect_frames

    parts = []
    for task in config.tasks:
        name = task.rpartition("/")[2]
        folder = config.data / f"{name}_{config.size}_{split}"
        with progress_bar(f"{name}, {split}") as progress:
            parts.append(
                collect_frames(
                    folder, task, count, split=split, size=config.size, progress=progress,
                    frames_per_file=min(512, count),
                )
            )  # fmt: skip
    return FrameSet(parts)


def _ship(config: PretrainConfig, result: Any, scores: dict[str, float], count: int) -> None:
    from camshaft.experiments.terminal.command_lines import command_line
    from camshaft.experiments.terminal.provenance import commit, machine
    from camshaft.perception.backbones.encoder import count_parameters
    from camshaft.perception.pretraining.shipping import ship_encoder, training_card

    assert config.ship is not None
    training, parameters = config.training, count_parameters(result.model.encoder)
    card = {
        "Title": f"{config.model}, pretrained on simulated frames",
        "What it is": (
            f"Weights of the encoder `{config.model}` ({parameters:,} parameters, float16), "
            f'for `create_model("{config.model}", weights="camshaft")`. It was trained with a light decoder and five '
            "heads, which are not kept: semantic segmentation, depth, surface normals, which labels are in view, and "
            "lane geometry. Every frame and label is the suite's own; no real image was used."
        ),
        "Data": {
            "tasks": ", ".join(config.tasks),
            "training frames": f"{count:,} of {config.size}×{config.size} pixels, split `train`",
            "behavior policy": "expert, noisy expert or random actions, sampled for each episode",
        },
        "Training": training_card(
            training,
            f"{result.steps:,} of {training.batch_size} frames; epoch {result.epoch} of {training.epochs}",
            config.jitter,
            machine()["processor"],
            commit(),
        ),
        "Measured": {name.replace("_", " "): f"{value:.4f}" for name, value in scores.items()},
        "How it was measured": (
            "On the split `test`: episodes, roads, textures, light and weather that training never shows, with the "
            "moving average of the weights from the epoch with the best validation mean IoU. Dense labels are compared "
            "at every fourth pixel; lane errors are in units of 1 m, 0.1 rad and 0.01 1/m."
        ),
        "Command": f"`{command_line('pretrain', config, WITHOUT_EFFECT)}`",
    }
    ship_encoder(config.model, result.model.encoder, card, config.ship)
