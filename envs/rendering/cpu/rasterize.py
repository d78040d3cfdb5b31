"""Rasterization of projected triangles into a z-buffer, opaque or masked by the alpha of their texture."""

from __future__ import annotations

import numpy as np

from camshaft.envs.kernels import inlined, kernel

SLIVER = 1e-3  # square pixels; the depth gradient of smaller triangles is inaccurate
MAX_AREA = 1e15  # square pixels; triangles of a larger area (or NaN) are skipped


@inlined
def fill_triangle(
    x0, y0, w0, x1, y1, w1, x2, y2, w2, number, first_cell, width, height, inverse_depth, triangles
):  # type: ignore[no-untyped-def]
    """Write triangle `number` into the z-buffer; w is 1/z, which is linear in the image.

    A pixel is covered if its center is inside. Every edge is evaluated from its upper end in all triangles, so that
    triangles with a common edge leave neither gaps nor overlaps along it.

    Returns:
        Whether a pixel was written.
    """
    x0, y0, w0 = np.float64(x0), np.float64(y0), np.float64(w0)
    x1, y1, w1 = np.float64(x1), np.float64(y1), np.float64(w1)
    x2, y2, w2 = np.float64(x2), np.float64(y2), np.float64(w2)
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if not (0.0 < abs(area) < MAX_AREA):
        return False
    first = int(np.ceil(max(min(y0, y1, y2) - 0.5, 0.0)))
    last = int(np.ceil(min(max(y0, y1, y2) - 0.5, np.float64(height))))
    if first >= last:
        return False
    slope_x = ((w1 - w0) * (y2 - y0) - (w2 - w0) * (y1 - y0)) / area
    slope_y = ((w2 - w0) * (x1 - x0) - (w1 - w0) * (x2 - x0)) / area
    origin = w0 - slope_x * (x0 - 0.5) - slope_y * (y0 - 0.5)  # at the center of pixel (0, 0)
    if y1 < y0:
        x0, y0, x1, y1 = x1, y1, x0, y0
    if y2 < y0:
        x0, y0, x2, y2 = x2, y2, x0, y0
    if y2 < y1:
        x1, y1, x2, y2 = x2, y2, x1, y1
    long_slope = (x2 - x0) / (y2 - y0)
    upper_slope = (x1 - x0) / (y1 - y0) if y1 > y0 else 0.0
    lower_slope = (x2 - x1) / (y2 - y1) if y2 > y1 else 0.0
    nearest, farthest = max(w0, w1, w2), min(w0, w1, w2)
    sliver = abs(area) < SLIVER
    written = np.int32(0)
    number = np.int32(number)
    step = np.float32(slope_x)
    for row in range(first, last):
        y = row + 0.5
        long_x = x0 + (y - y0) * long_slope
        short_x = x0 + (y - y0) * upper_slope if y < y1 else x1 + (y - y1) * lower_slope
        start = int(np.ceil(max(min(long_x, short_x) - 0.5, 0.0)))
        stop = int(np.ceil(min(max(long_x, short_x) - 0.5, np.float64(width))))
        w = np.float32(origin + slope_x * start + slope_y * row)
        line = np.uint64(first_cell + row * width + start)
        if sliver:
            for index in range(np.uint64(max(stop - start, 0))):
                value = np.float32(min(max(w + step * np.float32(np.int32(index)), farthest), nearest))
                cell = line + index
                if value > inverse_depth[cell]:
                    inverse_depth[cell] = value
                    triangles[cell] = number
                    written += 1
            continue
        for index in range(np.uint64(max(stop - start, 0))):
            value = w + step * np.float32(np.int32(index))
            cell = line + index
            closer = value > inverse_depth[cell]
            inverse_depth[cell] = value if closer else inverse_depth[cell]
            triangles[cell] = number if closer else triangles[cell]
            written += np.int32(closer)
    return written > 0


@kernel
def fill_masked(
    uvs,
    levels,
    texels,
    corners,
    first,
    vertices,
    base,
    flat,
    number,
    first_cell,
    width,
    height,
    inverse_depth,
    triangles,
):  # type: ignore[no-untyped-def]
    """Write triangle `number` into the z-buffer where its texture is opaque.

    Texture coordinates are interpolated with perspective correction, or linearly if `flat` (parallel projection). The
    whole triangle uses one mip level.

    Returns:
        Whether a pixel was written.
    """
    a, b, c = corners[0], corners[1], corners[2]
    x0, y0, w0 = (
        np.float64(vertices[base + a, 3]),
        np.float64(vertices[base + a, 4]),
        np.float64(vertices[base + a, 5]),
    )
    x1, y1, w1 = (
        np.float64(vertices[base + b, 3]),
        np.float64(vertices[base + b, 4]),
        np.float64(vertices[base + b, 5]),
    )
    x2, y2, w2 = (
        np.float64(vertices[base + c, 3]),
        np.float64(vertices[base + c, 4]),
        np.float64(vertices[base + c, 5]),
    )
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if not (0.0 < abs(area) < MAX_AREA):
        return False
    ua, va = np.float64(uvs[first + a, 0]), np.float64(uvs[first + a, 1])
    ub, vb = np.float64(uvs[first + b, 0]), np.float64(uvs[first + b, 1])
    uc, vc = np.float64(uvs[first + c, 0]), np.float64(uvs[first + c, 1])
    num_texels = (
        abs((ub - ua) * (vc - va) - (uc - ua) * (vb - va)) * (1 << levels[0, 1]) * (1 << levels[0, 2])
    )
    level = int(min(max(0.5 * np.log2(max(num_texels / abs(area), 1.0)) - 0.5, 0.0), 14.0))
    log_width, log_height = levels[level, 1], levels[level, 2]
    mask_x, mask_y = (1 << log_width) - 1, (1 << log_height) - 1
    scale_a, scale_b, scale_c = (1.0, 1.0, 1.0) if flat else (w0, w1, w2)
    top, bottom = max(min(y0, y1, y2) - 0.5, 0.0), min(max(y0, y1, y2) - 0.5, np.float64(height))
    left, right = max(min(x0, x1, x2) - 0.5, 0.0), min(max(x0, x1, x2) - 0.5, np.float64(width))
    written = False
    for row in range(int(np.ceil(top)), int(np.ceil(bottom))):
        y = row + 0.5
        for column in range(int(np.ceil(left)), int(np.ceil(right))):
            x = column + 0.5
            bary_a = ((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)) / area
            bary_b = ((x2 - x) * (y0 - y) - (x0 - x) * (y2 - y)) / area
            bary_c = 1.0 - bary_a - bary_b
            if bary_a < 0.0 or bary_b < 0.0 or bary_c < 0.0:
                continue
            w = np.float32(bary_a * w0 + bary_b * w1 + bary_c * w2)
            cell = first_cell + row * width + column
            if not w > inverse_depth[cell]:
                continue
            scale = 1.0 / (bary_a * scale_a + bary_b * scale_b + bary_c * scale_c)
            u = (bary_a * scale_a * ua + bary_b * scale_b * ub + bary_c * scale_c * uc) * scale
            v = (bary_a * scale_a * va + bary_b * scale_b * vb + bary_c * scale_c * vc) * scale
            texel_x = int(np.floor(u * (1 << log_width))) & mask_x
            texel_y = int(np.floor(v * (1 << log_height))) & mask_y
            texel = texels[levels[level, 0] + (texel_y << log_width) + texel_x]
            if texel >> np.uint32(24) < np.uint32(128):
                continue
            inverse_depth[cell] = w
            triangles[cell] = number
            written = True
    return written
