"""Types of the arrays that the layers exchange."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Image = NDArray[np.uint8]
"""(H, W, 3) RGB, or a batch of such."""
Observation = NDArray[Any] | dict[str, NDArray[Any]]
"""A batch of observations: an array, or arrays by part."""
