"""Color jitter: random contrast, brightness, white balance and tone, which leave actions valid.

There is no mirroring: keeping to the right lane of a two-lane road is not the mirror image of keeping to the left.
"""

from __future__ import annotations

import torch
from torch import Tensor

from camshaft.perception.backbones.encoder import channels_first
from camshaft.perception.training.batches import IMAGE, Batch

CONTRAST = 0.20  # standard deviation of the log contrast of a frame
BRIGHTNESS = 0.08  # standard deviation of the offset of a frame in [0, 1]
WHITE_BALANCE = 0.04  # standard deviation of the log gain of a channel
TONE = 0.50  # the tone curve is x + t·x·(1 - x) with t uniform in ±TONE: a gamma without a power function


def jitter_colors(frames: Tensor, strength: float, generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    """Randomly change the contrast, brightness, white balance and tone of each frame.

    Args:
        frames: (B, 3, H, W) uint8, fastest in channels-last memory.
        strength: 1 for the constants above, 0 for no change.
        generator: CPU generator, so that the random numbers do not depend on the device of the frames.
        dtype: floating-point type of the result.

    Returns:
        (B, 3, H, W) in [0, 1], in channels-last memory.
    """
    count, channels, height, width = frames.shape
    light = torch.randn(count, 2, generator=generator) * torch.tensor([CONTRAST, BRIGHTNESS]) * strength
    balance = torch.randn(count, channels, generator=generator) * WHITE_BALANCE * strength
    tone = (torch.rand(count, generator=generator) * 2.0 - 1.0) * TONE * min(strength, 1.0 / TONE)
    contrast = torch.exp(light[:, :1] + balance)
    offset = 0.5 - 0.5 * contrast + light[:, 1:]

    # Constants are repeated along a row of pixels, so that the innermost loops are long.
    gain_row = (contrast / 255.0).repeat(1, width)[:, None].to(frames.device, dtype, non_blocking=True)
    offset_row = offset.repeat(1, width)[:, None].to(frames.device, dtype, non_blocking=True)
    tone = tone[:, None, None].to(frames.device, dtype, non_blocking=True)
    pixels = frames.permute(0, 2, 3, 1).reshape(count, height, width * channels).to(dtype)
    pixels = torch.addcmul(offset_row, pixels, gain_row).clamp_(0.0, 1.0)
    pixels.addcmul_(torch.addcmul(pixels, pixels, pixels, value=-1.0), tone)
    return pixels.view(count, height, width, channels).permute(0, 3, 1, 2)


class ColorJitter:
    """Color jitter as an augmentation of the trainer; uses the global random number generator of PyTorch.

    Args:
        strength: 1 for the constants of this module.
        dtype: floating-point type of the augmented frames.
    """

    def __init__(self, strength: float = 1.0, dtype: torch.dtype = torch.float32) -> None:
        self.strength, self.dtype = strength, dtype

    def __call__(self, batch: Batch) -> Batch:
        """Augment a batch; its frames become (B, 3, H, W) floats in [0, 1]."""
        frames = channels_first(batch[IMAGE])
        if frames.dtype != torch.uint8:
            frames = (frames * 255.0).round().to(torch.uint8)
        generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
        return {**batch, IMAGE: jitter_colors(frames, self.strength, generator, self.dtype)}
