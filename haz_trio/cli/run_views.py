"""Who watches a run: the console with its renderer, and the writer of ``--summary``."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from haz_trio.cli.options import RootOptions, RunOptions
from haz_trio.cli.run_choices import RunChoices
from haz_trio.cli.session import Session, current_directory
from haz_trio.cli.values import Annotations
from haz_trio.errors import HazError
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import OutputMode
from haz_trio.output.renderers import RENDERERS, Narrator
from haz_trio.output.terminal import look_at_screen
from haz_trio.output.writes import Renderer, Target

if TYPE_CHECKING:
    from haz_trio.engine.looker import WhyMissed
    from haz_trio.output.annotations import Place
    from haz_trio.output.events import Encoder


def make_renderer(
    root: RootOptions,
    options: RunOptions,
    choices: RunChoices,
    session: Session,
    encoder: Callable[[], Encoder],
) -> Renderer:
    """What turns events into bytes, as the options and the workspace want it."""
    screen = look_at_screen(root.color, os.environ)
    mode = options.output_mode or session.workspace.settings.output_mode
    renderer: Renderer
    if choices.json:
        # Imported here and below: an ordinary run is shown to people alone (cli.md 14.5).
        from haz_trio.output.events import JsonRenderer

        renderer = JsonRenderer(encoder(), Narrator(screen.stderr, choices.explain, root.quiet))
    else:
        renderer = RENDERERS[mode](screen, choices.explain, root.quiet)
        if terminals := [target for target in Target if os.isatty(target)]:
            # Imported here: what goes into a pipe or a file stays as it is.
            from haz_trio.output.harmless import Harmless

            renderer = Harmless(renderer, terminals)
    if not annotates(choices.annotations, os.environ):
        return renderer
    from haz_trio.output.annotations import Annotated

    folded = mode is OutputMode.BUFFERED and not choices.json
    return Annotated(renderer, _places(session), folded=folded)


def encoder_for(
    session: Session,
    graph: TaskGraph,
    tasks: Collection[TaskId],
    slots: int,
    epoch: float,
    *,
    fail_fast: bool,
) -> Encoder:
    """A new encoder for a run that begins at ``epoch``, unix time in seconds."""
    from haz_trio.output.events import Encoder

    locks = {}
    for id in tasks:
        _, mutex = graph.traits(id)
        if mutex is not None:
            locks[id] = mutex.lock(id.project)
    return Encoder(epoch, slots, session.workspace.settings.tag_caps, locks, fail_fast)


@contextmanager
def reasons_for(choices: RunChoices, session: Session) -> Iterator[WhyMissed | None]:
    """What tells the reasons of misses, if anybody wants to know them."""
    if not (choices.explain or choices.json or choices.events is not None):
        yield None
        return
    # Imported here: an ordinary run does not look at earlier results (cli.md 14.5).
    from haz_trio.engine.reasons import open_reasons

    with open_reasons(session.workspace) as why_missed:
        yield why_missed


def annotates(choice: Annotations, environment: Mapping[str, str]) -> bool:
    """Whether failures are marked: on demand, or where GitHub runs us."""
    match choice:
        case Annotations.AUTO:
            return environment.get("GITHUB_ACTIONS") == "true"
        case Annotations.GITHUB:
            return True
        case Annotations.NONE:
            return False


def _places(session: Session) -> dict[TaskId, Place]:
    """Where the tasks are declared, relative to the checkout that GitHub knows."""
    base = os.environ.get("GITHUB_WORKSPACE") or session.workspace.root
    from haz_trio.output.annotations import Place

    places = {}
    for id, node in session.graph.nodes.items():
        span = node.task.place("") or node.project.place
        if span is not None:
            file = os.path.relpath(span.path, os.path.realpath(base))
            places[id] = Place(file, span.line)
    return places


def summary_path(root: RootOptions, choices: RunChoices) -> str | None:
    """The host path of ``--summary``; raises ``HazError`` when no file can be made there."""
    if choices.summary is None:
        return None
    path = os.path.join(current_directory(root), choices.summary)
    if os.path.isdir(path) or not os.path.isdir(os.path.dirname(path)):
        raise HazError(f"--summary: no file can be written at {path}; its folder must exist")
    if isinstance(choices.events, str):
        events = os.path.realpath(os.path.join(current_directory(root), choices.events))
        # A device or a FIFO takes both.
        if events == os.path.realpath(path) and (os.path.isfile(path) or not os.path.exists(path)):
            raise HazError(f"--summary and --events both name {path}; write them to two files")
    return path


def write_whole(path: str, data: bytes) -> None:
    """Write a file all at once: readers see the old bytes or the new ones; raises ``OSError``.

    Of a link the target is written; a device or a FIFO is written into and stays what it is.
    """
    import tempfile

    if os.path.exists(path) and not os.path.isfile(path):
        # A FIFO that nobody reads is refused: nobody would come to the end of a run for it.
        fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        os.set_blocking(fd, True)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        return
    path = os.path.realpath(path)
    fd, temporary = tempfile.mkstemp(prefix=".haz-", dir=os.path.dirname(path))
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            mask = os.umask(0)
            os.umask(mask)
            os.fchmod(file.fileno(), 0o666 & ~mask)
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)
        raise
