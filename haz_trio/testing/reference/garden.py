"""Many small tasks beside each other, each with everything that a key is made of.

A task reads the files of a folder of its own and two variables of its own, prints some of it, and
writes two kinds of outputs. What is done to one of them shows in it, or in those behind it, so
that one run answers as many questions as there are tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import attrs

from haz_trio.testing.reference.globs import anchored, matches
from haz_trio.testing.reference.history import (
    Effect,
    Step,
    Tree,
    below,
    folder_of,
    is_link,
    is_plain,
    link_to,
)
from haz_trio.testing.reference.json_values import Body, Json
from haz_trio.testing.reference.references import Id
from haz_trio.testing.reference.workspace import Declared
from haz_trio.testing.reference.world import Value

SPELLINGS: tuple[tuple[str, ...], ...] = (  # of the files in N; the first four mean the same
    ("in/N/*",),
    ("/P/in/N/*",),
    ("in/N/{*,q}",),
    ("in/N/*", "in/N/a*"),
    ("in/N/[a-z]*", "in/N/a"),
    (),
    ("in/N/**",),
)
NONE, DEEP = 5, 6  # the spellings that take no files, and those of folders as well
MUTEXES: dict[str, Json] = {
    "": None,
    "db": "db",
    "own": "~:db",
    "shared": {"name": "db", "mode": "shared"},
}
PERMISSIONS = (0o755, 0o750, 0o711, 0o705, 0o640)


@attrs.frozen
class Plot:
    """A task; its name is that of its files, and of its variables in capitals."""

    project: str
    name: str
    shape: str = "sh"  # "sh" and "bash" are shells; "argv" is a command with arguments
    salt: str = "s"
    args: tuple[str, ...] = ()
    spelling: int = 0
    hosts: tuple[str, ...] = ()  # which of V and W are taken from the host
    v: str | None = None  # overrides
    w: str | None = None
    declares: bool = True  # whether the one file is a declared output
    globbed: bool = False  # whether there is a copy of every input, and whether it is declared
    copies: str = "*"  # the pattern of the copies, all of which mean the same
    hollow: bool = False  # whether an empty folder is made and declared among the copies
    executable: bool = False
    link: bool = False  # whether there is a link to the one file, if that is declared
    talks: bool = False  # whether inputs are printed, on standard error
    mutex: str = ""
    deps: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    eats: bool = False  # whether outputs of those in deps are inputs

    @property
    def id(self) -> Id:
        return self.project, self.name

    def variable(self, letter: str) -> str:
        return f"{letter}_{self.name.upper()}"

    @property
    def permissions(self) -> int:
        """Of the one file, if it is made executable."""
        return PERMISSIONS[ord(self.name[0]) % len(PERMISSIONS)]

    @property
    def overrides(self) -> dict[str, str]:
        given = {"V": self.v, "W": self.w}
        return {self.variable(it): value for it, value in given.items() if value is not None}

    @property
    def linked(self) -> bool:
        """A link to what is no output of its task comes back as a file: that is left out."""
        return self.link and self.declares

    @property
    def outputs(self) -> list[str]:
        link = [f"ln/{self.name}/*"] * self.linked
        return (
            link
            + [f"out/{self.name}"] * self.declares
            + [f"gen/{self.name}/{'**' if self.hollow else self.copies}"] * self.globbed
        )


@attrs.frozen
class Garden:
    """The tasks by their keys, and what concerns all of them."""

    plots: Mapping[str, Plot]
    sources: Mapping[str, bytes]
    tag: bool = False
    cap: bool = False
    comment: str = ""
    buffered: bool = False
    rollback: bool = False  # whether a command that fails leaves its outputs as they were
    hash: str = "blake3"

    def turned(self, knob: str, value: Value) -> Garden:
        """The same with one knob turned: one of a task's is ``key.knob``, or ``every.knob``."""
        changes: Any  # the type of the value is that of the knob
        key, _, own = knob.rpartition(".")
        if key:
            changes = {own: value}
            turned = self.plots if key == "every" else {key} & self.plots.keys()
            plots = {k: attrs.evolve(self.plots[k], **changes) for k in turned}
            return attrs.evolve(self, plots={**self.plots, **plots})
        if knob == "twins":
            return attrs.evolve(self, plots={k: it for k, it in self.plots.items() if k != "u"})
        changes = {knob: value}
        return attrs.evolve(self, **changes)

    @property
    def watched(self) -> tuple[str, ...]:
        return "/*/out/*", "/*/gen/*/**"

    def declared(self) -> Declared:
        projects: dict[str, dict[str, Json]] = {"p": {}, "q": {}}
        for plot in self.plots.values():
            projects[plot.project][plot.name] = self._body(plot)
        settings: Body = {
            **({"execution": {"outputs": "rollback"}} if self.rollback else {}),
            "projects": ["/p", "/q"],
            "concurrency": {"default": 1, "tags": {"t": 1} if self.cap else {}},
            "cache": {"hash": self.hash},
            "output": {"mode": "buffered" if self.buffered else "live"},
        }
        return Declared(
            settings,
            {
                f"/{name}": {"name": name, "tags": ["t"] if self.tag else [], "tasks": tasks}
                for name, tasks in projects.items()
            },
        )

    def _body(self, plot: Plot) -> Body:
        deps = self._ids(plot.deps)
        body: Body = {
            "inputs": [*self._inputs(plot)],
            "outputs": [*plot.outputs],
            "deps": [":".join(id) for id in deps],
            "weakDeps": [":".join(id) for id in self._ids(plot.weak) if id not in deps],
            "env": {
                "from_host": [plot.variable(letter) for letter in plot.hosts],
                "override": {**plot.overrides},
            },
        }
        if plot.mutex:
            body["mutex"] = MUTEXES[plot.mutex]
        if plot.shape == "argv":
            return {**body, "command": [*_argv(plot)]}
        return {**body, "shell": script(plot), "shell_type": plot.shape}

    def _ids(self, keys: tuple[str, ...]) -> list[Id]:
        return [self.plots[key].id for key in keys if key in self.plots]

    def _inputs(self, plot: Plot) -> list[str]:
        own = SPELLINGS[plot.spelling]
        found = [it.replace("N", plot.name).replace("P", plot.project) for it in own]
        eaten = self._ids(plot.deps) if plot.eats else []
        return found + [f"/{project}/out/{name}" for project, name in eaten]

    def steps(self) -> dict[Id, Step]:
        found = {}
        for plot in self.plots.values():
            root = f"/{plot.project}"
            action = f"{plot.shape} {script(plot)}"
            found[plot.id] = Step(
                plot.id,
                root,
                repr(_argv(plot)) if plot.shape == "argv" else action,
                tuple(anchored(pattern, root) for pattern in self._inputs(plot)),
                tuple(f"{root}/{pattern}" for pattern in plot.outputs),
                tuple(plot.variable(letter) for letter in plot.hosts),
                plot.overrides,
                partial(_does, plot),
            )
        return found


