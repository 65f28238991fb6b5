"""Warnings of ``haz check`` about single tasks: what is allowed, and rarely meant.

They cost more than a run should pay, so that ``build_graph`` does not look for them; races and
overlapping outputs are among ``TaskGraph.warnings`` already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from haz_trio.errors import Diagnostic, Severity
from haz_trio.graph.effective import Node
from haz_trio.graph.files import listed
from haz_trio.graph.folders import Folders
from haz_trio.graph.graph import TaskGraph
from haz_trio.graph.index import fixed_ends
from haz_trio.model.automata import intersects
from haz_trio.model.names import TaskId
from haz_trio.model.patterns import Anchored, below, join
from haz_trio.model.tasks import Argv, Function, Shell, Task
from haz_trio.model.workspace import Workspace
from haz_trio.values import frozen

# Whether a program is found without a PATH, that is in the directories of execution.md 5.3.
Finds = Callable[[str], bool]
PATH = "PATH"
_NOTHING = (Argv(("true",)), Shell("true"), Shell(":"))


@frozen
class _Finding:
    """What is odd about one task; ``message`` names the task, ``key`` says where in its body."""

    node: Node
    key: str
    message: str
    label: str
    help: str
    causes: tuple[str, ...] = ()


def lint(workspace: Workspace, graph: TaskGraph, finds: Finds) -> tuple[Diagnostic, ...]:
    """Warnings in canonical order of the tasks, within a task in the order of the functions here.

    ``finds`` is asked once for each program that a task without PATH names without a ``/``.
    What holds for several tasks with one body, that of an overlay, is told once.
    """
    linter = _Linter(workspace, graph, finds)
    alike: dict[tuple[int, str, str], list[_Finding]] = {}
    for node in graph.nodes.values():
        for finding in linter.look(node):
            kind = (id(node.task), finding.key, finding.label)
            alike.setdefault(kind, []).append(finding)
    return tuple(_diagnostic(findings) for findings in alike.values())


def _diagnostic(findings: list[_Finding]) -> Diagnostic:
    first = findings[0]
    task = first.node.task
    causes = list(first.causes)
    if len(findings) > 1:
        others = listed([f"`{finding.node.id}`" for finding in findings[1:]])
        causes.append(f"the same body is that of {others}")
    return Diagnostic(
        first.message,
        span=task.place(first.key) or task.place(first.key.partition("[")[0]),
        label=first.label,
        key_path=f"tasks.{task.name}.{first.key}",
        help=first.help,
        causes=tuple(causes),
        severity=Severity.WARNING,
    )


class _Linter:
    """Looks at one task after another, and keeps what was found out about names and patterns."""

    def __init__(self, workspace: Workspace, graph: TaskGraph, finds: Finds) -> None:
        self._workspace, self._graph, self._finds = workspace, graph, finds
        self._found: dict[str, bool] = {}
        self._folders = Folders(workspace)
        self._globs: dict[TaskId, tuple[Anchored, ...]] = {}
        self._ends: dict[str, tuple[bytes, bytes]] = {}
        self._met: dict[tuple[str, str], bool] = {}

    def look(self, node: Node) -> Iterator[_Finding]:
        if not isinstance(node.task.action, Function):
            yield from self._program_without_path(node)
            yield from self._program_unread(node)
        yield from self._outputs(node)
        yield from self._results_unread(node)

    # -- programs -----------------------------------------------------------------------------

    def _program_without_path(self, node: Node) -> Iterator[_Finding]:
        """Without a PATH a bare name is looked up in two directories only (config.md 18)."""
        program = node.task.action.argv[0]
        if "/" in program or PATH in node.task.env.names:
            return
        if program not in self._found:
            self._found[program] = self._finds(program)
        if not self._found[program]:
            yield _Finding(
                node,
                "command" if isinstance(node.task.action, Argv) else "shell",
                f"task `{node.id}` has no PATH, and without one its program `{program}` "
                "is not found (EXEC-009)",
                "looked up in /bin and /usr/bin only",
                "add PATH to `env.from_host`, or name the file of the program",
            )

    def _program_unread(self, node: Node) -> Iterator[_Finding]:
        """The cache does not see that a program of the workspace changes (cache.md B1.39)."""
        action = node.task.action
        if not isinstance(action, Argv) or "/" not in action.argv[0]:
            return
        path = workspace_path(self._workspace.root, node.project.root, action.argv[0])
        if path is not None and not any(pattern.matches(path) for pattern in node.inputs):
            yield _Finding(
                node,
                "command",
                f"the program of task `{node.id}` is the file `{path}`, which matches none of "
                "its inputs (CFG-016)",
                "a change of it goes unnoticed",
                f"add `{_shortest(path, node.project.root)}` to `inputs`",
                causes=("results made by an older version of the program count as valid",),
            )

    # -- outputs ------------------------------------------------------------------------------

    def _outputs(self, node: Node) -> Iterator[_Finding]:
        """Outputs among the files of other projects or among those of haz itself."""
        for place, (written, pattern) in enumerate(
            zip(node.task.outputs, node.outputs, strict=True)
        ):
            key = f"outputs[{place}]"
            # The loader has a warning of its own for the `haz.yml` beside a relative output.
            own = None if written.is_absolute else node.project
            file = self._folders.configuration_in(pattern, own)
            if file is not None:
                yield _Finding(
                    node,
                    key,
                    f"output `{written.text}` of task `{node.id}` takes in `{file}` (CFG-017)",
                    "takes in a file of the configuration",
                    "use a narrower pattern: restoring an output overwrites the file",
                )
                continue
            other = self._folders.stranger(pattern, node.project)
            if other is not None:
                yield _Finding(
                    node,
                    key,
                    f"output `{written.text}` of task `{node.id}` is among the files of "
                    f"project `{other.name}` in {other.root} (CFG-017)",
                    "belongs to another project",
                    f"make it in {node.project.root}, or let a task of `{other.name}` make it",
                )

    # -- dependencies -------------------------------------------------------------------------

    def _results_unread(self, node: Node) -> Iterator[_Finding]:
        """A dependency makes files that the task does not read (cache.md B1.63)."""
        if _does_nothing(node.task):
            return
        known = self._graph.producers[node.id]
        doubtful = sorted(set(self._graph.hard[node.id]).difference(known))
        read = [pattern for pattern in node.inputs if pattern.is_glob] if doubtful else []
        unread = [
            id
            for id in doubtful
            if self._graph.nodes[id].task.outputs
            and not any(self._meet(made, glob) for made in self._globs_of(id) for glob in read)
        ]
        if unread:
            names = listed([f"`{id}`" for id in unread])
            yield _Finding(
                node,
                "deps",
                f"task `{node.id}` depends on {names}, but no input of it matches what is made "
                "there (DAG-013)",
                "its inputs do not take in these outputs",
                "add the outputs to `inputs`, or use `weakDeps` if only the order matters",
                causes=("when those files change, the task still counts as done",),
            )

    def _globs_of(self, producer: TaskId) -> tuple[Anchored, ...]:
        """The output globs; a literal that is read makes a task one of the known producers."""
        if producer not in self._globs:
            outputs = self._graph.nodes[producer].outputs
            self._globs[producer] = tuple(pattern for pattern in outputs if pattern.is_glob)
        return self._globs[producer]

    def _meet(self, one: Anchored, other: Anchored) -> bool:
        """Whether some path matches two globs; their fixed ends settle most pairs."""
        (head, tail), (head2, tail2) = self._ends_of(one), self._ends_of(other)
        if not (head.startswith(head2) or head2.startswith(head)):
            return False
        if not (tail.endswith(tail2) or tail2.endswith(tail)):
            return False
        key = (one.text, other.text)
        if key not in self._met:
            assert one.glob is not None, "only globs are compared here"
            assert other.glob is not None, "only globs are compared here"
            self._met[key] = intersects(one.glob, other.glob)
        return self._met[key]

    def _ends_of(self, pattern: Anchored) -> tuple[bytes, bytes]:
        if pattern.text not in self._ends:
            self._ends[pattern.text] = fixed_ends(pattern)
        return self._ends[pattern.text]


def workspace_path(root: str, project: str, program: str) -> str | None:
    """The file that a command's program names, as a workspace path; ``None`` outside of it.

    ``root`` is the workspace on the host, ``project`` the folder in which the command runs.
    Nothing is looked at: a link on the way is taken for a folder.
    """
    if program.startswith("/"):
        host = _normal(program)
        base = root.rstrip("/")
        if host is None or not below(host, root) or host == root:
            return None
        return host[len(base) :]
    path = _normal(join(project, program))
    return None if path == "/" else path


def _normal(path: str) -> str | None:
    """An absolute path without ``.``, ``..`` and empty segments; ``None`` if it leaves ``/``."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if not kept:
                return None
            kept.pop()
        elif segment not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(kept)


def _shortest(path: str, folder: str) -> str:
    """How a pattern in a project's file names a workspace path."""
    inside = folder.rstrip("/") + "/"
    return path[len(inside) :] if path.startswith(inside) else path


def _does_nothing(task: Task) -> bool:
    """Whether a task only groups others: a result out of date does no harm to it."""
    return not task.inputs and not task.outputs and task.action in _NOTHING
