"""Finding a policy by what a person names: a folder, a scripted policy, `module:name`, or an agent's zip file."""

from __future__ import annotations

from pathlib import Path

from camshaft.agents.policies import vision  # noqa: F401  registers its kind
from camshaft.agents.policies.base import Policy
from camshaft.agents.policies.outside import import_policy
from camshaft.agents.policies.registry import KINDS
from camshaft.agents.policies.scripted import SCRIPTED_POLICIES
from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.perception.runs.model_folder import CONFIG_FILE, read_config

POLICY_FOLDER = "policy"  # within a run folder
ACCEPTED = (
    f"a folder with {CONFIG_FILE}, such as one made by 'camshaft train cloning'; {', '.join(SCRIPTED_POLICIES)}; "
    "module:name for one of your own; an agent.zip of Stable-Baselines3 with --unpickle"
)


def load_policy(folder: str | Path) -> Policy:
    """Read a policy from its folder, or from the run folder around it. Nothing is unpickled.

    Raises:
        InvalidOption: there is no policy, or one of an earlier version of Camshaft.
        UnknownName: it is of a kind or a model that this version does not have.
        CorruptFile: a file is missing, truncated, altered, or of another architecture.
    """
    place = find_policy(folder)
    config = read_config(place, "policy", ())
    if "kind" not in config:
        raise InvalidOption(
            f"{place} holds a policy of an earlier version of Camshaft, without a kind: train it again"
        )
    kind = check_choice("kind of policy", config["kind"], KINDS, f"{place / CONFIG_FILE} names it.")
    policy = KINDS[kind].load(place)
    resolved = place.resolve()
    policy.name = resolved.parent.name if resolved.name == POLICY_FOLDER else resolved.name
    return policy


def find_policy(given: str | Path) -> Path:
    """The folder of a policy: that folder, or the run folder around it.

    Raises:
        InvalidOption: there is none.
    """
    for folder in (Path(given), Path(given) / POLICY_FOLDER):
        if (folder / CONFIG_FILE).exists():
            return folder
    raise InvalidOption(f"no policy at '{given}'. Accepted: {ACCEPTED}")


def resolve_policy(given: str, unpickle: bool = False) -> Policy:
    """A policy by whatever a command line calls it.

    Args:
        given: a folder, the name of a scripted policy, "module:name", or the path of an agent's zip file.
        unpickle: accept a zip file, whose reading runs code that it holds.

    Raises:
        InvalidOption: it is none of these, or a zip file without `unpickle`.
    """
    if given in SCRIPTED_POLICIES:
        return SCRIPTED_POLICIES[given]()
    path = Path(given)
    if path.suffix == ".zip":
        if not unpickle:
            raise InvalidOption(
                f"reading {given} unpickles it, which runs code that it holds: add --unpickle if you trust it"
            )
        from camshaft.agents.policies.sb3 import SB3Policy  # some seconds, so only for those who use it

        return SB3Policy.load(path)
    if ":" in given and not path.exists():
        return import_policy(given)
    return load_policy(path)
