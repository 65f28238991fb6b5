"""What a task is known by: its inputs read, its recipe composed, its key (cache.md C2)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from haz_trio.cache.fingerprint import Fingerprints
from haz_trio.cache.inputs import InputReader, InputsSeen
from haz_trio.cache.recipe import Recipe, key_of
from haz_trio.engine.jobs import Job
from haz_trio.errors import InputError
from haz_trio.model.names import TaskId
from haz_trio.model.tasks import Called, Function, Keyable
from haz_trio.model.workspace import HashName
from haz_trio.plan.messages import Upstream
from haz_trio.values import frozen

# What a predecessor that is left out of a run contributes: no stream has this digest.
_NOT_RUN = bytes(32)


@frozen
class Key:
    """A derived key (64 hexadecimal digits) and what it was derived from."""

    key: str
    recipe: Recipe
    inputs: InputsSeen


class Keys:
    """Derives keys of one run; ``producers`` names the tasks whose outputs match a path.

    Without ``imports`` no code of the workspace is executed (decisions.md 23), and a key says of a
    function only its name: nothing is stored under such a key.
    ``known`` are tasks of which it needs not be said that they make a missing input.
    """

    def __init__(
        self,
        reader: InputReader,
        hash_name: HashName,
        host: Mapping[str, str],
        producers: Callable[[str], tuple[TaskId, ...]],
        known: Collection[TaskId] = (),
        imports: bool = True,
    ) -> None:
        self._reader, self._hash_name, self._host = reader, hash_name, host
        self._producers, self._known, self._imports = producers, known, imports

    @property
    def fingerprints(self) -> Fingerprints:
        """What the run knows of files."""
        return self._reader.fingerprints

    def rest(self) -> None:
        """A run is over: hold no more of files than their digests."""
        self._reader.rest()

    def derive(
        self, job: Job, upstream: tuple[Upstream, ...], *, check: Callable[[], None]
    ) -> Key:
        """Read the inputs and compose the key.

        Raises ``InputError``, and ``TaskError`` for a function that cannot be digested.
        Blocks; ``check`` is called between files and may raise to give up.
        """
        try:
            inputs = self._reader.read(job.inputs, check=check)
        except InputError as problem:
            raise InputError(f"{problem}{self._hint(job, upstream, problem.missing)}") from problem
        recipe = Recipe.of(
            hash_name=self._hash_name,
            root=job.subject.root,
            action=self._keyable(job),
            outputs=job.subject.outputs,
            inputs=inputs.files,
            upstream=(*upstream, *(Upstream(id, _NOT_RUN, _NOT_RUN) for id in job.absent)),
            env=job.node.task.env,
            host=self._host,
        )
        return Key(key_of(recipe), recipe, inputs)

    def _keyable(self, job: Job) -> Keyable:
        action = job.node.task.action
        if not isinstance(action, Function):
            return action
        if not self._imports:
            return Called(str(action))
        # Imported here: most workspaces have no functions.
        from haz_trio.engine.functions import called

        return called(job, action)

    def settle(self) -> None:
        """A run begins: nothing of it writes yet."""
        self._reader.settle()

    def disturb(self) -> None:
        """Files of the workspace are about to change, by a command or a restore of the run."""
        self._reader.disturb()

    def ended(self) -> None:
        """Something has ended for which a task may have waited."""
        self._reader.ended()

    def changed(self, inputs: InputsSeen, job: Job, *, check: Callable[[], None]) -> str | None:
        """The first input that is no longer what the key was derived from (execution.md 5.7).

        Blocks; ``check`` is called between files and may raise to give up.
        """
        return self._reader.changed(inputs, job.subject.outputs, check=check)

    def notes(self) -> tuple[str, ...]:
        """Remarks on inputs that could not be named."""
        return self._reader.notes()

    def _hint(self, job: Job, upstream: tuple[Upstream, ...], missing: str) -> str:
        """Who makes the file that is missing, and what to do about it."""
        if not missing:
            return ""
        makers = [id for id in self._producers(missing) if id != job.id]
        if not makers:
            return "; no other task makes it: create it, or correct `inputs`"
        producers = [id for id in makers if id not in self._known]
        if not producers:
            return ""
        first = next((each.task for each in upstream if each.task in producers), None)
        if first is not None:
            return f"; {first} declares it as an output, but has not made it"
        return f"; {producers[0]} makes it: add {str(producers[0])!r} to `deps`"
