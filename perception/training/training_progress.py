"""Progress bar of a training: losses, speed and remaining time."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class TrainingProgress:
    """Progress bar of a training on standard error.

    Args:
        steps: number of steps of the training.
        done: number of steps done before, if it was resumed.
        visible: whether to show anything.
    """

    def __init__(self, steps: int, done: int, visible: bool) -> None:
        self.console = Console(stderr=True, quiet=not visible)
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]} validation {task.fields[validation]}"),
            TextColumn("{task.fields[speed]} images/s"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not visible,
        )
        self._task = self._bar.add_task(
            "", total=steps, completed=done, epoch=0, loss="-", validation="-", speed="-"
        )

    def __enter__(self) -> TrainingProgress:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def print(self, text: str) -> None:
        """Print a line above the bar."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def update(
        self,
        step: int,
        epoch: int,
        *,
        loss: float | None = None,
        validation: float | None = None,
        speed: float | None = None,
    ) -> None:
        """Advance to a step, and update the displayed values that are given."""
        shown = {"loss": loss, "validation": validation}
        fields = {name: f"{value:.4f}" for name, value in shown.items() if value is not None}
        if speed is not None:
            fields["speed"] = f"{speed:,.0f}"
        self._bar.update(self._task, completed=step, epoch=epoch, **fields)  # type: ignore[arg-type]
