"""A workspace on disk whose tasks are run one after the other by a store and ``subprocess``.

What it leaves in the cache is what a run leaves; there is no trio in it.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import count
from pathlib import Path

import attrs

from haz_trio.abc import Found, Restored, Stored
from haz_trio.cache.inputs import InputReader
from haz_trio.cache.recipe import readable
from haz_trio.cache.store import DiskStore
from haz_trio.config.load import load_workspace
from haz_trio.engine.comparison import Comparison, compare
from haz_trio.engine.explain import Explanation, explain
from haz_trio.engine.jobs import job_for
from haz_trio.engine.keys import Keys
from haz_trio.graph.build import build_graph
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import Workspace
from haz_trio.plan.messages import Stream, Upstream

_SECONDS: Iterator[int] = count(1000)


def task_id(text: str) -> TaskId:
    project, _, task = text.partition(":")
    return TaskId(project, task)


@attrs.define
class Bench:
    """A workspace folder; ``host`` is the environment that runs and explanations see."""

    root: Path
    host: dict[str, str] = attrs.field(factory=lambda: {"HOME": "/home/one"})

    @property
    def cache(self) -> Path:
        return self.root / ".haz" / "cache"

    def entry(self, key: str) -> Path:
        return self.cache / key[:2] / key

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def config(self, projects: Mapping[str, Mapping[str, object]], **settings: object) -> None:
        """Write the workspace and its projects, by folder; JSON is YAML."""
        folders = [f"/{folder}" for folder in projects]
        self.write(".haz/workspace.yml", json.dumps({"projects": folders, **settings}))
        for folder, body in projects.items():
            name = folder.rpartition("/")[2]
            self.write(f"{folder}/haz.yml", json.dumps({"name": name, **body}))

    def load(self) -> tuple[Workspace, TaskGraph]:
        workspace = load_workspace(str(self.root))
        return workspace, build_graph(workspace)

    def explain(self, task: str) -> Explanation:
        workspace, graph = self.load()
        return explain(workspace, graph, task_id(task), host=self.host)

    def compare(self, task: str) -> tuple[Comparison, ...]:
        workspace, graph = self.load()
        explanation = explain(workspace, graph, task_id(task), host=self.host)
        return compare(workspace, explanation)

    def run(self, *tasks: str) -> dict[str, str]:
        """Run tasks behind what they need: ``hit`` or ``ran`` for each, in that order."""
        workspace, graph = self.load()
        hash_name = workspace.settings.hash
        store = DiskStore(workspace.root, hash_name, created_at=next(_SECONDS))
        keys = Keys(InputReader(workspace.root, hash_name), hash_name, self.host, _nobody)
        streams: dict[TaskId, Upstream] = {}
        done: dict[str, str] = {}
        ahead = list(graph.closure(map(task_id, tasks)))
        while ahead:
            id = next(id for id in ahead if all(b in streams for b in graph.hard[id]))
            ahead.remove(id)
            job = job_for(graph.nodes[id], workspace, self.host)
            key = keys.derive(job, tuple(streams[b] for b in graph.hard[id]), check=_go_on)
            found = store.look(key.key, job.subject)
            if isinstance(found, Found):
                restored = store.restore(found, job.subject)
                assert isinstance(restored, Restored)
                streams[id], done[str(id)] = Upstream(id, restored.stdout, restored.stderr), "hit"
                continue
            pending = store.begin(key.key, job.subject, partial(readable, key.recipe))
            ended = subprocess.run(
                job.argv, cwd=job.cwd, env=dict(job.env), capture_output=True, check=True
            )
            pending.write(Stream.STDOUT, ended.stdout)
            pending.write(Stream.STDERR, ended.stderr)
            result = pending.collect()
            assert pending.commit(foreign=frozenset(), duration=0.1) == Stored()
            streams[id], done[str(id)] = Upstream(id, result.stdout, result.stderr), "ran"
        store.finish()
        return done


def sh(script: str, **fields: object) -> dict[str, object]:
    """A task that runs a script of the shell."""
    return {"command": ["/bin/sh", "-c", script], **fields}


def snapshot(root: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Everything below a folder: mode, inode, time of change, content."""
    found: dict[str, tuple[int, int, int, bytes]] = {}
    for folder, names, files in os.walk(root):
        for name in [".", *names, *files]:
            path = Path(folder, name)
            info = path.lstat()
            content = path.read_bytes() if stat.S_ISREG(info.st_mode) else b""
            row = (info.st_mode, info.st_ino, info.st_ctime_ns, content)
            found[str(path.relative_to(root))] = row
    return found


def _nobody(path: str) -> tuple[TaskId, ...]:
    return ()


def _go_on() -> None:
    pass
