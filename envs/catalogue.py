"""The table of tasks: one row each, from which Gymnasium's registry and the docs are made."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass, field
from typing import Any

import gymnasium

from camshaft.envs.errors import InvalidOption, check_choice


@dataclass(frozen=True)
class Task:
    """One row of the table.

    Attributes:
        id: Gymnasium id, with namespace and version.
        simulation: "module:class" of its Simulation, imported when first used.
        max_episode_steps: time limit in control steps.
        summary: what has to be done, in one line.
        tags: words to find it by; "goal" where it is a GoalEnv.
    """

    id: str
    simulation: str
    max_episode_steps: int
    summary: str
    tags: tuple[str, ...] = field(default=())

    def simulation_class(self) -> type[Any]:
        """The task's Simulation class."""
        module, name = self.simulation.split(":")
        return getattr(importlib.import_module(module), name)


TASKS = (
    Task(
        id="camshaft/LaneKeeping-v0",
        simulation="camshaft.envs.driving.tasks.lane_keeping:LaneKeeping",
        max_episode_steps=1200,
        summary="Steer a car along the right lane of a winding country road for a minute.",
        tags=("driving", "imitation"),
    ),
    Task(
        id="camshaft/Following-v0",
        simulation="camshaft.envs.driving.tasks.following:Following",
        max_episode_steps=1200,
        summary="Keep a distance behind a car, from camera alone.",
        tags=("driving", "imitation"),
    ),
    Task(
        id="camshaft/Racing-v0",
        simulation="camshaft.envs.driving.tasks.racing:Racing",
        max_episode_steps=1500,
        summary="Drive a lap of a race track as fast as possible, by steering and pedals.",
        tags=("driving",),
    ),
    Task(
        id="camshaft/Highway-v0",
        simulation="camshaft.envs.driving.tasks.highway:Highway",
        max_episode_steps=900,
        summary="Drive fast through traffic on a motorway.",
        tags=("driving", "traffic"),
    ),
    Task(
        id="camshaft/Town-v0",
        simulation="camshaft.envs.driving.tasks.town:Town",
        max_episode_steps=1500,
        summary="Follow a route through a town with lights, signs, other cars and people on foot.",
        tags=("driving", "traffic"),
    ),
    Task(
        id="camshaft/Parking-v0",
        simulation="camshaft.envs.driving.tasks.parking:Parking",
        max_episode_steps=600,
        summary="Bring a car to rest in a bay of a parking lot, the right way round.",
        tags=("driving", "goal"),
    ),
    Task(
        id="camshaft/Reach-v0",
        simulation="camshaft.envs.manipulation.tasks.reach:Reach",
        max_episode_steps=50,
        summary="Bring an arm's gripper to a ball.",
        tags=("manipulation", "goal"),
    ),
    Task(
        id="camshaft/Push-v0",
        simulation="camshaft.envs.manipulation.tasks.push:Push",
        max_episode_steps=50,
        summary="Push a cube to a place on the table.",
        tags=("manipulation", "goal"),
    ),
    Task(
        id="camshaft/Slide-v0",
        simulation="camshaft.envs.manipulation.tasks.slide:Slide",
        max_episode_steps=50,
        summary="Hit a puck so that it slides to a place out of reach.",
        tags=("manipulation", "goal"),
    ),
    Task(
        id="camshaft/PickAndPlace-v0",
        simulation="camshaft.envs.manipulation.tasks.pick_and_place:PickAndPlace",
        max_episode_steps=50,
        summary="Bring a cube to a place on the table or in the air.",
        tags=("manipulation", "goal"),
    ),
    Task(
        id="camshaft/Lift-v0",
        simulation="camshaft.envs.manipulation.tasks.lift:Lift",
        max_episode_steps=60,
        summary="Raise a cube off the table.",
        tags=("manipulation",),
    ),
    Task(
        id="camshaft/Stack-v0",
        simulation="camshaft.envs.manipulation.tasks.stack:Stack",
        max_episode_steps=100,
        summary="Put a cube on another.",
        tags=("manipulation",),
    ),
    Task(
        id="camshaft/Stack3-v0",
        simulation="camshaft.envs.manipulation.tasks.stack:Stack3",
        max_episode_steps=150,
        summary="Put three cubes on top of each other.",
        tags=("manipulation",),
    ),
    Task(
        id="camshaft/Button-v0",
        simulation="camshaft.envs.manipulation.tasks.button:Button",
        max_episode_steps=60,
        summary="Press a button on the table.",
        tags=("manipulation",),
    ),
    Task(
        id="camshaft/Drawer-v0",
        simulation="camshaft.envs.manipulation.tasks.drawer:Drawer",
        max_episode_steps=80,
        summary="Open a drawer that is closed, close one that is open.",
        tags=("manipulation",),
    ),
    Task(
        id="camshaft/Sort-v0",
        simulation="camshaft.envs.manipulation.tasks.sort:Sort",
        max_episode_steps=200,
        summary="Put each cube into the tray of its color.",
        tags=("manipulation",),
    ),
    Task(
        id="camshaft/PegInsertion-v0",
        simulation="camshaft.envs.manipulation.tasks.peg_insertion:PegInsertion",
        max_episode_steps=100,
        summary="Put a square peg into a square hole.",
        tags=("manipulation",),
    ),
    Task(
        id="camshaft/TidyUp-v0",
        simulation="camshaft.envs.manipulation.tasks.tidy_up:TidyUp",
        max_episode_steps=200,
        summary="Open a box and put two cubes into it.",
        tags=("manipulation",),
    ),
    Task(
        id="camshaft/GraspClutter-v0",
        simulation="camshaft.envs.manipulation.tasks.grasp_clutter:GraspClutter",
        max_episode_steps=100,
        summary="Lift any of several objects of irregular shape.",
        tags=("manipulation",),
    ),
)

