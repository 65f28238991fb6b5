"""Synthetic workspaces on disk: sources that are the same for every runner, then its dialect."""

from __future__ import annotations

import os
import random

from benchmarks.dialects import DIALECTS, write
from benchmarks.sizes import MIB, SEED, Project, Size, projects_of

LAYERS = 5
FANOUT = 3


def generate(root: str, size: Size, dialect: str) -> None:
    """Write a workspace below ``root``, which must not exist, in the language of one runner.

    The same size gives the same bytes. Folders for outputs are made too: ``cat`` makes none.
    """
    os.makedirs(root)
    projects = projects_of(size)
    dice = random.Random(SEED)
    for project in projects:
        write_sources(root, project, size, dice)
    DIALECTS[dialect](root, projects)


def write_sources(root: str, project: Project, size: Size, dice: random.Random) -> None:
    """A project's sources, of the sizes that the workspace's size says."""
    os.makedirs(f"{root}/{project.name}/out")
    folders = {os.path.dirname(source) for source in project.sources}
    for folder in sorted(folders):
        os.makedirs(f"{root}/{project.name}/{folder}")
    for source in project.sources:
        path = f"{root}/{project.name}/{source}"
        if source.endswith("big.bin"):
            with open(path, "wb") as file:
                for _ in range(size.big // MIB):
                    file.write(dice.randbytes(MIB))
        elif source.endswith("loud.txt"):
            line = dice.randbytes(31).hex().encode() + b" \n"
            with open(path, "wb") as file:
                file.write(line * (size.loud // len(line)))
        else:
            with open(path, "wb", buffering=0) as raw:
                raw.write(dice.randbytes(size.bytes // 2).hex().encode())


def make_workspace(root: str, projects: int, *, files: int = 10, size: int = 512) -> None:
    """Write a workspace of ``projects`` × 3 tasks below ``root``, ``files`` sources each.

    A project's ``build`` reads its sources and the outputs of up to three builds of the layer
    below, ``test`` reads the build's output, ``package`` needs the test.
    """
    names = [f"p{number:05}" for number in range(projects)]
    write(root, ".haz/workspace.yml", "projects: ['/p*']\nconcurrency: {default: 2}\n")
    per_layer = -(-projects // LAYERS)
    for number, name in enumerate(names):
        layer = number // per_layer
        below = range(max(0, (layer - 1) * per_layer), layer * per_layer)
        picks = (names[below[(number * 7 + k) % len(below)]] for k in range(FANOUT * bool(below)))
        write(root, f"{name}/haz.yml", _project(name, sorted(set(picks))))
        for source in range(files):
            write(root, f"{name}/src/f{source}.txt", f"{name} {source} ".ljust(size, "."))


def _project(name: str, deps: list[str]) -> str:
    references = ", ".join(f"{dep}:build" for dep in deps)
    inputs = "".join(f", /{dep}/out/build.txt" for dep in deps)
    return f"""name: {name}
tasks:
  build:
    shell: mkdir -p out && cat src/f0.txt > out/build.txt
    inputs: ["src/**"{inputs}]
    outputs: [out/build.txt]
    deps: [{references}]
    env: {{from_host: [PATH]}}
  test:
    shell: cat out/build.txt > out/test.txt
    inputs: [out/build.txt]
    outputs: [out/test.txt]
    deps: ["~:build"]
    env: {{from_host: [PATH]}}
  package:
    shell: cat out/test.txt > out/package.txt
    inputs: [out/test.txt]
    outputs: [out/package.txt]
    deps: ["~:test"]
    env: {{from_host: [PATH]}}
"""
