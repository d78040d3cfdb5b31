"""Traffic lights: states of signal groups over time."""

from __future__ import annotations

from camshaft.envs.kernels import inlined, kernel

RED, RED_YELLOW, GREEN, YELLOW = range(4)
YELLOW_SECONDS, RED_YELLOW_SECONDS = 3.0, 1.0


@inlined
def signal_state(group, time):  # type: ignore[no-untyped-def]
    """State of a group (cycle, start of green, duration of green, offset; seconds)."""
    phase = (time + group[3] - group[1]) % group[0]
    if phase < group[2]:
        return GREEN
    if phase < group[2] + YELLOW_SECONDS:
        return YELLOW
    if phase >= group[0] - RED_YELLOW_SECONDS:
        return RED_YELLOW
    return RED


@inlined
def seconds_to_green(group, time):  # type: ignore[no-untyped-def]
    """Seconds until a group turns green; 0 while it is green."""
    phase = (time + group[3] - group[1]) % group[0]
    return 0.0 if phase < group[2] else group[0] - phase


@kernel
def show_signals(counts, signals, times, states):  # type: ignore[no-untyped-def]
    """Write (N, S) states of all signal groups of all worlds at (N,) seconds."""
    for world in range(signals.shape[0]):
        for group in range(counts[world, 2]):
            states[world, group] = signal_state(signals[world, group], times[world])
