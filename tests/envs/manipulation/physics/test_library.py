"""The PyBullet library is loaded without a word on stdout, and what is printed around it is kept."""

from __future__ import annotations

import subprocess
import sys


def test_the_library_prints_nothing() -> None:
    code = (
        "import gymnasium, camshaft; print('before');"
        "env = gymnasium.make('camshaft/Reach-v0', obs_mode='state'); env.reset(seed=0); print('after')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "before\nafter\n"
