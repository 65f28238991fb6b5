"""Synthetic workspaces for the benchmarks: layered projects of three tasks each."""

from __future__ import annotations

import os

LAYERS = 5
FANOUT = 3


def make_workspace(root: str, projects: int, *, files: int = 10, size: int = 512) -> None:
    """Write a workspace of ``projects`` × 3 tasks below ``root``, ``files`` sources each.

    A project's ``build`` reads its sources and the outputs of up to three builds of the layer
    below, ``test`` reads the build's output, ``package`` needs the test.
    """
    names = [f"p{number:05}" for number in range(projects)]
    _write(root, ".haz/workspace.yml", "projects: ['/p*']\nconcurrency: {default: 2}\n")
    per_layer = -(-projects // LAYERS)
    for number, name in enumerate(names):
        layer = number // per_layer
        below = range(max(0, (layer - 1) * per_layer), layer * per_layer)
        picks = (names[below[(number * 7 + k) % len(below)]] for k in range(FANOUT * bool(below)))
        _write(root, f"{name}/haz.yml", _project(name, sorted(set(picks))))
        for source in range(files):
            _write(root, f"{name}/src/f{source}.txt", f"{name} {source} ".ljust(size, "."))


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


def _write(root: str, relative: str, text: str) -> None:
    path = os.path.join(root, relative)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
