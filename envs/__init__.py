"""Camshaft's environments: tasks seen through cameras, registered with Gymnasium on import."""

from camshaft.envs.catalogue import TASK_IDS, TASKS, find_task, make_simulation, register_tasks

register_tasks()

__all__ = ["TASKS", "TASK_IDS", "find_task", "make_simulation"]

if __name__ == "envs":  # found on the path as a folder of the checkout
    from camshaft.aliases import alias

    alias(__name__)
