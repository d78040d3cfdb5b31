"""Where a trained policy lies: in a folder of its own, or in the run folder that it was trained in."""

from __future__ import annotations

from pathlib import Path

from camshaft.envs.errors import InvalidOption


def find_policy(given: str | Path, others: str = "") -> Path:
    """The folder of a policy.

    Args:
        given: that folder, or the run folder around it.
        others: what a command takes instead of a folder, for the message.

    Raises:
        InvalidOption: neither.
    """
    from camshaft.agents.imitation.cloning import POLICY_FOLDER
    from camshaft.perception.runs.model_folder import CONFIG_FILE

    for folder in (Path(given), Path(given) / POLICY_FOLDER):
        if (folder / CONFIG_FILE).exists():
            return folder
    raise InvalidOption(
        f"no policy at '{given}'. Accepted: a folder with {CONFIG_FILE}, such as one made by 'camshaft train cloning'"
        + (f"; {others}" if others else "")
    )
