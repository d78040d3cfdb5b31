"""Which pixels an output rests on: Grad-CAM, guided backpropagation, and both together; VisualBackProp for policies.

Sources: Selvaraju et al., "Grad-CAM", ICCV 2017; Springenberg et al., "Striving for Simplicity", 2015 (guided
backpropagation, captum's); Bojarski et al., "VisualBackProp", ICRA 2018, made to see what PilotNet steers by.
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
LEAST_SIDE = 4  # places of a feature map below which it says too little of where things are
BRIGHTEST = (
    0.995  # share of the pixels that guided gradients are scaled by: single ones at the border stand out
)


def saliency(
    subject: Subject,
    images: Tensor,
    method: str = "grad_cam",
    target: int | None = None,
    layer: int | None = None,
) -> NDArray[np.float32]:
    """How much each pixel counts, (B, H, W) in 0..1, over the strongest pixels of each frame.

    Args:
        subject: the network.
        images: (B, …) frames as the encoder takes them.
        method: one of METHODS.
        target: number of the output that is asked about; by default the largest of each frame. VisualBackProp asks
            about none.
        layer: number of the feature map that Grad-CAM looks at; by default the last of at least LEAST_SIDE rows and
            columns.
    """
    if method not in METHODS:
        raise InvalidOption(f"unknown method {method!r}. Accepted: {', '.join(METHODS)}")
    frames = as_floats(images)
    if method == "visual_back_prop":
        return _normalized(visual_back_prop(subject, frames))
    outputs = subject.chosen(frames, target)
    if method == "grad_cam":
        return _normalized(grad_cam(subject, frames, outputs, layer))
    guided = guided_gradients(subject, frames, outputs).abs().amax(dim=1)
    if method == "guided":
        return _normalized(guided, BRIGHTEST)
    return _normalized(guided * grad_cam(subject, frames, outputs, layer), BRIGHTEST)


def grad_cam(subject: Subject, frames: Tensor, outputs: Tensor, layer: int | None = None) -> Tensor:
    """(B, H, W) at least 0: the maps of a layer, weighted by the mean gradient of the chosen outputs."""
    with torch.enable_grad():
        features, maps = subject.encoder.features_and_maps(frames)
        if layer is not None and not 0 <= layer < len(maps):
            raise InvalidOption(f"layers are numbered 0..{len(maps) - 1}, got {layer}")
        large = [values for values in maps if min(values.shape[-2:]) >= LEAST_SIDE]
        last = maps[layer] if layer is not None else (large or maps)[-1]
        if last.requires_grad is False:
            raise InvalidOption("the network has no parameters that gradients could be taken through")
        scores = subject.head(features).gather(1, outputs[:, None]).sum()
        (gradient,) = torch.autograd.grad(scores, last, allow_unused=True)
    if gradient is None:
        raise InvalidOption(
            "the outputs do not follow from these feature maps: Grad-CAM says nothing of them"
        )
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    seen = (weights * last.detach()).sum(dim=1, keepdim=True).clamp(min=0.0)
    return _enlarged(seen, frames)[:, 0]


def guided_gradients(subject: Subject, frames: Tensor, outputs: Tensor) -> Tensor:
    """(B, 3, H, W) gradients of the chosen outputs that pass each ReLU layer only where they are positive (captum)."""
    from captum.attr import GuidedBackprop

    network = _Network(subject)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Setting backward hooks on ReLU activations")
        gradients: Tensor = GuidedBackprop(network).attribute(frames.clone().requires_grad_(), outputs)
    return gradients.detach()


@torch.no_grad()
def visual_back_prop(subject: Subject, frames: Tensor) -> Tensor:
    """(B, H, W) at least 0: mean activations, multiplied layer by layer from the last to the first."""
    maps = [
        values.clamp(min=0.0).mean(dim=1, keepdim=True) for values in subject.encoder.feature_maps(frames)
    ]
    seen = maps[-1]
    for finer in maps[-2::-1]:
        larger = functional.interpolate(seen, finer.shape[-2:], mode="bilinear", align_corners=False)
        seen = larger / larger.amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12) * finer
    return _enlarged(seen, frames)[:, 0]


class _Network(nn.Module):
    """The whole of a subject as a module, as captum wants it."""

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.encoder = subject.encoder
        self._subject = subject

    def forward(self, images: Tensor) -> Tensor:
        return self._subject.head(self.encoder(images))


def _enlarged(maps: Tensor, frames: Tensor) -> Tensor:
    from captum.attr import LayerAttribution

    enlarged: Tensor = LayerAttribution.interpolate(maps, tuple(frames.shape[-2:]), "bilinear")
    return enlarged.detach()


def _normalized(values: Tensor, brightest: float = 1.0) -> NDArray[np.float32]:
    highest = torch.quantile(values.flatten(1), brightest, dim=1)[:, None, None]
    highest = torch.where(highest > 0.0, highest, values.amax(dim=(1, 2), keepdim=True)).clamp(min=1e-12)
    return (values / highest).clamp(max=1.0).cpu().numpy().astype(np.float32)
