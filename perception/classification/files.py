"""The folder that a trained classifier is kept in: config.json and model.safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors.torch

from envs.errors import CorruptFile
from perception.classification.classifier import Classifier, create_classifier
from perception.pretrained import read_tensors
from perception.training.checkpoint import read_file
from perception.training.durable_files import named_disk_errors, write_durably, write_json_durably

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"


def save_classifier(
    folder: str | Path,
    classifier: Classifier,
    *,
    model: str,
    model_options: Mapping[str, Any] | None = None,
    classes: Sequence[str],
    scores: Mapping[str, float] | None = None,
) -> None:
    """Write a classifier, so that `load_classifier` has it back.

    Args:
        folder: made if needed.
        classifier: on any device.
        model: name of its encoder in the zoo.
        model_options: arguments of the encoder.
        classes: their names by number.
        scores: on images held out.
    """
    folder = Path(folder)
    config = {
        "model": model,
        "model_options": dict(model_options or {}),
        "classes": list(classes),
        "scores": dict(scores or {}),
    }
    tensors = {name: value.detach().cpu().contiguous() for name, value in classifier.state_dict().items()}
    content = safetensors.torch.save(tensors)
    with named_disk_errors(folder):
        write_durably(folder / WEIGHTS_FILE, lambda stream: stream.write(content))
        write_json_durably(folder / CONFIG_FILE, config)


def load_classifier(folder: str | Path) -> tuple[Classifier, dict[str, Any]]:
    """Read a classifier back; nothing is unpickled.

    Returns:
        The classifier, in evaluation mode, and its config with the names of the classes.

    Raises:
        CorruptFile: a file is missing or damaged, or the two do not belong together.
    """
    folder = Path(folder)
    try:
        config: dict[str, Any] = json.loads(read_file(folder / CONFIG_FILE))
        options = {name: _tuple(value) for name, value in config["model_options"].items()}
        classifier = create_classifier(config["model"], len(config["classes"]), model_options=options)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptFile(f"{folder / CONFIG_FILE} is not the config of a classifier: {error}") from error
    try:
        classifier.load_state_dict(read_tensors(folder / WEIGHTS_FILE))
    except RuntimeError as error:
        raise CorruptFile(f"{folder / WEIGHTS_FILE} is not of a {config['model']}: {error}") from error
    return classifier.eval(), config


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
