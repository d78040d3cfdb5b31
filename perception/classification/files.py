"""Folder of a trained classifier: config.json and model.safetensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from camshaft.envs.errors import CorruptFile, InvalidOption, UnknownName
from camshaft.perception.classification.classifier import Classifier, create_classifier
from camshaft.perception.runs.model_folder import CONFIG_FILE, read_config, read_weights, save_model

KIND = "classifier"


def save_classifier(
    folder: str | Path,
    classifier: Classifier,
    *,
    model: str,
    model_options: Mapping[str, Any] | None = None,
    classes: Sequence[str],
    scores: Mapping[str, float] | None = None,
    normalize: bool = True,
) -> None:
    """Save a classifier for `load_classifier`.

    Args:
        folder: folder to write to; created if needed.
        classifier: classifier on any device.
        model: name of its encoder in the zoo.
        model_options: options of the encoder.
        classes: class names by class index.
        scores: scores on held-out images.
        normalize: the option that the classifier was created with.
    """
    config = {
        "kind": KIND,
        "model": model,
        "model_options": dict(model_options or {}),
        "classes": list(classes),
        "scores": dict(scores or {}),
        "normalize": normalize,
    }
    save_model(Path(folder), classifier, config)


def load_classifier(folder: str | Path) -> tuple[Classifier, dict[str, Any]]:
    """Load a classifier; nothing is unpickled.

    Returns:
        The classifier, in evaluation mode, and its config, which has the class names.

    Raises:
        CorruptFile: a file is missing or damaged, or the files do not belong together.
        InvalidOption: the classifier was saved by an earlier version of Camshaft.
        UnknownName: this version of Camshaft does not have the classifier's encoder.
    """
    folder = Path(folder)
    config = read_config(folder, KIND, ("model", "model_options", "classes", "scores"))
    if config.get("kind") != KIND:
        raise InvalidOption(
            f"{folder} holds a classifier of an earlier version of Camshaft, without a kind: train it again"
        )
    try:
        options = {name: _tuple(value) for name, value in config["model_options"].items()}
        classifier = create_classifier(
            config["model"],
            len(config["classes"]),
            model_options=options,
            normalize=config["normalize"],
        )
    except UnknownName as error:
        raise UnknownName(f"{folder / CONFIG_FILE}: {error}") from error
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise CorruptFile(f"{folder / CONFIG_FILE} does not describe a classifier: {error}") from error
    read_weights(folder, config, classifier)
    return classifier.eval(), config


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
