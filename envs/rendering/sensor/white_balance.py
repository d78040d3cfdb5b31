"""White balance: channel gains of a color temperature.

Black-body colors follow the Planckian locus as approximated by Kim et al., "Design of advanced color temperature
control system for HDTV applications", J. Korean Phys. Soc. 2002.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.rendering.sensor.sensor import DAYLIGHT

RGB_FROM_XYZ = np.array(
    [
        [3.2404542, -1.5371385, -0.4985314],
        [-0.9692660, 1.8760108, 0.0415560],
        [0.0556434, -0.2040259, 1.0572252],
    ]
)  # linear sRGB


def white_balance_gains(temperature: float) -> tuple[float, float]:
    """Gains of red and blue, relative to green, that render light of a color temperature (kelvin) as white."""
    gains = _black_body_color(DAYLIGHT) / _black_body_color(temperature)
    return float(gains[0] / gains[1]), float(gains[2] / gains[1])


def _black_body_color(temperature: float) -> NDArray[np.float64]:
    """(3,) linear sRGB of a black body, of luminance 1, from 2222 to 25,000 kelvin."""
    powers = (1e3 / temperature) ** np.arange(3, -1, -1)
    if temperature < 4000.0:
        x = powers @ [-0.2661239, -0.2343589, 0.8776956, 0.179910]
        y = x ** np.arange(3, -1, -1) @ [-0.9549476, -1.37418593, 2.09137015, -0.16748867]
    else:
        x = powers @ [-3.0258469, 2.1070379, 0.2226347, 0.240390]
        y = x ** np.arange(3, -1, -1) @ [3.0817580, -5.87338670, 3.75112997, -0.37001483]
    return np.asarray(RGB_FROM_XYZ @ [x / y, 1.0, (1.0 - x - y) / y])
