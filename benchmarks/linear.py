"""Cost per task of loading, graph, plan and look-up at 1, 2 and 4 times a size.

    python -m benchmarks.linear [--short] [--projects N] [--work DIR]

Prints operations (calls of Python functions, which do not depend on the machine) and
milliseconds per phase, and the growth per task between the sizes.
The exit code is 1 when the operations per task grow by more than a seventh from one size to the
next: then something is quadratic.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable

from benchmarks.workspaces import make_workspace
from haz_trio.abc import Found, Restored
from haz_trio.cache.inputs import InputReader
from haz_trio.cache.store import DiskStore
from haz_trio.config.load import load_workspace
from haz_trio.engine.jobs import job_for, known_edges, planned_tasks
from haz_trio.engine.keys import Keys
from haz_trio.graph.build import build_graph
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import Workspace
from haz_trio.plan.machine import Limits, Plan
from haz_trio.plan.messages import Decision, Event, Hit, Look, Upstream
from haz_trio.plan.outcome import Record
from haz_trio.process.environment import host_environment

# A heap costs the logarithm of its size; a square would double the cost with every size.
TOLERANCE = 1.15
SHORT, LONG = 30, 200


def plan_all_hits(graph: TaskGraph) -> int:
    """Drive a plan in which every look is a hit; how many looks there were."""
    plan = Plan(
        planned_tasks(graph, graph.nodes),
        Limits(2, {}),
        consumers=graph.consumers_of,
        edges=known_edges(graph, graph.nodes),
    )
    looks = 0
    pending: deque[Decision | Event] = deque(plan.start())
    while pending:
        message = pending.popleft()
        if isinstance(message, Look):
            looks += 1
            outputs = tuple(
                pattern.anchored(graph.nodes[message.task].project.root).text
                for pattern in graph.nodes[message.task].task.outputs
            )
            record = Record("0" * 64, bytes(32), bytes(32), outputs)
            pending += plan.feed(Hit(message.task, record))
    assert plan.finished
    return looks


def look_up_all(workspace: Workspace, graph: TaskGraph) -> int:
    """Key, look up and restore every task in dependency order; how many were hits."""
    host = host_environment()
    reader = InputReader(workspace.root, workspace.settings.hash)
    keys = Keys(reader, workspace.settings.hash, host, graph.producers_of)
    store = DiskStore(workspace.root, workspace.settings.hash, created_at=int(time.time()))
    streams: dict[TaskId, Upstream] = {}
    hits = 0
    for id in topological(graph):
        job = job_for(graph.nodes[id], workspace, host)
        upstream = tuple(streams[before] for before in graph.hard[id])
        key = keys.derive(job, upstream, check=lambda: None)
        found = store.look(key.key, job.subject)
        assert isinstance(found, Found), (id, found)
        restored = store.restore(found, job.subject)
        assert isinstance(restored, Restored), (id, restored)
        streams[id] = Upstream(id, restored.stdout, restored.stderr)
        hits += 1
    return hits


def topological(graph: TaskGraph) -> list[TaskId]:
    order: list[TaskId] = []
    unmet = {id: len(before) for id, before in graph.hard.items()}
    after: dict[TaskId, list[TaskId]] = {id: [] for id in graph.nodes}
    for id, before in graph.hard.items():
        for other in before:
            after[other].append(id)
    ready = [id for id, count in unmet.items() if not count]
    while ready:
        id = ready.pop()
        order.append(id)
        for follower in after[id]:
            unmet[follower] -= 1
            if not unmet[follower]:
                ready.append(follower)
    return order


def measure(work: Callable[[], object]) -> tuple[int, float]:
    """Calls of Python functions in one run, and the best of three runs in seconds."""
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    profile = cProfile.Profile()
    profile.runcall(work)
    return pstats.Stats(profile).total_calls, best  # type: ignore[attr-defined]  # typeshed omits it


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="small sizes, for CI")
    parser.add_argument("--projects", type=int, default=LONG, help="projects at size 1")
    parser.add_argument("--work", help="folder to work in, e.g. /dev/shm")
    arguments = parser.parse_args()
    base = SHORT if arguments.short else arguments.projects
    return 0 if run(base=base, work=arguments.work) else 1


def run(*, base: int, work: str | None) -> bool:
    """Measure at ``base`` projects and at 2 and 4 times as many; is it flat?"""
    rows: dict[str, list[tuple[int, int, float]]] = {}
    for factor in (1, 2, 4):
        root = tempfile.mkdtemp(prefix="haz-linear-", dir=work)
        try:
            make_workspace(root, base * factor)
            command = [sys.executable, "-m", "haz_trio", "run", "--workspace"]
            subprocess.run(command, cwd=root, check=True, capture_output=True)
            workspace = load_workspace(root)
            graph = build_graph(workspace)
            tasks = len(graph.nodes)
            phases: dict[str, Callable[[], object]] = {
                "loading": lambda root=root: load_workspace(root),  # type: ignore[misc]  # bound now
                "graph": lambda w=workspace: build_graph(w),  # type: ignore[misc]  # bound now
                "plan": lambda g=graph: plan_all_hits(g),  # type: ignore[misc]  # bound now
                "look-up": lambda w=workspace, g=graph: look_up_all(w, g),  # type: ignore[misc]  # bound now
            }
            for name, phase in phases.items():
                rows.setdefault(name, []).append((tasks, *measure(phase)))
        finally:
            shutil.rmtree(root)
    return report(rows)


def report(rows: dict[str, list[tuple[int, int, float]]]) -> bool:
    """Print the table; False when operations per task grow from size to size."""
    heads = f"{'tasks':>6} {'operations':>11} {'per task':>9} {'ms':>8} {'µs/task':>8}"
    print(f"{'phase':<9} {heads} growth")
    worst = 0.0
    for name, sizes in rows.items():
        before = None
        for tasks, calls, seconds in sizes:
            per_task = calls / tasks
            growth = per_task / before if before else 1.0
            worst = max(worst, growth)
            print(
                f"{name:<9} {tasks:>6} {calls:>11} {per_task:>9.1f} {seconds * 1e3:>8.1f} "
                f"{seconds * 1e6 / tasks:>8.1f} {growth:>6.2f}"
            )
            before = per_task
    flat = worst <= TOLERANCE
    print(f"largest growth of operations per task: {worst:.2f} ({'flat' if flat else 'NOT FLAT'})")
    return flat


if __name__ == "__main__":
    sys.exit(main())
