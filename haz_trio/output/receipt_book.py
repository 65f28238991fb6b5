"""Writes down for whoever asks later why tasks of a run did not succeed."""

from __future__ import annotations

from haz_trio.model.names import TaskId
from haz_trio.output.receipts import Object, Receipts, ending
from haz_trio.plan.messages import Event, TaskOutput, TaskSettled, TryFailed
from haz_trio.plan.outcome import Completed


class ReceiptBook:
    """An observer of one run, which began at the unix time ``epoch``, in seconds.

    ``receipts`` has what is known of each task that did not succeed: ``run`` and ``at`` are the
    unix times of the run and of its end, all else is as in a ``task_end`` (docs/events.md).
    """

    def __init__(self, epoch: float, fail_fast: bool = False) -> None:
        self.receipts: dict[str, Object] = {}
        self.completed: list[str] = []
        self._epoch = epoch
        self._tries: dict[TaskId, int] = {}
        self._causes = Receipts(fail_fast)

    def notice(self, event: Event, at: float) -> None:
        if isinstance(event, TaskOutput):
            return
        self._causes.notice(event)
        match event:
            case TryFailed(task, _, number):
                self._tries[task] = number + 1
            case TaskSettled(task, Completed()):
                self.completed.append(str(task))
            case TaskSettled(task, outcome):
                receipt: Object = {
                    "run": round(self._epoch, 3),
                    "at": round(self._epoch + at, 3),
                    **ending(outcome),
                }
                if task in self._tries:
                    receipt["tries"] = self._tries[task]
                self.receipts[str(task)] = receipt | self._causes.of(task, outcome)
            case _:
                pass

    async def wait_ready(self) -> None:
        """Nothing here is slow."""
