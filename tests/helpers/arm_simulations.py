"""Simulations of arms that tests share."""

from camshaft import envs

ARM_TASKS = [task.id for task in envs.TASKS if "manipulation" in task.tags]


def make(task, worlds=1, seed=0, **options):
    simulation = envs.make_simulation(task, worlds, **{"obs_mode": "state", **options})
    simulation.reset(seeds=list(range(seed, seed + worlds)))
    return simulation
