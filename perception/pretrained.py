"""Pretrained weights of encoders: shipped with the suite, from torchvision or timm, or from a file."""

from __future__ import annotations

import hashlib
import io
import urllib.error
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from camshaft.envs.errors import CamshaftError, CorruptFile, InvalidOption, UnknownName, check_choice
from camshaft.perception.backbones.encoder import Encoder
from camshaft.perception.backbones.timm_bridge import TIMM_PREFIX
from camshaft.perception.runs.durable_files import read_file

SHIPPED = Path(__file__).parent / "weights"
CHECKSUMS = "SHA256SUMS"
SHIPPED_SETS = {"camshaft": "", "camshaft-signs": "signs"}  # and the suffix of their file names
SOURCES = (*SHIPPED_SETS, "imagenet")
ENCODER_PREFIX = "encoder."
AUXILIARY_PREFIXES = ("aux1.", "aux2.")
COUNTER = "num_batches_tracked"  # of batch normalization; no output depends on it
NAMES_IN_A_MESSAGE = 3


def load_weights(name: str, encoder: Encoder, weights: str | Path) -> dict[str, Tensor]:
    """Load pretrained weights into an encoder.

    Args:
        name: name of the encoder in the zoo.
        encoder: modified in place.
        weights: "camshaft" for the shipped weights of policy encoders, "camshaft-signs" for those of the shipped
            traffic-sign classifier; "imagenet" for the weights of torchvision or timm; or the path of a safetensors or
            PyTorch file (loaded with `weights_only=True`) with the state dict of the encoder, of a classifier around
            it, or of the original model in torchvision or timm.

    Returns:
        The tensors of the output layers in the file: "weight" and "bias" of the head, and auxiliary heads under their
        original names.

    Raises:
        UnknownName: the source or file does not exist; the message lists the accepted sources.
        InvalidOption: the weights belong to another architecture.
        CorruptFile: the file is missing, damaged, or does not match its checksum.
    """
    source = str(weights)
    other = f"weights {source!r} are published ones, and {name!r} with these options is another network"
    if source == "imagenet" and not encoder.takes_published:
        raise InvalidOption(other)
    if source in SHIPPED_SETS:
        tensors = _read_shipped(name, source)
    elif source == "imagenet":
        tensors = _fetch(name)
    elif Path(weights).suffix:
        tensors = read_tensors(Path(weights))
    else:
        check_choice("weights", source, SOURCES, "Or a file: .safetensors, .pt or .pth.")
    body, head = split_head(encoder, tensors)
    if not encoder.takes_published and head and not _is_whole(tensors):
        raise InvalidOption(other)
    own = encoder.state_dict()
    body = {key: own[key] for key in own if key.endswith(COUNTER)} | body  # which old files lack
    _check_same_network(name, encoder, body, source)
    encoder.load_state_dict(body)
    return head


def shipped_weights(folder: Path = SHIPPED) -> dict[str, str]:
    """File names (without suffix) of the weights that ship with the suite, mapped to their SHA-256."""
    path = folder / CHECKSUMS
    lines = path.read_text().split("\n") if path.exists() else []
    rows = [line.split() for line in lines if line.strip()]
    return {Path(file).stem: digest for digest, file in rows}


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a weights file: tensors by name, on the CPU.

    Raises:
        CorruptFile: the file is missing, damaged, or not a mapping of names to tensors.
    """
    return _parse(path, read_file(path))


def split_head(
    encoder: Encoder, tensors: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Separate the weights of an encoder from those of the output layers.

    Args:
        encoder: the encoder that the weights are for.
        tensors: state dict of a Camshaft classifier, of an encoder, or of the original network.

    Returns:
        The encoder's weights under its own parameter names; the head's as "weight" and "bias", and those of auxiliary
        heads under their original names.
    """
    body: dict[str, Tensor] = {}
    head: dict[str, Tensor] = {}
    whole = _is_whole(tensors)
    prefix, *others = ["head."] if whole else [f"{head}." for head in _original_heads(encoder)] or ["head."]
    for name, value in tensors.items():
        if name.startswith(prefix):
            head[name.removeprefix(prefix)] = value
        elif name.startswith((*AUXILIARY_PREFIXES, *others)) or (whole and name.startswith("auxiliary.")):
            head[name.removeprefix("auxiliary.")] = value
        elif whole:
            if name.startswith(ENCODER_PREFIX):
                body[name.removeprefix(ENCODER_PREFIX)] = value
        else:
            body[name] = value
    network = getattr(encoder, "network", None)
    if isinstance(network, nn.Module) and not any(name.startswith("network.") for name in body):
        body = {f"network.{name}": value for name, value in body.items()}
    return body, head


