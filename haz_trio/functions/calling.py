"""Calling a function as a task: on the loop if it is ``async def``, else in a process.

Both end as commands end (EXEC-014). A coroutine is asked by a cancellation, so that its
``finally`` runs; nobody can kill it, so it takes the time that it takes.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable
from types import FunctionType, TracebackType

import trio
import trio.lowlevel

from haz_trio.abc import Command, Emit, Ending, RunCommand, Stop
from haz_trio.errors import TaskError
from haz_trio.functions.context import TaskContext
from haz_trio.functions.digest import parts_of
from haz_trio.functions.loading import PREFIX
from haz_trio.functions.presses import was_pressed
from haz_trio.functions.served import wrong_result
from haz_trio.functions.speech import Speech
from haz_trio.model.names import TaskId, quote
from haz_trio.plan.messages import Stream
from haz_trio.plan.outcome import Exited
from haz_trio.values import evolve

PATIENCE = 0.5  # seconds for a function to end after its grace, before that is told
LAST_WORDS = 2.0  # seconds for what a function has said, after a stop
_FAILED = Exited(1)
_CHILD = (
    "import json, sys; spec = json.loads(sys.argv.pop()); sys.path[:] = spec['path']; "
    "from haz_trio.functions.served import serve; serve(spec)"
)


def is_async(function: Callable[..., object]) -> bool:
    """Whether a function runs on the loop."""
    return inspect.iscoroutinefunction(function)


def check_function(function: Callable[..., object]) -> FunctionType:
    """A function that can be a task; raises ``TaskError`` with the reason.

    One that is ``async def`` takes a ``TaskContext`` and nothing else that it needs, any other one
    takes nothing, and can be found by its name in a process of its own.
    """
    if not isinstance(function, FunctionType):
        raise TaskError(f"{function!r} is a {type(function).__name__}, not a function")
    name = function.__qualname__
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise TaskError(f"the function {quote(name)} is a generator: it must not yield")
    try:
        if is_async(function):
            inspect.signature(function).bind(None)
        else:
            inspect.signature(function).bind()
    except TypeError as problem:
        wanted = "one argument, a TaskContext" if is_async(function) else "no arguments"
        raise TaskError(f"the function {quote(name)} has to take {wanted}: {problem}") from None
    if not is_async(function) and "<locals>" in name:
        raise TaskError(
            f"the function {quote(name)} is made inside of another one, where a process "
            "of its own does not find it: define it at the top of its module, or with `async def`"
        )
    return function


@trio.lowlevel.enable_ki_protection  # a Ctrl-C is the program's: the function does not see it
async def call(
    function: FunctionType,
    id: TaskId,
    command: Command,
    emit: Emit,
    *,
    stop: Stop,
    run_command: RunCommand,
    note: Callable[[str], None],
) -> Ending:
    """Call an ``async def`` function and hand all that it says to ``emit``.

    ``command`` stands for its directory and its environment, ``run_command`` runs its programs.
    ``note`` is told for people when the function does not end although its grace is over.
    What it raises is said on its stderr, and its status is 1.
    """
    speech = Speech(emit)
    watching = trio.CancelScope()
    halted, status = True, Exited(0)
    async with trio.open_nursery() as nursery:  # outside of ``stop.ask``: for last words
        context = TaskContext(
            id, command.env, command.cwd, speech, run_command, nursery, stop.grace
        )
        nursery.start_soon(speech.run)
        nursery.start_soon(_watch, stop, context, watching, note)
        try:
            with stop.ask:
                status = await _call(function, context, speech, watching)
                await _catch_up()
                # Also if it returns: it may be half done.
                halted = stop.halted or stop.ask.cancel_called
                await speech.drain()
        # What is left of a cancellation that met a failure of the function.
        except BaseException as problem:
            if not _is_failure(problem):
                raise
            speech.add(Stream.STDERR, _told(problem))
        with trio.move_on_after(LAST_WORDS):
            await speech.drain()
        nursery.cancel_scope.cancel()
    return Ending(status, halted, context.leftovers)


async def _call(
    function: FunctionType, context: TaskContext, speech: Speech, watching: trio.CancelScope
) -> Exited:
    try:
        returned = await function(context)
    # Whatever a function raises is its failure, and has its traceback for a message.
    except BaseException as problem:
        if not _is_failure(problem):
            raise
        speech.add(Stream.STDERR, _told(problem))
        return _FAILED
    finally:
        watching.cancel()
    if returned is not None:
        speech.add(Stream.STDERR, wrong_result(function.__qualname__, returned).encode())
        return _FAILED
    return Exited(0)


def _is_failure(problem: BaseException) -> bool:
    """Whether it is the function's own; a Ctrl-C may meet a task that the function has started."""
    if isinstance(problem, BaseExceptionGroup):
        return all(map(_is_failure, problem.exceptions))
    return not isinstance(problem, trio.Cancelled) and not was_pressed(problem)


async def _catch_up() -> None:
    """Let a stop be heard that came while a function kept the loop from turning.

    Signals and threads leave it with the loop's token, a deadline or a task that listens to
    signals needs a turn, and so does who is cancelled by it.
    """
    heard = trio.Event()
    # Last of all that has been left there: what is idempotent comes behind what is not.
    trio.lowlevel.current_trio_token().run_sync_soon(heard.set, idempotent=True)
    with trio.CancelScope(shield=True):  # the loop's next turn ends it
        await heard.wait()
    for _ in range(2):
        await trio.lowlevel.cancel_shielded_checkpoint()


async def _watch(
    stop: Stop, context: TaskContext, watching: trio.CancelScope, note: Callable[[str], None]
) -> None:
    """When the grace is over, after a stop or the task's time, end what can be ended."""
    with watching:
        with stop.tell:
            await trio.sleep_until(stop.ask.deadline + stop.grace)
        context.hurry()
        await trio.sleep(PATIENCE)
        note(
            "does not end, and a function cannot be killed: it shields or swallows the "
            "cancellation, or waits for a thread; the third Ctrl-C ends haz all the same"
        )


def command_for(function: FunctionType, file: str, command: Command) -> Command:
    """The command that calls a synchronous function in a process; it is checked to be the same.

    ``file`` is its module's file.  Blocks as ``parts_of`` does.
    """
    home = function.__module__
    by_file = home == "__main__" or home.startswith(PREFIX)
    spec = {
        "path": [os.path.abspath(folder) for folder in sys.path],
        "module": "" if by_file else home,
        "file": file,
        "name": function.__qualname__,
        "parts": {name: digest.hex() for name, digest in parts_of(function)},
    }
    argv = (sys.executable, "-P", "-c", _CHILD, json.dumps(spec))
    return evolve(command, argv=argv)


def _told(problem: BaseException) -> bytes:
    """The traceback from the function on, without who called it."""
    inner: TracebackType | None = problem.__traceback__
    while inner is not None and inner.tb_frame.f_code.co_filename == __file__:
        inner = inner.tb_next
    lines = traceback.format_exception(type(problem), problem, inner)
    return "".join(lines).encode("utf-8", "backslashreplace")
