"""What tasks make and read: producers, shared outputs, overlaps (CFG-017, DAG-013, 015, 016)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from haz_trio.errors import Diagnostic, Severity
from haz_trio.graph.effective import Node
from haz_trio.graph.index import Entry, PatternIndex, merged
from haz_trio.graph.references import without
from haz_trio.model.patterns import WORKSPACE_ROOT, below
from haz_trio.values import frozen, frozen_with

LISTED = 10
OWN_FOLDER = "/.haz"


@frozen_with(eq=False)
class Files:
    """The input and output patterns of all tasks, by task number."""

    inputs: PatternIndex
    outputs: PatternIndex

    def producers(self, size: int) -> list[tuple[int, ...]]:
        """For each of ``size`` tasks the tasks that make what it reads, ascending (DAG-013).

        A glob that makes and a glob that reads are never compared.
        A task that reads what it makes itself is not its own producer here.
        """
        makers: dict[int, list[Sequence[int]]] = {}
        for entry, made_by in self._made():
            for reader in entry.owners:
                makers.setdefault(reader, []).append(made_by)
        return [
            without(tuple(merged(makers[number])), number) if number in makers else ()
            for number in range(size)
        ]

    def _made(self) -> Iterator[tuple[Entry, Sequence[int]]]:
        """Input patterns with the numbers of the tasks that make something for them."""
        for entry in self.inputs.literals:
            owners = self.outputs.owners(entry.pattern.text)
            if owners:
                yield entry, owners
        makers: dict[int, tuple[Entry, list[Sequence[int]]]] = {}
        for output in self.outputs.literals:
            for entry in self.inputs.globs_matching(output.pattern.text):
                makers.setdefault(id(entry), (entry, []))[1].append(output.owners)
        for entry, groups in makers.values():
            yield entry, merged(groups)


def index_files(nodes: Sequence[Node]) -> Files:
    """Both indexes; the number of a task is its place in ``nodes``."""
    return Files(
        PatternIndex((number, node.inputs) for number, node in enumerate(nodes)),
        PatternIndex((number, node.outputs) for number, node in enumerate(nodes)),
    )


@frozen
class Passage:
    """How a file goes from one task to another: a pattern of each, one of them the path itself."""

    path: str
    output: int  # place in ``outputs`` of the task that makes it
    input: int  # place in ``inputs`` of the task that reads it


def passage(producer: Node, consumer: Node) -> Passage | None:
    """The first way in which ``producer`` makes what ``consumer`` reads (DAG-013)."""
    reads = PatternIndex((place, [pattern]) for place, pattern in enumerate(consumer.inputs))
    makes = PatternIndex((place, [pattern]) for place, pattern in enumerate(producer.outputs))
    for entry in makes.literals:
        readers = reads.owners(entry.pattern.text)
        if readers:
            return Passage(entry.pattern.text, entry.owners[0], readers[0])
    for entry in reads.literals:
        makers = makes.owners(entry.pattern.text)
        if makers:
            return Passage(entry.pattern.text, makers[0], entry.owners[0])
    return None


def trespasses(nodes: Sequence[Node]) -> list[Diagnostic]:
    """Relative outputs under the workspace's ``.haz/`` (CFG-017); files refuse absolute ones."""
    return [
        _trespass(node, place)
        for node in nodes
        if node.project.root == WORKSPACE_ROOT or below(node.project.root, OWN_FOLDER)
        for place, (written, made) in enumerate(zip(node.task.outputs, node.outputs, strict=True))
        if not written.is_absolute
        and below(made.prefix if made.is_glob else made.text, OWN_FOLDER)
    ]


def collisions(files: Files, nodes: Sequence[Node]) -> list[Diagnostic]:
    """Literal outputs that several tasks declare, by path (DAG-015)."""
    shared = [entry for entry in files.outputs.literals if len(entry.owners) > 1]
    return [_collision(entry, nodes) for entry in sorted(shared, key=lambda e: e.pattern.text)]


def overlaps(files: Files, nodes: Sequence[Node]) -> list[Diagnostic]:
    """Literal outputs that also match an output glob of another task, by path: warnings."""
    found: list[Diagnostic] = []
    for entry in sorted(files.outputs.literals, key=lambda e: e.pattern.text):
        groups = [glob.owners for glob in files.outputs.globs_matching(entry.pattern.text)]
        if groups:
            others = without(tuple(merged(groups)), entry.owners[0])
            if others:
                found.append(_overlap(entry, others, nodes))
    return found


def _trespass(node: Node, place: int) -> Diagnostic:
    written = node.task.outputs[place].text
    return Diagnostic(
        f"task `{node.id}`: the output `{written}` lies under `{OWN_FOLDER}/`, "
        "which belongs to haz",
        code="haz::cfg::017",
        span=node.task.place(f"outputs[{place}]"),
        label="here",
        key_path=f"tasks.{node.id.task}.outputs[{place}]",
        help="let the task write somewhere else",
    )


def _collision(entry: Entry, nodes: Sequence[Node]) -> Diagnostic:
    owners = [nodes[number] for number in entry.owners]
    places = [_output_place(node, entry.pattern.text) for node in owners[:LISTED]]
    return Diagnostic(
        f"literal output `{entry.pattern.text}` declared by {len(owners)} tasks (DAG-015)",
        span=owners[0].task.place(places[0]),
        label="one of its owners",
        key_path=f"tasks.{owners[0].id.task}.{places[0]}",
        causes=(f"the tasks are {listed([f'`{node.id}`' for node in owners])}",),
        help="let one task make the file, and the others depend on that task",
        related=tuple(
            Diagnostic(f"`{node.id}` declares it", span=node.task.place(place))
            for node, place in zip(owners, places, strict=False)
        ),
    )


def _overlap(entry: Entry, others: Sequence[int], nodes: Sequence[Node]) -> Diagnostic:
    owner = nodes[entry.owners[0]]
    place = _output_place(owner, entry.pattern.text)
    names = listed([f"`{nodes[number].id}`" for number in others])
    return Diagnostic(
        f"literal output `{entry.pattern.text}` of `{owner.id}` also matches output globs of "
        f"{names} (DAG-016)",
        span=owner.task.place(place),
        label="declared here",
        key_path=f"tasks.{owner.id.task}.{place}",
        causes=("a run fails when two tasks write one file (EXEC-020)",),
        help="narrow the globs so that the file has one owner",
        related=tuple(
            Diagnostic(
                f"`{nodes[number].id}` matches it",
                span=nodes[number].task.place(_output_place(nodes[number], entry.pattern.text)),
            )
            for number in others[:LISTED]
        ),
        severity=Severity.WARNING,
    )


def _output_place(node: Node, path: str) -> str:
    """The key of the first output that covers a path."""
    place = next(i for i, pattern in enumerate(node.outputs) if pattern.matches(path))
    return f"outputs[{place}]"


def listed(names: Sequence[str], limit: int = LISTED) -> str:
    """``a, b and c``; after ``limit`` names only how many more there are."""
    if len(names) > limit:
        return f"{', '.join(names[:limit])} and {len(names) - limit:,} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
