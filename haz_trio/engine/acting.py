"""The action of a task: a program runs, or a function is called."""

from __future__ import annotations

from collections.abc import Callable

from haz_trio.abc import Command, Emit, Ending, RunCommand, Stop
from haz_trio.engine.jobs import Job
from haz_trio.engine.threads import Threads
from haz_trio.model.tasks import Function


async def act(
    job: Job,
    emit: Emit,
    *,
    stop: Stop,
    run_command: RunCommand,
    threads: Threads,
    note: Callable[[str], None],
) -> Ending:
    """Do what a job is there for, as a ``RunCommand`` does; raises ``TaskError``.

    ``note`` is told what people should know of it.
    """
    action = job.node.task.action
    command = Command(job.argv, job.cwd, job.env, str(job.id))
    if not isinstance(action, Function):
        return await run_command(command, emit, stop=stop)
    # Imported here: most workspaces have no functions.
    from haz_trio.engine.functions import call_function

    return await call_function(
        job,
        action,
        command,
        emit,
        stop=stop,
        run_command=run_command,
        threads=threads,
        note=note,
    )
