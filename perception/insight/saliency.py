"""Saliency maps: Grad-CAM, guided backpropagation, guided Grad-CAM and VisualBackProp.

Sources: Selvaraju et al., "Grad-CAM", ICCV 2017; Springenberg et al., "Striving for Simplicity", 2015 (guided
backpropagation); Bojarski et al., "VisualBackProp", ICRA 2018 (developed for PilotNet).
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from camshaft.envs.errors import InvalidOption
from camshaft.perception.insight.subject import Subject, as_floats

METHODS = ("grad_cam", "guided", "guided_grad_cam", "visual_back_prop")
SMALLEST_MAP = 4  # rows and columns of a feature map below which its resolution is too low
GUIDED_QUANTILE = 0.995  # that guided gradients are scaled by, as single pixels at the border are outliers


def saliency(
    subject: Subject,
    images: Tensor,
    method: str = "grad_cam",
    target: int | None = None,
    layer: int | None = None,
) -> NDArray[np.float32]:
    """Saliency map of each frame, relative to its most salient pixel.

    Args:
        subject: network to inspect.
        images: (B, …) frames, as the encoder takes them.
        method: one of METHODS.
        target: index of the output to explain; by default the largest output of each frame. Ignored by VisualBackProp,
            which does not depend on the outputs.
        layer: index of the feature map for Grad-CAM; by default the last one of at least SMALLEST_MAP rows and columns.

    Returns:
        (B, H, W) in [0, 1].
    """
    if method not in METHODS:
        raise InvalidOption(f"unknown method {method!r}. Accepted: {', '.join(METHODS)}")
    frames = as_floats(images)
    if method == "visual_back_prop":
        return _normalize(visual_back_prop(subject, frames))
    outputs = subject.select_outputs(frames, target)
    if method == "grad_cam":
        return _normalize(grad_cam(subject, frames, outputs, layer))
    guided = guided_gradients(subject, frames, outputs).abs().amax(dim=1)
    if method == "guided":
        return _normalize(guided, GUIDED_QUANTILE)
    return _normalize(guided * grad_cam(subject, frames, outputs, layer), GUIDED_QUANTILE)


def grad_cam(subject: Subject, frames: Tensor, outputs: Tensor, layer: int | None = None) -> Tensor:
    """(B, H, W) rectified sum of a layer's maps, weighted by the mean gradients of the selected outputs."""
    with torch.enable_grad():
        features, maps = subject.encoder.features_and_maps(frames)
        if layer is not None and not 0 <= layer < len(maps):
            raise InvalidOption(f"layers are numbered 0..{len(maps) - 1}, got {layer}")
        large = [values for values in maps if min(values.shape[-2:]) >= SMALLEST_MAP]
        chosen = maps[layer] if layer is not None else (large or maps)[-1]
        if chosen.requires_grad is False:
            raise InvalidOption("the network has no parameters, so there are no gradients for Grad-CAM")
        scores = subject.head(features).gather(1, outputs[:, None]).sum()
        (gradient,) = torch.autograd.grad(scores, chosen, allow_unused=True)
    if gradient is None:
        raise InvalidOption("the outputs do not depend on these feature maps: Grad-CAM cannot explain them")
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    weighted = (weights * chosen.detach()).sum(dim=1, keepdim=True).clamp(min=0.0)
    return _upsample(weighted, frames)[:, 0]


def guided_gradients(subject: Subject, frames: Tensor, outputs: Tensor) -> Tensor:
    """(B, 3, H, W) gradients of the selected outputs, rectified at every ReLU layer of the backward pass."""
    from captum.attr import GuidedBackprop  # slow to import

    network = _Network(subject)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Setting backward hooks on ReLU activations")
        gradients: Tensor = GuidedBackprop(network).attribute(frames.clone().requires_grad_(), outputs)
    return gradients.detach()


@torch.no_grad()
def visual_back_prop(subject: Subject, frames: Tensor) -> Tensor:
    """(B, H, W) product of the mean activations of all layers, upsampled from the last to the first."""
    maps = [
        values.clamp(min=0.0).mean(dim=1, keepdim=True) for values in subject.encoder.feature_maps(frames)
    ]
    product = maps[-1]
    for finer in maps[-2::-1]:
        larger = functional.interpolate(product, finer.shape[-2:], mode="bilinear", align_corners=False)
        product = larger / larger.amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12) * finer
    return _upsample(product, frames)[:, 0]


class _Network(nn.Module):
    """A subject as a module, as captum requires."""

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.encoder = subject.encoder
        self._subject = subject

    def forward(self, images: Tensor) -> Tensor:
        return self._subject.head(self.encoder(images))


def _upsample(maps: Tensor, frames: Tensor) -> Tensor:
    """Upsample maps to the size of the frames."""
    from captum.attr import LayerAttribution  # slow to import

    upsampled: Tensor = LayerAttribution.interpolate(maps, tuple(frames.shape[-2:]), "bilinear")
    return upsampled.detach()


def _normalize(values: Tensor, quantile: float = 1.0) -> NDArray[np.float32]:
    """Scale the values of each frame so that a quantile becomes 1, and clip them."""
    highest = torch.quantile(values.flatten(1), quantile, dim=1)[:, None, None]
    highest = torch.where(highest > 0.0, highest, values.amax(dim=(1, 2), keepdim=True)).clamp(min=1e-12)
    return (values / highest).clamp(max=1.0).cpu().numpy().astype(np.float32)
