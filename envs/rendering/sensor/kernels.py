"""Sensor kernels: motion blur, exposure, noise and white balance of colors; noise and holes of depth.

Display bytes are the square root of linear light (gamma 2); all computation is in linear light, 1.0 for white. Images
of light are (height, 3·width) float32 with interleaved colors.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.kernels import inlined, kernel
from camshaft.envs.rendering.sensor.hashing import gaussian, make_key, uniform
from camshaft.envs.rendering.sensor.weather import add_rain, add_spray

# Columns of the settings of a sensor.
EXPOSURE, VIGNETTING, SHOT, READ, RED, BLUE, SHUTTER, RAIN, SPRAY = range(9)
DEPTH_NOISE, HOLES, NEAREST, FARTHEST, COLUMNS = range(9, 14)

# Random streams; each camera has STREAMS of its own.
NOISE_STREAM, RAIN_STREAM, WIND_STREAM, SPRAY_STREAM, DEPTH_STREAM, HOLE_STREAM, STREAMS = range(7)

MAX_TAPS = 16  # samples of motion blur along the flow
MIN_BLUR = np.float32(0.25)  # pixels
EDGE_RATIO = np.float32(
    1.05
)  # of neighboring depths at an edge, behind which one of the two views is occluded
BINS = 1024

ZERO, ONE, HALF = np.float32(0.0), np.float32(1.0), np.float32(0.5)


class Scratch(NamedTuple):
    """Buffers of one thread."""

    light: NDArray[np.float32]  # (H, 3W)
    blurred: NDArray[np.float32]  # (H, 3W)
    gains: NDArray[np.float32]  # (3W,) white balance
    small: NDArray[np.float32]  # (h, w, 3) downsampled image
    lattice: NDArray[np.float32]  # (h, w) noise
    score: NDArray[np.int32]  # (H, W) of depth holes
    histogram: NDArray[np.int64]  # (BINS,)


@kernel
def expose_frames(  # type: ignore[no-untyped-def]
    start,
    stop,
    worlds,
    active,
    seeds,
    frames,
    stream,
    settings,
    squared_radius,
    focal,
    flow,
    speeds,
    scratch,
    images,
):
    """Turn perfect color images into those of the sensor.

    Args:
        start: first image.
        stop: end of the images.
        worlds: (n,) world of each image.
        active: (num_worlds,) whether the sensor of a world changes colors.
        seeds: (num_worlds,) seeds of the episodes.
        frames: (n,) frame number in the episode.
        stream: first random stream of this camera.
        settings: (num_worlds, COLUMNS).
        squared_radius: (H, 3W) squared distance from the image center, 1 in the corners.
        focal: focal length, pixels.
        flow: (n, H, W, 2) pixels a frame, or empty.
        speeds: (n,) m/s along the optical axis.
        scratch: buffers.
        images: (n, H, 3W) display bytes, changed in place.
    """
    for index in range(start, stop):
        world = worlds[index]
        if not active[world]:
            continue
        setting, seed, frame = settings[world], seeds[world], frames[index]
        light = scratch.light
        _to_light(images[index], light)
        if setting[SHUTTER] > ZERO:
            _blur_motion(light, flow[index], setting[SHUTTER], scratch.blurred)
            light = scratch.blurred
        if setting[RAIN] > ZERO:
            wind = make_key(seed, 0, stream + WIND_STREAM)
            add_rain(
                light, setting[RAIN], speeds[index], focal, wind, make_key(seed, frame, stream + RAIN_STREAM)
            )
        if setting[SPRAY] > ZERO:
            add_spray(light, setting[SPRAY], frame, seed, stream + SPRAY_STREAM, scratch.small)
        gains = scratch.gains
        gains[0::3], gains[1::3], gains[2::3] = setting[RED], ONE, setting[BLUE]
        key = make_key(seed, frame, stream + NOISE_STREAM)
        _expose(light, setting, squared_radius, gains, key, images[index])


@kernel
def measure_depths(start, stop, worlds, active, seeds, frames, stream, settings, far, scratch, images):  # type: ignore[no-untyped-def]
    """Turn perfect depth images into those of a depth camera.

    Args:
        start: first image.
        stop: end of the images.
        worlds: (n,) world of each image.
        active: (num_worlds,) whether the sensor of a world changes depth.
        seeds: (num_worlds,) seeds of the episodes.
        frames: (n,) frame number in the episode.
        stream: first random stream of this camera.
        settings: (num_worlds, COLUMNS).
        far: depth of the sky, meters.
        scratch: buffers.
        images: (n, H, W) meters, changed in place.
    """
    for index in range(start, stop):
        world = worlds[index]
        if not active[world]:
            continue
        setting, depth = settings[world], images[index]
        holes = setting[HOLES] > ZERO
        if holes:
            key = make_key(seeds[world], frames[index], stream + HOLE_STREAM)
            limit = _score_holes(depth, setting[HOLES], key, scratch)
        if setting[DEPTH_NOISE] > ZERO:
            key = make_key(seeds[world], frames[index], stream + DEPTH_STREAM)
            _add_depth_noise(depth, setting[DEPTH_NOISE], np.float32(far), key)
        nearest, farthest = setting[NEAREST], setting[FARTHEST]
        for row in range(depth.shape[0]):
            for column in range(depth.shape[1]):
                failed = holes and scratch.score[row, column] < limit
                if failed or not nearest <= depth[row, column] <= farthest:
                    depth[row, column] = ZERO


@inlined
def _to_light(image, light):  # type: ignore[no-untyped-def]
    for row in range(light.shape[0]):
        for i in range(light.shape[1]):
            value = np.float32(image[row, i]) * np.float32(1.0 / 255.0)
            light[row, i] = value * value


@kernel
def _blur_motion(light, flow, shutter, blurred):  # type: ignore[no-untyped-def]
    """Average along the path of each pixel while the shutter is open, centered at the time of the frame."""
    height, width = light.shape[0], light.shape[1] // 3
    for row in range(height):
        for column in range(width):
            dx, dy = shutter * flow[row, column, 0], shutter * flow[row, column, 1]
            length = max(abs(dx), abs(dy))
            if not MIN_BLUR < length < np.float32(1e6):
                for channel in range(3 * column, 3 * column + 3):
                    blurred[row, channel] = light[row, channel]
                continue
            taps = int(min(length + np.float32(2.0), np.float32(MAX_TAPS)))
            step = ONE / np.float32(taps)
            x_step, y_step = step * dx, step * dy
            x = np.float32(column) + HALF - HALF * (dx - x_step)
            y = np.float32(row) + HALF - HALF * (dy - y_step)
            red, green, blue = ZERO, ZERO, ZERO
            for _ in range(taps):
                line = np.uint32(min(max(np.int32(y), 0), height - 1))
                first = np.uint32(3) * np.uint32(min(max(np.int32(x), 0), width - 1))
                red += light[line, first]
                green += light[line, first + np.uint32(1)]
                blue += light[line, first + np.uint32(2)]
                x, y = x + x_step, y + y_step
            blurred[row, 3 * column] = red * step
            blurred[row, 3 * column + 1] = green * step
            blurred[row, 3 * column + 2] = blue * step


@inlined
def _expose(light, setting, squared_radius, gains, key, image):  # type: ignore[no-untyped-def]
    """Apply vignetting, exposure and electron noise, then white balance and quantization."""
    exposure, falloff = setting[EXPOSURE], setting[EXPOSURE] * setting[VIGNETTING]
    shot, read = setting[SHOT], setting[READ]
    noisy = shot > ZERO or read > ZERO
    for row in range(light.shape[0]):
        first = np.uint32(row * light.shape[1])
        if noisy:
            for i in range(light.shape[1]):
                signal = light[row, i] * (exposure - falloff * squared_radius[row, i])
                noise = np.sqrt(signal * shot + read) * gaussian(np.uint32(first + np.uint32(i)), key)
                image[row, i] = _display((signal + noise) * gains[i])
        else:
            for i in range(light.shape[1]):
                signal = light[row, i] * (exposure - falloff * squared_radius[row, i])
                image[row, i] = _display(signal * gains[i])


@inlined
def _display(value):  # type: ignore[no-untyped-def]
    """The display byte of linear light."""
    value = value if value > ZERO else ZERO
    value = value if value < ONE else ONE
    return np.uint8(np.int32(np.sqrt(value) * np.float32(255.0) + HALF))


@inlined
def _add_depth_noise(depth, noise, far, key):  # type: ignore[no-untyped-def]
    """Add Gaussian noise to inverse depth, the quantity that stereo and structured-light cameras measure."""
    for row in range(depth.shape[0]):
        first = np.uint32(row * depth.shape[1])
        for column in range(depth.shape[1]):
            true = depth[row, column]
            scale = ONE + noise * true * gaussian(np.uint32(first + np.uint32(column)), key)
            measured = true / scale
            measured = measured if scale > ZERO and measured < far else far
            depth[row, column] = measured if true < far else true


@kernel
def _score_holes(depth, fraction, key, scratch):  # type: ignore[no-untyped-def]
    """Score pixels, lowest where depth fails first; returns the limit below which `fraction` of them lie.

    Patches are smooth noise on a lattice; next to nearer objects, where one of the two views is occluded, the score is
    lower.
    """
    height, width = depth.shape
    lattice, score, histogram = scratch.lattice, scratch.score, scratch.histogram
    for i in range(lattice.shape[0]):
        for j in range(lattice.shape[1]):
            lattice[i, j] = uniform(np.uint32(i * lattice.shape[1] + j), key ^ np.uint64(1))
    histogram[:] = 0
    scale_x = np.float32((lattice.shape[1] - 1) / width)
    scale_y = np.float32((lattice.shape[0] - 1) / height)
    for row in range(height):
        y = np.float32(row) * scale_y
        i = int(y)
        v = y - np.float32(i)
        for column in range(width):
            x = np.float32(column) * scale_x
            j = int(x)
            u = x - np.float32(j)
            upper = lattice[i, j] + u * (lattice[i, j + 1] - lattice[i, j])
            lower = lattice[i + 1, j] + u * (lattice[i + 1, j + 1] - lattice[i + 1, j])
            value = np.float32(0.25) + np.float32(0.6) * (upper + v * (lower - upper))
            value += np.float32(0.1) * uniform(np.uint32(row * width + column), key)
            nearest = min(depth[row, max(column - 2, 0)], depth[row, min(column + 2, width - 1)])
            if depth[row, column] > EDGE_RATIO * nearest:
                value -= np.float32(0.2)
            rank = min(max(int(value * np.float32(BINS)), 0), BINS - 1)
            score[row, column] = rank
            histogram[rank] += 1
    wanted, below_limit = fraction * height * width, 0
    for limit in range(BINS):
        if below_limit + 0.5 * histogram[limit] >= wanted:
            return limit
        below_limit += histogram[limit]
    return BINS
