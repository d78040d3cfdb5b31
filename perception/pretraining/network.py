"""Multi-task network: an encoder with a light decoder and one head per label.

Source: the decoder is the top-down pathway of Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from camshaft.envs.rendering.meshes.labels import LABEL_NAMES
from camshaft.perception.backbones.encoder import Encoder, channels_first

DENSE = {"segmentation": len(LABEL_NAMES), "depth": 1, "normals": 3}
WIDTH = 64
STRIDE = 4  # of dense labels, in pixels


class MultiTaskNetwork(nn.Module):
    """Network that predicts dense labels from feature maps and other labels from the feature vector.

    Args:
        encoder: encoder to pretrain.
        vector: number of outputs of each head on the feature vector, by name.
    """

    def __init__(self, encoder: Encoder, vector: dict[str, int]) -> None:
        super().__init__()
        self.encoder = encoder
        self.lateral = nn.ModuleList([nn.Conv2d(channels, WIDTH, 1) for channels in encoder.channels])
        self.smooth = nn.Sequential(
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.GroupNorm(4, WIDTH), nn.ReLU(inplace=True)
        )
        self.dense = nn.ModuleDict({name: nn.Conv2d(WIDTH, outputs, 1) for name, outputs in DENSE.items()})
        self.vector = nn.ModuleDict(
            {name: nn.Linear(encoder.out_dim, outputs) for name, outputs in vector.items()}
        )

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Predictions by label name: (B, K, H / STRIDE, W / STRIDE) for dense labels, (B, K) for others."""
        features, maps = self.encoder.features_and_maps(images)
        merged: Tensor = self.lateral[-1](maps[-1])
        for lateral, finer in zip(reversed(self.lateral[:-1]), reversed(maps[:-1]), strict=True):
            merged = functional.interpolate(merged, finer.shape[-2:], mode="nearest") + lateral(finer)
        merged = self.smooth(merged)
        size = [side // STRIDE for side in channels_first(images).shape[-2:]]
        if list(merged.shape[-2:]) != size:  # the encoder's finest map has another stride
            merged = functional.interpolate(merged, size, mode="bilinear")
        outputs = {name: head(merged) for name, head in self.dense.items()}
        return outputs | {name: head(features) for name, head in self.vector.items()}


def unit(vectors: Tensor) -> Tensor:
    """Normalize vectors along dimension 1."""
    return functional.normalize(vectors.float(), dim=1)
