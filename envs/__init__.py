"""Camshaft's environments: tasks seen through cameras, registered with Gymnasium on import."""

from envs.catalogue import TASK_IDS, TASKS, find_task, make_simulation, register_tasks

register_tasks()

__all__ = ["TASKS", "TASK_IDS", "find_task", "make_simulation"]
