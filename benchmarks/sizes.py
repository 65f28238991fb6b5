"""What the benchmarks build: sizes, and the projects and tasks of each; no files here.

A task's command is one ``cat`` of a source or of the output before it, whatever the runner, so
that what is measured is the runner.
"""

from __future__ import annotations

import enum
import functools
import random

import attrs

CHAIN = ("build", "test", "package")
SEED = 1
MIB = 2**20


class Shape(enum.Enum):
    """How tasks depend on each other, and whether inputs are a glob or named one by one.

    LAYERS: build → test → package, and ``build`` needs builds of the layer before; a glob.
    WIDE: no task waits. CHAIN: each waits for the one before. MUTEX: one exclusive mutex for all.
    The last three name their input, so that they measure scheduling and not globs.
    """

    LAYERS = "layers"
    WIDE = "wide"
    CHAIN = "chain"
    MUTEX = "mutex"


@attrs.frozen
class Size:
    """A workspace in numbers.

    ``bytes`` is the size of one source, ``big`` and ``loud`` of one more per project: ``big`` is
    only read, ``loud`` is what every task of the project prints.
    With ``spread`` the sources stand in folders of that many.
    """

    projects: int
    files: int
    bytes: int
    tasks: int = 3
    layers: int = 5
    fanout: int = 3
    shape: Shape = Shape.LAYERS
    big: int = 0
    loud: int = 0
    spread: int = 0

    @property
    def task_count(self) -> int:
        return self.projects * self.tasks

    @property
    def task_names(self) -> tuple[str, ...]:
        if self.shape is Shape.LAYERS:
            return CHAIN[: self.tasks]
        return tuple(f"t{number:04}" for number in range(self.tasks))

    @property
    def goals(self) -> tuple[str, ...]:
        """The task names to ask for so that everything runs."""
        linked = self.shape in (Shape.LAYERS, Shape.CHAIN)
        return self.task_names[-1:] if linked else self.task_names


SIZES = {
    "tiny": Size(projects=1, files=1, bytes=64, tasks=1, layers=1),
    "small": Size(projects=10, files=10, bytes=4096),
    "medium": Size(projects=100, files=30, bytes=4096),
    "large": Size(projects=1000, files=30, bytes=4096),
    # The third step of the slope (1.2 GiB of sources).
    "huge": Size(projects=10_000, files=30, bytes=4096),
    "big": Size(projects=10, files=1, bytes=4096, big=100 * MIB),
    "wide": Size(projects=50, files=1, bytes=64, tasks=100, shape=Shape.WIDE),
    "chain": Size(projects=1, files=1, bytes=64, tasks=1000, shape=Shape.CHAIN),
    "mutex": Size(projects=10, files=1, bytes=64, tasks=100, shape=Shape.MUTEX),
    "glob-heavy": Size(projects=1, files=50_000, bytes=256, layers=1, spread=100),
    "output-heavy": Size(projects=10, files=1, bytes=4096, loud=MIB),
}


@attrs.frozen
class Task:
    """``command`` runs in the project's folder under ``sh -c``; ``output`` is relative to it."""

    project: str
    name: str
    command: str
    output: str
    after: tuple[str, ...]

    @property
    def id(self) -> str:
        return f"{self.project}:{self.name}"

    @property
    def path(self) -> str:
        """The output, from the workspace's root."""
        return f"{self.project}/{self.output}"


@attrs.frozen
class Project:
    """``sources`` are relative to the project's folder; the first is what the tasks copy."""

    name: str
    deps: tuple[str, ...]
    sources: tuple[str, ...]
    tasks: tuple[Task, ...]
    shape: Shape

    @property
    def literal(self) -> bool:
        return self.shape is not Shape.LAYERS

    def patterns(self, glob: str = "src/**") -> tuple[str, ...]:
        """The input patterns of its tasks, in a dialect that writes the glob like this."""
        return self.sources if self.literal else (glob,)


@functools.cache
def projects_of(size: Size) -> tuple[Project, ...]:
    """The projects of a size, the same every time."""
    pick = random.Random(SEED)
    width = -(-size.projects // size.layers)
    names = [f"p{number:05}" for number in range(size.projects)]
    sources = _sources(size)
    projects = []
    for number, name in enumerate(names):
        layer = number // width
        below = names[(layer - 1) * width : layer * width] if layer else []
        deps: tuple[str, ...] = ()
        if size.shape is Shape.LAYERS:
            deps = tuple(sorted(pick.sample(below, min(size.fanout, len(below)))))
        tasks = tuple(_tasks(size, name, deps, sources[0]))
        projects.append(Project(name, deps, sources, tasks, size.shape))
    return tuple(projects)


def _sources(size: Size) -> tuple[str, ...]:
    names = []
    for number in range(size.files):
        folder = f"src/d{number // size.spread:04}" if size.spread else "src"
        names.append(f"{folder}/f{number:05}.txt")
    return (*names, *["src/big.bin"] * bool(size.big), *["src/loud.txt"] * bool(size.loud))


def _tasks(size: Size, project: str, deps: tuple[str, ...], source: str) -> list[Task]:
    tasks: list[Task] = []
    for name in size.task_names:
        before = tasks[-1] if tasks and size.shape in (Shape.LAYERS, Shape.CHAIN) else None
        command = f"cat {before.output if before else source} > out/{name}.txt"
        if size.loud:
            command += " && cat src/loud.txt"
        after = (before.id,) if before else tuple(f"{dep}:build" for dep in deps)
        tasks.append(Task(project, name, command, f"out/{name}.txt", after))
    return tasks
