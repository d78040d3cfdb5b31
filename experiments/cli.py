"""The `camshaft` command: finds the subcommand, reads its options, and turns failures into readable lines.

A subcommand is a dataclass of options and a function `run` in the same module, imported when it is called.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import os
import sys
from collections.abc import Sequence
from typing import Any

from camshaft.envs.errors import CamshaftError, check_choice

FAILED, STOPPED = 2, 130


@dataclasses.dataclass(frozen=True)
class Command:
    """One subcommand.

    Attributes:
        options: "module:dataclass" of its options; the module has `run(options)`.
        summary: what it is for, in one line.
    """

    options: str
    summary: str


COMMANDS = {
    "demo": Command(
        "camshaft.experiments.driving_cloning:DrivingCloningConfig",
        "the whole loop: an expert drives, PilotNet learns, drives unseen roads; a report page",
    ),
    "tasks": Command("camshaft.experiments.tasks:TasksConfig", "list the tasks"),
    "play": Command("camshaft.experiments.play:PlayConfig", "play a task by keyboard, or from recorded actions"),
    "collect": Command(
        "camshaft.experiments.collect:CollectConfig", "record an expert's episodes as a LeRobot dataset"
    ),
    "train cloning": Command(
        "camshaft.experiments.train_cloning:TrainCloningConfig", "train a policy on recorded episodes"
    ),
    "train goals": Command(
        "camshaft.experiments.train_goals:TrainGoalsConfig", "train TQC+HER on a task with goals, from its state"
    ),
    "train classifier": Command(
        "camshaft.experiments.train_classifier:TrainClassifierConfig", "train a classifier on simulated or real images"
    ),
    "pretrain": Command(
        "camshaft.experiments.pretrain:PretrainConfig", "pretrain an encoder on labels of simulated frames"
    ),
    "transfer": Command(
        "camshaft.experiments.transfer:TransferConfig", "put a pretrained encoder to use on other classes of images"
    ),
    "experiment few-labels": Command(
        "camshaft.experiments.few_labels:FewLabelsConfig",
        "accuracy against the number of labels, pretrained and from scratch",
    ),
    "experiment transferability": Command(
        "camshaft.experiments.transferability:TransferabilityConfig",
        "how transferable each layer is: AnB, BnB, AnB+, BnB+",
    ),
    "experiment tricks": Command(
        "camshaft.experiments.training_tricks:TrainingTricksConfig", "the tricks of training taken away one at a time"
    ),
    "evaluate": Command(
        "camshaft.experiments.evaluate:EvaluateConfig", "let a policy, the expert or nobody drive unseen roads"
    ),
    "data frames": Command(
        "camshaft.experiments.data_frames:DataFramesConfig", "write labelled frames of a task to a folder"
    ),
    "data objects": Command(
        "camshaft.experiments.data_objects:DataObjectsConfig",
        "write the simulated benchmark of objects to a folder",
    ),
    "data signs": Command(
        "camshaft.experiments.data_signs:DataSignsConfig", "write the simulated benchmark of traffic signs to a folder"
    ),
    "data show": Command("camshaft.experiments.data_show:DataShowConfig", "check a set and draw some of its frames"),
    "show filters": Command("camshaft.experiments.show_filters:ShowFiltersConfig", "draw a network's first filters"),
    "show activations": Command(
        "camshaft.experiments.show_activations:ShowActivationsConfig", "draw what each layer makes of images"
    ),
    "show saliency": Command(
        "camshaft.experiments.show_saliency:ShowSaliencyConfig", "draw which pixels an output rests on"
    ),
    "show neighbours": Command(
        "camshaft.experiments.show_neighbours:ShowNeighboursConfig",
        "draw the nearest images in feature space, and a map of it",
    ),
    "show curves": Command(
        "camshaft.experiments.show_curves:ShowCurvesConfig", "draw learning curves of several runs"
    ),
    "show rollout": Command(
        "camshaft.experiments.show_rollout:ShowRolloutConfig", "film what a policy's network sees while it drives"
    ),
    "bench steps": Command(
        "camshaft.experiments.benchmarks.steps:StepsConfig", "environment steps per second with a camera frame each"
    ),
    "bench backbones": Command(
        "camshaft.experiments.benchmarks.backbones:BackbonesConfig",
        "every backbone trained on the simulated benchmark: accuracy, size, cost, speed",
    ),
    "bench manipulation": Command(
        "camshaft.experiments.benchmarks.manipulation:ManipulationConfig",
        "manipulation steps per second, beside panda-gym",
    ),
    "bench experts": Command(
        "camshaft.experiments.benchmarks.experts:ExpertsConfig",
        "how well every task's expert does it, over many seeds",
    ),
    "bench start": Command(
        "camshaft.experiments.benchmarks.start:StartConfig", "seconds from starting Python to the first frame"
    ),
    "bench cameras": Command(
        "camshaft.experiments.benchmarks.cameras:CamerasConfig", "camera frames per second, beside PyBullet's"
    ),
    "bench data": Command(
        "camshaft.experiments.benchmarks.data:DataConfig", "training speed on drawn data, against data in memory"
    ),
    "bench encode": Command(
        "camshaft.experiments.benchmarks.encode:EncodeConfig", "what EncodeCamera costs beyond its encoder"
    ),
    "bench cuda": Command(
        "camshaft.experiments.benchmarks.cuda_cameras:CudaCamerasConfig", "camera frames per second on a GPU"
    ),
    "bench towns": Command(
        "camshaft.experiments.benchmarks.towns:TownsConfig",
        "generate 1,000 towns and check each for overlaps and reach",
    ),
}

INTRODUCTION = "Camera in, motion out: tasks seen through cameras, and agents that learn them."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 0, 2 after an error, 130 after Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    config: Any = None
    try:
        name, rest = _find(words)
        if name is None:
            return 0
        config, run = _read_options(name, rest)
        run(config)
    except CamshaftError as error:
        return _fail(str(error))
    except BrokenPipeError:  # who read what is printed has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}")
    except KeyboardInterrupt:
        kept = config.when_stopped() if hasattr(config, "when_stopped") else "Nothing was kept."
        print(f"\ncamshaft: stopped. {kept}", file=sys.stderr)
        return STOPPED
    return 0


def _find(words: list[str]) -> tuple[str | None, list[str]]:
    """The subcommand's name and the words that are left for it; no name if help was asked for and given."""
    if not words or words[0] in ("-h", "--help"):
        _print_overview("")
        return None, []
    if words[0] == "--version":
        print(f"camshaft {_version()}")
        return None, []
    groups = {name.split()[0] for name in COMMANDS}
    check_choice("command", words[0], groups, "Run 'camshaft --help' for what they do.")
    if words[0] in COMMANDS:
        return words[0], words[1:]
    if len(words) == 1 or words[1] in ("-h", "--help"):
        _print_overview(words[0])
        return None, []
    members = [name.split()[1] for name in COMMANDS if name.startswith(f"{words[0]} ")]
    check_choice(f"command of 'camshaft {words[0]}'", words[1], members)
    return f"{words[0]} {words[1]}", words[2:]


def _read_options(name: str, words: list[str]) -> tuple[Any, Any]:
    import tyro

    module_name, class_name = COMMANDS[name].options.split(":")
    module = importlib.import_module(module_name)
    config = tyro.cli(getattr(module, class_name), prog=f"camshaft {name}", args=words)
    return config, module.run


def _print_overview(group: str) -> None:
    prefix = f"{group} " if group else ""
    names = [name for name in COMMANDS if name.startswith(prefix)]
    width = max(len(name) for name in names) + 2
    print(f"usage: camshaft {prefix}COMMAND [options]\n")
    if not group:
        print(f"{INTRODUCTION}\n")
    for name in names:
        print(f"  {name:{width}}{COMMANDS[name].summary}")
    print(
        f"\n'camshaft {names[0]} --help' explains a command and its options; '--version' gives the version."
    )


def _version() -> str:
    try:
        return importlib.metadata.version("camshaft")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def _fail(message: str) -> int:
    print(f"camshaft: {message}", file=sys.stderr)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
