"""Reeds–Shepp paths: shortest paths of a car that drives forward and in reverse.

Source: J. A. Reeds and L. A. Shepp, "Optimal paths for a car that goes both forwards and backwards", Pacific Journal of
Mathematics 145, 1990: every shortest path is one of a few words of left turns, straight lines and right turns, whose
lengths are given by formulas 8.1 to 8.11. Symmetries give the other words: time-reversed, reflected, backward.

Lengths are in turning radii. A path is (5, 2): turns (1 left, 0 straight, −1 right) and lengths, negative backwards.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.kernels import inlined, kernel

HALF_TURN = 0.5 * np.pi
WORDS, REVERSED_WORDS = 9, 3
NUM_PATHS = 4 * (WORDS + REVERSED_WORDS)


def shortest_path(x: float, y: float, heading: float) -> NDArray[np.float64]:
    """(K, 2) shortest path from the origin, facing +x, to a pose."""
    best, path = np.zeros((5, 2)), np.zeros((5, 2))
    count, length = 0, np.inf
    for number in range(NUM_PATHS):
        found = write_path(x, y, heading, number, path)
        total = np.abs(path[:found, 1]).sum()
        if found and total < length:
            best[:], count, length = path, found, total
    return best[:count]


@kernel
def write_path(x, y, heading, number, path):  # type: ignore[no-untyped-def]
    """Write one of the `NUM_PATHS` paths from the origin, facing +x, to a pose; returns the segment count, or 0."""
    word, symmetry = number // 4, number % 4
    flip, mirror = symmetry & 1, symmetry >> 1
    here_x = -x if flip else x
    here_y = -y if mirror else y
    here_phi = -heading if flip != mirror else heading
    backwards = word >= WORDS
    if backwards:
        cosine, sine = np.cos(here_phi), np.sin(here_phi)
        here_x, here_y = here_x * cosine + here_y * sine, here_x * sine - here_y * cosine
        word = (3, 6, 7)[word - WORDS]
    count = _write_word(word, here_x, here_y, here_phi, path)
    if count == 0:
        return 0
    if backwards:
        for place in range(count // 2):
            for column in range(2):
                kept = path[place, column]
                path[place, column] = path[count - 1 - place, column]
                path[count - 1 - place, column] = kept
    for place in range(count):
        if mirror:
            path[place, 0] = -path[place, 0]
        if flip:
            path[place, 1] = -path[place, 1]
    return count


@inlined
def _wrapped(angle):  # type: ignore[no-untyped-def]
    return np.arctan2(np.sin(angle), np.cos(angle))


@inlined
def _set(path, place, turn, length):  # type: ignore[no-untyped-def]
    path[place, 0], path[place, 1] = turn, length


@inlined
def _write_word(word, x, y, phi, path):  # type: ignore[no-untyped-def]
    """Write the segments of a word that leads to a pose; returns their number, 0 if it does not."""
    if word in (0, 2, 3, 6):
        xi, eta = x - np.sin(phi), y - 1.0 + np.cos(phi)
    else:
        xi, eta = x + np.sin(phi), y - 1.0 - np.cos(phi)
    rho, theta = np.sqrt(xi * xi + eta * eta), np.arctan2(eta, xi)
    if word == 0:  # 8.1: L+ S+ L+
        v = _wrapped(phi - theta)
        if theta < 0.0 or v < 0.0:
            return 0
        _set(path, 0, 1.0, theta)
        _set(path, 1, 0.0, rho)
        _set(path, 2, 1.0, v)
        return 3
    if word == 1:  # 8.2: L+ S+ R+
        if rho * rho < 4.0:
            return 0
        u = np.sqrt(rho * rho - 4.0)
        t = _wrapped(theta + np.arctan2(2.0, u))
        v = _wrapped(t - phi)
        if t < 0.0 or v < 0.0:
            return 0
        _set(path, 0, 1.0, t)
        _set(path, 1, 0.0, u)
        _set(path, 2, -1.0, v)
        return 3
    if word in (2, 3):  # 8.3: L+ R- L+ and 8.4: L+ R- L-
        if rho > 4.0:
            return 0
        a = np.arccos(0.25 * rho)
        t, u = _wrapped(HALF_TURN + a + theta), _wrapped(np.pi - 2.0 * a)
        _set(path, 0, 1.0, t)
        _set(path, 1, -1.0, -u)
        _set(path, 2, 1.0, _wrapped(phi - t - u) if word == 2 else -_wrapped(t + u - phi))
        return 3
    if word == 4:  # 8.7: L+ R+ L- R-
        share = 0.25 * (2.0 + rho)
        if share > 1.0:
            return 0
        u = np.arccos(share)
        t, v = _tau_omega(u, -u, xi, eta, phi)
        if t < 0.0 or v > 0.0:
            return 0
        _set(path, 0, 1.0, t)
        _set(path, 1, -1.0, u)
        _set(path, 2, 1.0, -u)
        _set(path, 3, -1.0, v)
        return 4
    if word == 5:  # 8.8: L+ R- L- R+
        share = (20.0 - rho * rho) / 16.0
        if share < 0.0 or share > 1.0:
            return 0
        u = -np.arccos(share)
        t, v = _tau_omega(u, u, xi, eta, phi)
        if t < 0.0 or v < 0.0:
            return 0
        _set(path, 0, 1.0, t)
        _set(path, 1, -1.0, u)
        _set(path, 2, 1.0, u)
        _set(path, 3, -1.0, v)
        return 4
    if rho < 2.0:
        return 0
    if word == 6:  # 8.9: L+ R- S- L-
        r = np.sqrt(rho * rho - 4.0)
        t, u = _wrapped(theta + np.arctan2(r, -2.0)), 2.0 - r
        v = _wrapped(phi - HALF_TURN - t)
        last = 1.0
    elif word == 7:  # 8.10: L+ R- S- R-
        t, u = np.arctan2(xi, -eta), 2.0 - rho
        v = _wrapped(t + HALF_TURN - phi)
        last = -1.0
    else:  # 8.11: L+ R- S- L- R+
        u = 4.0 - np.sqrt(rho * rho - 4.0)
        t = _wrapped(np.arctan2((4.0 - u) * xi - 2.0 * eta, -2.0 * xi + (u - 4.0) * eta))
        v = _wrapped(t - phi)
        if u > 0.0 or t < 0.0 or v < 0.0:
            return 0
        _set(path, 0, 1.0, t)
        _set(path, 1, -1.0, -HALF_TURN)
        _set(path, 2, 0.0, u)
        _set(path, 3, 1.0, -HALF_TURN)
        _set(path, 4, -1.0, v)
        return 5
    if t < 0.0 or u > 0.0 or v > 0.0:
        return 0
    _set(path, 0, 1.0, t)
    _set(path, 1, -1.0, -HALF_TURN)
    _set(path, 2, 0.0, u)
    _set(path, 3, last, v)
    return 4


@inlined
def _tau_omega(u, v, xi, eta, phi):  # type: ignore[no-untyped-def]
    delta = _wrapped(u - v)
    a, b = np.sin(u) - np.sin(delta), np.cos(u) - np.cos(delta) - 1.0
    t1 = np.arctan2(eta * a - xi * b, xi * a + eta * b)
    t2 = 2.0 * (np.cos(delta) - np.cos(v) - np.cos(u)) + 3.0
    tau = _wrapped(t1 + np.pi) if t2 < 0.0 else _wrapped(t1)
    return tau, _wrapped(tau - u + v - phi)


@inlined
def advance_on(x, y, heading, turn, length):  # type: ignore[no-untyped-def]
    """The pose after a segment."""
    if turn == 0.0:
        return x + length * np.cos(heading), y + length * np.sin(heading), heading
    after = heading + turn * length
    return (
        x + turn * (np.sin(after) - np.sin(heading)),
        y - turn * (np.cos(after) - np.cos(heading)),
        after,
    )


@kernel
def trace(path, count, step, points):  # type: ignore[no-untyped-def]
    """Write poses x, y, heading and direction (1 or −1) along a path from the origin, at most `step` radii apart.

    Returns:
        Number of poses, at most the number of rows of `points` (P, 4).
    """
    x, y, heading = 0.0, 0.0, 0.0
    written = 0
    for place in range(count):
        turn, length = path[place, 0], path[place, 1]
        parts = int(np.ceil(abs(length) / step - 1e-9))
        for _ in range(parts):
            if written == points.shape[0]:
                return written
            x, y, heading = advance_on(x, y, heading, turn, length / parts)
            points[written, 0], points[written, 1], points[written, 2] = x, y, heading
            points[written, 3] = 1.0 if length > 0.0 else -1.0
            written += 1
    return written
