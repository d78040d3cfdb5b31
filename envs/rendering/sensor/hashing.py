"""Counter-based random numbers: hashes of a key and a counter, independent of the order of sampling.

64-bit keys come from the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
generators", 2014). A key and a 32-bit counter give 32 random bits through a two-round multiply-xorshift hash with the
constants of C. Wellons' hash prospector; it compiles to vector instructions.
"""

from __future__ import annotations

import numpy as np

from camshaft.envs.kernels import inlined

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
S16, S15, S8, BYTE = np.uint32(16), np.uint32(15), np.uint32(8), np.uint32(255)
ROUND_ONE, ROUND_TWO = np.uint32(0x21F0AAAD), np.uint32(0x735A2D97)

# The sum of four bytes has mean 510; this odd cubic polynomial of it has the variance and kurtosis of a Gaussian.
LINEAR, CUBIC = np.float32(6.421040612805983e-3), np.float32(5.773954283329854e-9)


@inlined
def make_key(seed, frame, stream):  # type: ignore[no-untyped-def]
    """64-bit key from the seed of an episode, a frame number and a stream number."""
    key = _mix(np.uint64(seed) + GOLDEN)
    key = _mix((key ^ np.uint64(frame)) + GOLDEN)
    return _mix((key ^ np.uint64(stream)) + GOLDEN)


@inlined
def random_bits(counter, key):  # type: ignore[no-untyped-def]
    """32 random bits as uint32."""
    bits = np.uint32(np.uint32(counter) + np.uint32(key))
    bits = np.uint32(np.uint32(bits ^ np.uint32(bits >> S16)) * ROUND_ONE)
    # Keys that differ in their upper half only have different sequences too.
    bits = np.uint32(bits ^ np.uint32(key >> np.uint64(32)))
    bits = np.uint32(np.uint32(bits ^ np.uint32(bits >> S15)) * ROUND_TWO)
    return np.uint32(bits ^ np.uint32(bits >> S15))


@inlined
def uniform(counter, key):  # type: ignore[no-untyped-def]
    """A float32 in [0, 1)."""
    return np.float32(np.int32(random_bits(counter, key) >> S8)) * np.float32(2.0**-24)


@inlined
def gaussian(counter, key):  # type: ignore[no-untyped-def]
    """An approximately Gaussian float32: mean 0, variance 1, kurtosis 3, within ±4.05."""
    bits = random_bits(counter, key)
    low = np.int32(bits & BYTE) + np.int32(np.uint32(bits >> S8) & BYTE)
    high = np.int32(np.uint32(bits >> S16) & BYTE) + np.int32(np.uint32(bits >> np.uint32(24)))
    centered = np.float32(np.int32(low + high)) - np.float32(510.0)
    return centered * (LINEAR + CUBIC * centered * centered)


@inlined
def _mix(key):  # type: ignore[no-untyped-def]
    key = (key ^ (key >> np.uint64(30))) * FIRST
    key = (key ^ (key >> np.uint64(27))) * SECOND
    return key ^ (key >> np.uint64(31))