TASK_IDS = tuple(task.id for task in TASKS)
SHORT_NAMES = {task.id.removeprefix("camshaft/").rpartition("-v")[0]: task.id for task in TASKS}


def find_task(task_id: str) -> Task:
    """The row of a task.

    Args:
        task_id: such as "camshaft/Push-v0", in short "Push" or "Push-v0".

    Raises:
        UnknownName: no such task; the message has the nearest one.
    """
    wanted = full_id(task_id)
    names = TASK_IDS if not isinstance(wanted, str) or "/" in wanted else SHORT_NAMES
    check_choice("task", wanted, names, "Run 'camshaft tasks' for the list.")
    return next(task for task in TASKS if task.id == wanted)


def full_id(name: str) -> str:
    """The id of the task that is called so in short; every other name as it is."""
    if not isinstance(name, str):
        return name
    bare = name.removeprefix("camshaft:")
    with_namespace = f"camshaft/{bare}"
    return SHORT_NAMES.get(bare, with_namespace if with_namespace in TASK_IDS else bare)


def make_simulation(task_id: str, num_worlds: int = 1, **options: Any) -> Any:
    """Build the Simulation of a task.

    Args:
        task_id: such as "camshaft/LaneKeeping-v0", in short "LaneKeeping".
        num_worlds: independent copies.
        options: see `camshaft.envs.simulation.Simulation` and the task's docstring.

    Raises:
        UnknownName: no such task or option.
        InvalidOption: an option has a value that is not accepted.
    """
    task = find_task(task_id)
    options.setdefault("max_episode_steps", task.max_episode_steps)
    simulation = task.simulation_class()
    accepted = simulation.option_names()
    for name in options:
        check_choice(f"option of {task.id}", name, accepted)
    if "config" in options:
        _check_config(task, simulation, options["config"])
    return simulation(num_worlds, **options)


def _check_config(task: Task, simulation: type[Any], config: Any) -> None:
    kind = type(inspect.signature(simulation).parameters["config"].default)
    if not isinstance(config, kind):
        raise InvalidOption(
            f"config of {task.id} must be a {kind.__module__}.{kind.__qualname__}, got {config!r}"
        )


def register_tasks() -> None:
    """Put every task into Gymnasium's registry."""
    for task in TASKS:
        if task.id in gymnasium.registry:
            continue
        gymnasium.register(
            id=task.id,
            entry_point="camshaft.envs.single:GoalTaskEnv"
            if "goal" in task.tags
            else "camshaft.envs.single:TaskEnv",
            vector_entry_point="camshaft.envs.vector:TaskVectorEnv",
            max_episode_steps=task.max_episode_steps,
            kwargs={"task_id": task.id},
        )
