"""Function tasks: which function a job means, what a key knows of it, and how it is called."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FunctionType

from haz_trio.abc import Command, Emit, Ending, RunCommand, Stop
from haz_trio.engine.jobs import Job
from haz_trio.engine.threads import Threads, in_thread
from haz_trio.functions.calling import call, check_function, command_for, is_async
from haz_trio.functions.digest import parts_of
from haz_trio.functions.loading import load_function
from haz_trio.model.patterns import WORKSPACE_ROOT
from haz_trio.model.tasks import Called, Function


def called(job: Job, action: Function) -> Called:
    """What the key of a job has to know of its function.

    Executes its module, and so may block; raises ``TaskError``.
    """
    return Called(str(action), parts_of(_function(job, action)))


async def call_function(
    job: Job,
    action: Function,
    command: Command,
    emit: Emit,
    *,
    stop: Stop,
    run_command: RunCommand,
    threads: Threads,
    note: Callable[[str], None],
) -> Ending:
    """Do what a ``RunCommand`` does, with the function of a job; raises ``TaskError``.

    ``note`` is told what people should know of the call.
    """
    function = await in_thread(threads.looks, _function, job, action)
    if is_async(function):
        return await call(
            function, job.id, command, emit, stop=stop, run_command=run_command, note=note
        )
    file = _file(job) if action.given is None else _home(function)
    process = await in_thread(threads.looks, command_for, function, file, command)
    return await run_command(process, emit, stop=stop)


def _function(job: Job, action: Function) -> FunctionType:
    if action.given is not None:
        return check_function(action.given)
    return check_function(load_function(_file(job), action.name))


def _file(job: Job) -> str:
    """The path of the module on the host."""
    root = job.subject.root
    base = job.cwd if root == WORKSPACE_ROOT else job.cwd.removesuffix(root)
    return base.rstrip("/") + job.node.module


def _home(function: FunctionType) -> str:
    module = sys.modules.get(function.__module__)
    file: str = getattr(module, "__file__", None) or function.__code__.co_filename
    return file
