"""PilotNet, a network for end-to-end steering from a front camera.

Source: Bojarski et al., "End to End Learning for Self-Driving Cars", arXiv:1604.07316, 2016, figure 4.
"""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from camshaft.perception.backbones.encoder import Preprocessing, StagedEncoder
from camshaft.perception.backbones.registry import register_model

INPUT_SIZE = (66, 200)  # height, width
FLATTENED = 64 * 1 * 18


class PilotNet(StagedEncoder):
    """PilotNet without its output layer: five convolutions and three fully connected layers.

    With a head of one output it has the 252,219 parameters of the paper: 1,824 + 21,636 + 43,248 + 27,712 + 36,928 in
    the convolutions, 115,300 + 5,050 + 510 + 11 in the fully connected layers. The figure of the paper says 1,164
    neurons for the flattened maps, but 64 maps of 1×18 are 1,152.

    The paper specifies neither the activation (here ReLU) nor the constants of the normalization layer (here each YUV
    channel is scaled to [-1, 1]).
    """

    channels = (24, 36, 48, 64, 64)
    strides = (2, 4, 8, 8, 8)

    def __init__(self) -> None:
        super().__init__(Preprocessing(INPUT_SIZE, "yuv", mean=(0.5, 0.0, 0.0), std=(0.5, 0.436, 0.615)))
        self.out_dim = 10
        self.stages = nn.ModuleList(
            [
                _convolution(3, 24, kernel_size=5, stride=2),
                _convolution(24, 36, kernel_size=5, stride=2),
                _convolution(36, 48, kernel_size=5, stride=2),
                _convolution(48, 64, kernel_size=3, stride=1),
                _convolution(64, 64, kernel_size=3, stride=1),
            ]
        )
        widths = (FLATTENED, 100, 50, self.out_dim)
        layers = [layer for pair in pairwise(widths) for layer in (nn.Linear(*pair), nn.ReLU())]
        self.summary = nn.Sequential(nn.Flatten(), *layers)


@register_model
def pilotnet() -> PilotNet:
    """PilotNet (Bojarski et al. 2016): 66×200 YUV frames to 10 features."""
    return PilotNet()


def _convolution(inputs: int, outputs: int, kernel_size: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel_size, stride), nn.ReLU(inplace=True))