def _argv(plot: Plot) -> tuple[str, ...]:
    return ("/bin/sh", "-c", script(plot), plot.name, *plot.args)


def script(plot: Plot) -> str:
    """Builtins of the shell as far as they go: a process is what costs time here."""
    name = plot.name
    said = f"{plot.salt} ${{{plot.variable('V')}-unset}} ${{{plot.variable('W')}-unset}}"
    copy = f'echo "$l" >"gen/{name}/${{f##*/}}"; ' if plot.globbed else ""
    hollow = f"gen/{name}/e"
    lines = [
        'echo "${PWD##*/}:' + name + '" >>../../outside/log; umask 022; all=',
        "[ -d out ] || /bin/mkdir out",
        f"for f in out/{name} {f'gen/{name}/*' * plot.globbed}; do "
        f'if [ -L "$f" ] || [ -d "$f" -a "$f" != {hollow} ]; then /bin/rm -r "$f"; fi; done',
        f'echo "{said} $# $*"',
        f"for f in in/{name}/*; do if [ -f $f ]; then l=; read -r l <$f || :; {copy}"
        'all="$all${f##*/}=$l,"; fi; done',
        f'echo "$all" >out/{name}',
    ]
    if plot.globbed:
        lines.insert(1, f"[ -d gen/{name} ] || /bin/mkdir -p gen/{name}")
    if plot.globbed and plot.hollow:
        lines.append(f"[ -d {hollow} ] || /bin/mkdir -m 700 {hollow}")
    if plot.linked:
        lines.append(f"[ -d ln/{name} ] || /bin/mkdir -p ln/{name}")
        lines.append(f"/bin/ln -sf ../../out/{name} ln/{name}/l")
    if plot.executable:
        lines.append(f"/bin/chmod {plot.permissions:o} out/{name}")
    if plot.talks:
        lines.append('echo "$all" >&2')
    return "\n".join([*lines, 'case "$all" in *!*) exit 3; esac'])


def _does(plot: Plot, files: Tree, environment: Mapping[str, str]) -> Effect:
    """What the script does."""
    root, name = f"/{plot.project}", plot.name
    v, w = (environment.get(plot.variable(letter), "unset") for letter in "VW")
    args = plot.args if plot.shape == "argv" else ()
    out = f"{plot.salt} {v} {w} {len(args)} {' '.join(args)}\n".encode()
    read = {
        path.rpartition("/")[2]: content.partition(b"\n")[0]
        for path, (content, _) in sorted(files.items())
        if matches(f"{root}/in/{name}/*", path)
    }
    everything = b"".join(f"{it}=".encode() + line + b"," for it, line in read.items()) + b"\n"
    made = {f"{root}/out/{name}": everything}
    if plot.globbed:
        made |= {f"{root}/gen/{name}/{it}": line + b"\n" for it, line in read.items()}
    gone = _in_the_way(plot, files)
    tree = {path: (content, _mode(files, path)) for path, content in made.items()}
    hollow = f"{root}/gen/{name}/e"
    if plot.globbed and plot.hollow and (hollow not in files or hollow in gone):
        tree[hollow] = folder_of(0o700)
    if plot.executable:
        tree[f"{root}/out/{name}"] = everything, plot.permissions
    if plot.linked:
        tree[f"{root}/ln/{name}/l"] = link_to(f"../../out/{name}")
    err = everything if plot.talks else b""
    return Effect(3 if b"!" in everything else 0, out, err, tree, gone)


def _in_the_way(plot: Plot, files: Tree) -> list[str]:
    """Links and folders that stand where the script writes files, with what is in these."""
    copies = f"/{plot.project}/gen/{plot.name}"
    found = []
    for path, file in files.items():
        above, _, name = path.rpartition("/")
        own = above == copies and plot.globbed and name[0] != "."
        if own or path == f"/{plot.project}/out/{plot.name}":
            is_folder = file[0] == b"/" and name != "e"
            found += [path] * (is_folder or is_link(file)) + below(path, files)
    return found


def _mode(files: Tree, path: str) -> int:
    """A file that is written again keeps its mode."""
    return files[path][1] if is_plain(files.get(path)) else 0o644
