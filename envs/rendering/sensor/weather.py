"""Weather: rain in front of a camera and water on its lens, rendered into an image of linear light.

A drop that falls during the exposure leaves a streak between its first and last position, in perspective; its color is
that of the surroundings and hardly depends on the background (Garg and Nayar, "Vision and rain", IJCV 2007). Streaks
are stronger than in that paper's photometry, by which rain is hardly visible in a single frame. Drops on the lens keep
their positions for some frames; they show the scene upside down and out of focus.

Images are (height, 3·width) float32 with interleaved colors.
"""

from __future__ import annotations

import math

import numpy as np

from camshaft.envs.kernels import inlined, kernel
from camshaft.envs.rendering.sensor.hashing import make_key, uniform

MAX_STREAKS = 600
STREAK_SECONDS = 1.0 / 40.0  # exposure time of a streak
MIN_DROP_DEPTH, MAX_DROP_DEPTH = 0.7, 7.0  # meters along the optical axis
MIN_FALL_SPEED, MAX_FALL_SPEED = 6.0, 9.0  # m/s: drops of 1.7 to 5 mm (Atlas et al. 1973)
MAX_WIND = 3.0  # m/s across the view, constant within an episode
STREAK_WIDTH = 0.010  # meters, out of focus
STREAK_LIGHT = 1.8  # of the mean light of the upper half of the image, where most light of a drop comes from

MAX_BEADS, MAX_SMEARS = 40, 14
BEAD_LIFE, SMEAR_LIFE, FADE = 50, 90, 6  # frames

ZERO, ONE, HALF = np.float32(0.0), np.float32(1.0), np.float32(0.5)


@kernel
def add_rain(light, density, speed, focal_length, wind_key, key):  # type: ignore[no-untyped-def]
    """Blend rain streaks into the image.

    Args:
        light: (height, 3·width) linear light.
        density: 0..1.
        speed: m/s of the camera along its optical axis.
        focal_length: pixels.
        wind_key: random key of the episode.
        key: random key of the frame.
    """
    height, width = light.shape[0], light.shape[1] // 3
    red, green, blue = _streak_light(light)
    wind = MAX_WIND * (2.0 * uniform(0, wind_key) - 1.0)
    for streak in range(int(density * MAX_STREAKS + 0.5)):
        counter = 8 * streak
        depth = MIN_DROP_DEPTH + (MAX_DROP_DEPTH - MIN_DROP_DEPTH) * math.sqrt(uniform(counter, key))
        across = (1.4 * uniform(counter + 1, key) - 0.2) * width - 0.5 * width
        down = (1.4 * uniform(counter + 2, key) - 0.2) * height - 0.5 * height
        fall = MIN_FALL_SPEED + (MAX_FALL_SPEED - MIN_FALL_SPEED) * uniform(counter + 3, key)
        gust = wind + uniform(counter + 4, key) - 0.5
        half = 0.5 * STREAK_SECONDS
        middle_x, middle_y = across * depth / focal_length, down * depth / focal_length
        near = max(depth - half * speed, 0.5 * MIN_DROP_DEPTH)
        far = depth + half * speed
        _streak(
            light,
            0.5 * width + focal_length * (middle_x - half * gust) / far,
            0.5 * height + focal_length * (middle_y - half * fall) / far,
            0.5 * width + focal_length * (middle_x + half * gust) / near,
            0.5 * height + focal_length * (middle_y + half * fall) / near,
            STREAK_WIDTH * focal_length / depth,
            0.3 + 0.4 * uniform(counter + 5, key),
            red,
            green,
            blue,
        )


@kernel
def add_spray(light, amount, frame, seed, stream, small):  # type: ignore[no-untyped-def]
    """Blend water on the lens into the image: beads and larger smears.

    Args:
        light: (height, 3·width) linear light.
        amount: 0..1.
        frame: frame number since the start of the episode.
        seed: seed of the episode.
        stream: random stream.
        small: (h, w, 3) buffer for the downsampled image.
    """
    _downsample(light, small)
    for smear in range(int(amount * MAX_SMEARS + 0.5)):
        _drop(light, small, 1000 + smear, SMEAR_LIFE, frame, seed, stream, 0.10, 0.25, 1.0, 0.85, 1.0)
    for bead in range(int(amount * MAX_BEADS + 0.5)):
        _drop(light, small, bead, BEAD_LIFE, frame, seed, stream, 0.018, 0.055, -2.5, 0.95, 0.45)


