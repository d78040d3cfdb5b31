"""Compilation is announced once and kept; work is spread over threads and survives a fork."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from camshaft.envs import kernels
from camshaft.envs.errors import InvalidOption
from camshaft.envs.kernels import check_num_threads, kernel_sources, run_chunks

CODE = """
import numpy as np
from camshaft.envs.driving.dynamics.vehicle import steering_for_curvature, VehicleParameters
print(steering_for_curvature(0.01, 10.0, VehicleParameters().as_row()))
print(steering_for_curvature(0.02, 10.0, VehicleParameters().as_row()))
"""


def run(cache):
    environment = os.environ | {"CAMSHAFT_CACHE": str(cache)}
    return subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=120, check=True, env=environment
    )


@pytest.mark.slow
def test_compilation_is_announced_once_and_never_repeated(tmp_path):
    first, second = run(tmp_path), run(tmp_path)
    assert first.stderr.count("compiling kernels") == 1
    assert str(tmp_path) in first.stderr
    assert second.stderr == ""
    assert first.stdout == second.stdout
    assert list(tmp_path.rglob("*.nbi"))


def test_kernels_are_compiled_again_when_a_constant_that_they_take_changes():
    envs = Path(kernels.__file__).parent
    sources = {str(path.relative_to(envs)) for path in kernel_sources(envs / "driving")}
    assert {
        "driving/dynamics/vehicle.py",
        "driving/traffic/kinds.py",
        "driving/road_network/elements.py",
    } <= sources
    assert "driving/tasks/town.py" not in sources  # no kernel depends on it


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_chunks_cover_everything_once(count, threads):
    seen = np.zeros(count, int)

    def work(start, stop, step):
        seen[start:stop] += step

    run_chunks(work, count, threads, 3)
    assert (seen == 3).all()


@pytest.mark.parametrize("bad", [0, 3])
def test_an_error_in_any_chunk_is_raised(bad):
    def work(start, stop):
        if start <= bad < stop:
            raise ValueError(f"chunk of {bad}")

    with pytest.raises(ValueError, match=f"chunk of {bad}"):
        run_chunks(work, 4, 2)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Python's own, of forking with threads
def test_a_forked_child_makes_threads_of_its_own():
    seen = np.zeros(4, int)

    def work(start, stop):
        seen[start:stop] += 1

    run_chunks(work, 4, 2)
    child = os.fork()
    if child == 0:
        run_chunks(work, 4, 2)
        os._exit(0 if (seen == 2).all() else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("given", [0, -2, 1.5, True, "2"])
def test_a_wrong_number_of_threads_is_named(given):
    with pytest.raises(InvalidOption, match="num_threads must be a whole number of at least 1"):
        check_num_threads(given, 4)