def _is_whole(tensors: Mapping[str, Tensor]) -> bool:
    """Whether this is the state dict of a Camshaft network around an encoder."""
    return any(name.startswith(ENCODER_PREFIX) for name in tensors)


def _original_heads(encoder: Encoder) -> tuple[str, ...]:
    """Names of the output layers in the published weights; distilled transformers have two."""
    if encoder.original_head is not None:
        return (encoder.original_head,)
    settings: dict[str, Any] = getattr(getattr(encoder, "network", None), "pretrained_cfg", None) or {}
    heads = settings.get("classifier") or ()
    return (heads,) if isinstance(heads, str) else tuple(heads)


def _check_same_network(name: str, encoder: Encoder, body: Mapping[str, Tensor], source: str) -> None:
    expected = encoder.state_dict()
    missing = [key for key in expected if key not in body]
    surplus = [key for key in body if key not in expected]
    shapes = [
        f"{key} is {tuple(body[key].shape)}, needs {tuple(expected[key].shape)}"
        for key in expected
        if key in body and body[key].shape != expected[key].shape
    ]
    complaints = [
        *(f"lacks {_some(names)}" for names in [missing] if names),
        *(f"has unexpected {_some(names)}" for names in [surplus] if names),
        *([f"{_some(shapes)}"] if shapes else []),
    ]
    if complaints:
        raise InvalidOption(f"weights {source!r} are not those of {name!r}: {'; '.join(complaints)}")
    broken = [key for key in expected if not torch.isfinite(body[key]).all()]
    if broken:
        raise InvalidOption(f"weights {source!r} are not finite in {_some(broken)}")


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:NAMES_IN_A_MESSAGE])
    return (
        shown if len(names) <= NAMES_IN_A_MESSAGE else f"{shown} and {len(names) - NAMES_IN_A_MESSAGE} more"
    )


def _read_shipped(name: str, source: str) -> dict[str, Tensor]:
    known, purpose = shipped_weights(), SHIPPED_SETS[source]
    file = f"{name}-{purpose}" if purpose else name
    if file not in known:
        models = [stem.partition("-")[0] for stem in sorted(known) if stem.partition("-")[2] == purpose]
        raise UnknownName(
            f"no weights ship for {name!r}. Accepted with weights={source!r}: {', '.join(models) or 'none'}."
        )
    path = SHIPPED / f"{file}.safetensors"
    content = read_file(path)
    digest = hashlib.sha256(content).hexdigest()
    if digest != known[file]:
        raise CorruptFile(f"{path} is damaged: its SHA-256 is {digest}, expected {known[file]}")
    return _parse(path, content)


def _parse(path: Path, content: bytes) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load(content)
        loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # PyTorch raises errors of many kinds
        raise CorruptFile(f"{path} is not a weights file or is truncated ({type(error).__name__})") from error
    if isinstance(loaded, dict) and isinstance(loaded.get("state_dict"), dict):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise CorruptFile(f"{path} is not a mapping of names to tensors")
    return dict(loaded)


def _fetch(name: str) -> dict[str, Tensor]:
    """Published weights of the original model, from the caches of PyTorch and timm or the network."""
    try:
        if name.startswith(TIMM_PREFIX):
            return _fetch_from_timm(name.removeprefix(TIMM_PREFIX))
        return _fetch_from_torchvision(name)
    except (urllib.error.URLError, OSError) as error:
        raise CamshaftError(
            f"the ImageNet weights of {name!r} cannot be downloaded ({error}): go online once, or give a file"
        ) from error


def _fetch_from_timm(name: str) -> dict[str, Tensor]:
    import timm  # takes some seconds, so only where it is needed

    if not timm.is_model_pretrained(name):
        raise UnknownName(f"timm has no weights for {name!r}")
    return timm.create_model(name, pretrained=True).state_dict()


def _fetch_from_torchvision(name: str) -> dict[str, Tensor]:
    import torchvision

    if name not in torchvision.models.list_models():
        raise UnknownName(f"there are no ImageNet weights for {name!r}: it is not a torchvision model")
    url: str = torchvision.models.get_model_weights(name)["IMAGENET1K_V1"].url
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    expected = path.stem.rpartition("-")[2]  # a published file's name ends with the start of its SHA-256
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), expected, progress=False)
    content = read_file(path)
    digest = hashlib.sha256(content).hexdigest()
    if not digest.startswith(expected):
        raise CorruptFile(
            f"{path} is damaged: its SHA-256 begins with {digest[:8]}; remove it to download it again"
        )
    return _parse(path, content)