@inlined
def _drop(  # type: ignore[no-untyped-def]
    light, small, number, life, frame, seed, stream, smallest, largest, magnification, opacity, softness
):
    """Blend one drop into the image; every `life` frames, another drop takes its number."""
    shifted = frame + int(life * uniform(number, make_key(seed, -1, stream)))
    key = make_key(seed, shifted // life, stream)
    value = uniform(8 * number, key)
    radius = (smallest + (largest - smallest) * value * value) * light.shape[1] / 3
    fading = min(1.0, (life - shifted % life) / FADE)
    _blob(
        light,
        small,
        np.float32(uniform(8 * number + 1, key) * light.shape[1] / 3),
        np.float32(uniform(8 * number + 2, key) * light.shape[0]),
        np.float32(radius),
        np.float32(radius * (1.0 + 0.4 * uniform(8 * number + 3, key))),
        np.float32(magnification),
        np.float32(opacity * fading),
        np.float32(softness),
    )


@kernel
def _blob(light, small, center_x, center_y, radius_x, radius_y, magnification, opacity, softness):  # type: ignore[no-untyped-def]
    """Blend the downsampled image, magnified around the center, into an ellipse."""
    height, width = light.shape[0], light.shape[1] // 3
    scale_x, scale_y = np.float32(small.shape[1] / width), np.float32(small.shape[0] / height)
    bead = magnification < ZERO
    for row in range(max(0, int(center_y - radius_y)), min(height, int(center_y + radius_y) + 2)):
        y = np.float32(row) + HALF - center_y
        for column in range(max(0, int(center_x - radius_x)), min(width, int(center_x + radius_x) + 2)):
            x = np.float32(column) + HALF - center_x
            square = (x / radius_x) ** 2 + (y / radius_y) ** 2
            if square >= ONE:
                continue
            coverage = min((ONE - np.sqrt(square)) / softness, ONE)
            coverage = opacity * coverage * coverage * (np.float32(3.0) - np.float32(2.0) * coverage)
            strength = ONE
            if bead:  # darker at the top, where it refracts the ground, brighter at the bottom
                strength = np.float32(0.9) + np.float32(0.45) * y / radius_y
            red, green, blue = _sample(
                small,
                (center_x + magnification * x) * scale_x - HALF,
                (center_y + magnification * y) * scale_y - HALF,
            )
            light[row, 3 * column] += coverage * (strength * red - light[row, 3 * column])
            light[row, 3 * column + 1] += coverage * (strength * green - light[row, 3 * column + 1])
            light[row, 3 * column + 2] += coverage * (strength * blue - light[row, 3 * column + 2])


@inlined
def _sample(small, x, y):  # type: ignore[no-untyped-def]
    """Bilinear interpolation of an (h, w, 3) image with repeated edges."""
    x = min(max(x, ZERO), np.float32(small.shape[1] - 1))
    y = min(max(y, ZERO), np.float32(small.shape[0] - 1))
    left, top = int(x), int(y)
    right, bottom = min(left + 1, small.shape[1] - 1), min(top + 1, small.shape[0] - 1)
    u, v = x - np.float32(left), y - np.float32(top)
    a, b, c, d = (ONE - u) * (ONE - v), u * (ONE - v), (ONE - u) * v, u * v
    return (
        a * small[top, left, 0]
        + b * small[top, right, 0]
        + c * small[bottom, left, 0]
        + d * small[bottom, right, 0],
        a * small[top, left, 1]
        + b * small[top, right, 1]
        + c * small[bottom, left, 1]
        + d * small[bottom, right, 1],
        a * small[top, left, 2]
        + b * small[top, right, 2]
        + c * small[bottom, left, 2]
        + d * small[bottom, right, 2],
    )


@inlined
def _downsample(light, small):  # type: ignore[no-untyped-def]
    """Write the averages of blocks of the image."""
    height, width = light.shape[0], light.shape[1] // 3
    for i in range(small.shape[0]):
        first, last = i * height // small.shape[0], (i + 1) * height // small.shape[0]
        for j in range(small.shape[1]):
            left, right = j * width // small.shape[1], (j + 1) * width // small.shape[1]
            red, green, blue = ZERO, ZERO, ZERO
            for row in range(first, last):
                for column in range(left, right):
                    red += light[row, 3 * column]
                    green += light[row, 3 * column + 1]
                    blue += light[row, 3 * column + 2]
            count = np.float32((last - first) * (right - left))
            small[i, j, 0], small[i, j, 1], small[i, j, 2] = red / count, green / count, blue / count


@inlined
def _streak_light(light):  # type: ignore[no-untyped-def]
    """Color of a streak: the mean of the upper half of the image, less saturated."""
    rows, width = (light.shape[0] + 1) // 2, light.shape[1] // 3
    red, green, blue = ZERO, ZERO, ZERO
    for row in range(rows):
        for column in range(width):
            red += light[row, 3 * column]
            green += light[row, 3 * column + 1]
            blue += light[row, 3 * column + 2]
    scale = np.float32(0.5 * STREAK_LIGHT / (rows * width))
    gray = (red + green + blue) / np.float32(3.0)
    return (red + gray) * scale, (green + gray) * scale, (blue + gray) * scale


@kernel
def _streak(light, start_x, start_y, end_x, end_y, thickness, opacity, red, green, blue):  # type: ignore[no-untyped-def]
    """Blend a thick line into the image; lines thinner than a pixel are fainter."""
    height, width = light.shape[0], light.shape[1] // 3
    opacity = np.float32(opacity * min(1.0, thickness + 0.4))
    half = np.float32(0.5 * max(1.0, thickness))
    along_x, along_y = np.float32(end_x - start_x), np.float32(end_y - start_y)
    inverse = ONE / max(along_x * along_x + along_y * along_y, np.float32(1e-6))
    reach = half + HALF
    for row in range(
        max(0, int(min(start_y, end_y) - reach)), min(height, int(max(start_y, end_y) + reach) + 1)
    ):
        y = np.float32(row + 0.5 - start_y)
        for column in range(
            max(0, int(min(start_x, end_x) - reach)), min(width, int(max(start_x, end_x) + reach) + 1)
        ):
            x = np.float32(column + 0.5 - start_x)
            t = min(max((x * along_x + y * along_y) * inverse, ZERO), ONE)
            off_x, off_y = x - t * along_x, y - t * along_y
            coverage = reach - np.sqrt(off_x * off_x + off_y * off_y)
            if coverage <= ZERO:
                continue
            coverage = opacity * min(coverage, ONE)
            light[row, 3 * column] += coverage * (red - light[row, 3 * column])
            light[row, 3 * column + 1] += coverage * (green - light[row, 3 * column + 1])
            light[row, 3 * column + 2] += coverage * (blue - light[row, 3 * column + 2])
