"""The `camshaft` command: table of subcommands, parsing of their options, and one-line error messages.

A subcommand is a dataclass of options and a function `run` in the same module, imported only when it is called.
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
# Modules of the extra "learn", without which camshaft is environments alone.
LEARN = frozenset(
    (
        *(
            "av",
            "captum",
            "kornia",
            "matplotlib",
            "pyarrow",
            "safetensors",
            "sb3_contrib",
            "stable_baselines3",
        ),
        *("tensorboard", "timm", "torch", "torchmetrics", "torchvision", "yaml"),
    )
)


@dataclasses.dataclass(frozen=True)
class Command:
    """One subcommand.

    Attributes:
        options: "module:dataclass" of its options, below camshaft.experiments; the module has `run(options)`.
        summary: its purpose, in one line.
    """

    options: str
    summary: str


COMMANDS = {
    "demo": Command(
        "studies.driving_cloning:DrivingCloningConfig",
        "record an expert driver, clone it with PilotNet, drive unseen roads, write a report page",
    ),
    "tasks": Command("cli.tasks:TasksConfig", "list the tasks"),
    "play": Command("cli.play:PlayConfig", "play a task by keyboard, or replay recorded actions"),
    "collect": Command(
        "cli.collect:CollectConfig", "record episodes of an expert or policy as a LeRobot dataset"
    ),
    "train cloning": Command(
        "cli.train_cloning:TrainCloningConfig", "train a policy on recorded episodes (behavior cloning)"
    ),
    "train goals": Command(
        "cli.train_goals:TrainGoalsConfig",
        "train TQC+HER on a goal-conditioned task, from its state",
    ),
    "train classifier": Command(
        "cli.train_classifier:TrainClassifierConfig",
        "train an image classifier on simulated or real images",
    ),
    "pretrain": Command(
        "cli.pretrain:PretrainConfig",
        "pretrain an encoder on labels of simulated frames",
    ),
    "transfer": Command(
        "cli.transfer:TransferConfig",
        "apply a pretrained encoder to new image classes: fine-tuning, probe, nearest neighbors",
    ),
    "experiment few-labels": Command(
        "studies.few_labels:FewLabelsConfig",
        "accuracy by number of labels, pretrained and from scratch",
    ),
    "experiment transferability": Command(
        "studies.transferability:TransferabilityConfig",
        "transferability of each layer: AnB, BnB, AnB+, BnB+",
    ),
    "experiment tricks": Command(
        "studies.training_tricks:TrainingTricksConfig",
        "ablation of training tricks, one at a time",
    ),
    "evaluate": Command(
        "cli.evaluate:EvaluateConfig",
        "score and compare policies on any task, with confidence intervals",
    ),
    "data frames": Command("cli.data_frames:DataFramesConfig", "write labeled frames of a task to a folder"),
    "data objects": Command(
        "cli.data_objects:DataObjectsConfig",
        "write the simulated object benchmark to a folder",
    ),
    "data signs": Command(
        "cli.data_signs:DataSignsConfig",
        "write the simulated traffic-sign benchmark to a folder",
    ),
    "data show": Command(
        "cli.data_show:DataShowConfig", "check a set and write a contact sheet of its frames"
    ),
    "show filters": Command("cli.show_filters:ShowFiltersConfig", "plot a network's first-layer filters"),
    "show activations": Command(
        "cli.show_activations:ShowActivationsConfig",
        "plot activation maps of every layer",
    ),
    "show saliency": Command(
        "cli.show_saliency:ShowSaliencyConfig", "plot saliency maps: the pixels that an output depends on"
    ),
    "show neighbors": Command(
        "cli.show_neighbors:ShowNeighborsConfig",
        "plot nearest neighbors in feature space, and a t-SNE map",
    ),
    "show curves": Command("cli.show_curves:ShowCurvesConfig", "plot learning curves of one or more runs"),
    "show rollout": Command(
        "cli.show_rollout:ShowRolloutConfig",
        "film a rollout with the policy's saliency and activation maps",
    ),
    "bench steps": Command(
        "benchmarks.steps:StepsConfig",
        "environment steps per second, with a camera frame at every step and from state",
    ),
    "bench backbones": Command(
        "benchmarks.backbones:BackbonesConfig",
        "train every backbone on the simulated benchmark: accuracy, parameters, MACs, speed",
    ),
    "bench manipulation": Command(
        "benchmarks.manipulation:ManipulationConfig",
        "manipulation steps per second, compared with panda-gym",
    ),
    "bench experts": Command(
        "benchmarks.experts:ExpertsConfig",
        "expert success rate per task, over many seeds",
    ),
    "bench start": Command("benchmarks.start:StartConfig", "seconds from starting Python to the first frame"),
    "bench cameras": Command(
        "benchmarks.cameras:CamerasConfig", "camera frames per second, compared with PyBullet and MuJoCo"
    ),
    "bench data": Command(
        "benchmarks.data:DataConfig",
        "training speed on data rendered on the fly, compared with data in memory",
    ),
    "bench encode": Command("benchmarks.encode:EncodeConfig", "overhead of EncodeCamera beyond its encoder"),
    "bench cuda": Command("benchmarks.cuda_cameras:CudaCamerasConfig", "camera frames per second on a GPU"),
    "bench towns": Command(
        "benchmarks.towns:TownsConfig",
        "generate 1,000 towns and check each for lane overlaps and unreachable lanes",
    ),
}

INTRODUCTION = "Reinforcement-learning tasks seen through cameras, and agents that learn them."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 0, 2 after an error, 130 after Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    name: str | None = None
    config: Any = None
    try:
        name, rest = _find(words)
        if name is None:
            return 0
        config, run = _read_options(name, rest)
        run(config)
    except CamshaftError as error:
        return _fail(str(error))
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in LEARN:
            raise
        return _fail(f"{name} needs {error.name}, which is not installed: pip install 'camshaft[learn]'")
    except BrokenPipeError:  # the reader of the output, such as `head`, has exited
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
    """Name and arguments of the subcommand; no name if only help or the version was printed."""
    if not words or words[0] in ("-h", "--help"):
        _print_overview("")
        return None, []
    if words[0] == "--version":
        print(f"camshaft {_version()}")
        return None, []
    groups = {name.split()[0] for name in COMMANDS}
    check_choice("command", words[0], groups, "Run 'camshaft --help' for a list.")
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
    module = importlib.import_module(f"camshaft.experiments.{module_name}")
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
    print(f"\n'camshaft {names[0]} --help' shows the options of a command; '--version' prints the version.")


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
