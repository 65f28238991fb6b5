"""Turn Lua 5.4.9 into a haz workspace: one task for each translation unit, a link and a test.

    python -m tests.published.lua_project TARGET_FOLDER

The sources are those of the crate ``lua-src`` 551.1.0, fetched with cargo, or of the folder that
LUA_SOURCE names (32 ``.c`` files).
Each compile task lists exactly the headers that ``cc -MM`` finds for its unit.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = "5.4.9"
CRATE = "=551.1.0"
FLAGS = ["-std=gnu99", "-O2", "-Wall", "-DLUA_USE_POSIX"]

MAIN = """\
#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    lua_State *state = luaL_newstate();
    luaL_openlibs(state);
    if (argc != 2 || luaL_dofile(state, argv[1])) {
        fprintf(stderr, "%s\\n", argc == 2 ? lua_tostring(state, -1) : "usage: lua FILE");
        return 1;
    }
    lua_close(state);
    return 0;
}
"""

CHECK = """\
local words = {}
for word in ("the quick brown fox"):gmatch("%a+") do words[#words + 1] = word:upper() end
assert(table.concat(words, " ") == "THE QUICK BROWN FOX")
assert(string.format("%.3f", math.sin(1)) == "0.841")
assert(select("#", coroutine.wrap(function(...) return ... end)(1, 2, 3)) == 3)
print(_VERSION .. " passes")
"""


def fetch() -> Path:
    """A folder with the sources of Lua; raises ``LookupError`` when they cannot be had."""
    if named := os.environ.get("LUA_SOURCE"):
        return Path(named)
    if shutil.which("cargo") is None:
        raise LookupError("neither LUA_SOURCE nor cargo is there to get Lua from")
    place = Path(tempfile.mkdtemp(prefix="haz-lua-"))
    (place / "lib.rs").touch()
    (place / "Cargo.toml").write_text(
        '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n'
        f'[lib]\npath = "lib.rs"\n[dependencies]\nlua-src = "{CRATE}"\n'
    )
    done = subprocess.run(
        ["cargo", "vendor", "-q", "vendor"], cwd=place, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise LookupError(f"cargo cannot fetch lua-src {CRATE}: {done.stderr.strip()}")
    return place / "vendor" / "lua-src" / f"lua-{VERSION}"


def make_workspace(source: Path, root: Path) -> list[str]:
    """Write the workspace below ``root``; the names of its translation units."""
    project = root / "lua"
    shutil.copytree(source, project / "src")
    (project / "src" / "main.c").write_text(MAIN)
    (project / "check.lua").write_text(CHECK)
    (project / "out").mkdir()
    units = sorted(path.stem for path in (project / "src").glob("*.c"))
    tasks: dict[str, object] = {unit: compile_task(project, unit) for unit in units}
    objects = [f"out/{unit}.o" for unit in units]
    environment = {"from_host": ["PATH"]}
    tasks["link"] = {
        "command": link_command(units),
        "inputs": objects,
        "outputs": ["out/lua"],
        "deps": [f"~:{unit}" for unit in units],
        "env": environment,
    }
    tasks["test"] = {
        "command": ["out/lua", "check.lua"],
        "inputs": ["out/lua", "check.lua"],
        "deps": ["~:link"],
        "env": environment,
    }
    (root / ".haz").mkdir()
    (root / ".haz" / "workspace.yml").write_text("projects: [/lua]\n")
    # JSON is YAML.
    (project / "haz.yml").write_text(json.dumps({"name": "lua", "tasks": tasks}, indent=1))
    return units


def compile_command(unit: str) -> list[str]:
    return ["cc", *FLAGS, "-c", f"src/{unit}.c", "-o", f"out/{unit}.o"]


def link_command(units: list[str]) -> list[str]:
    return ["cc", "-o", "out/lua", *(f"out/{unit}.o" for unit in units), "-lm", "-ldl"]


def compile_task(project: Path, unit: str) -> dict[str, object]:
    done = subprocess.run(
        ["cc", *FLAGS, "-MM", f"src/{unit}.c"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    )
    files = done.stdout.partition(":")[2].replace("\\\n", " ").split()
    return {
        "command": compile_command(unit),
        "inputs": sorted(set(files)),
        "outputs": [f"out/{unit}.o"],
        "env": {"from_host": ["PATH"]},
    }


def build_plainly(source: Path, folder: Path) -> bytes:
    """The program as a shell script would build it, with the same words in the same layout."""
    shutil.copytree(source, folder / "src")
    (folder / "src" / "main.c").write_text(MAIN)
    (folder / "out").mkdir()
    units = sorted(path.stem for path in (folder / "src").glob("*.c"))
    for unit in units:
        subprocess.run(compile_command(unit), cwd=folder, check=True)
    subprocess.run(link_command(units), cwd=folder, check=True)
    return (folder / "out" / "lua").read_bytes()


if __name__ == "__main__":
    print(*make_workspace(fetch(), Path(sys.argv[1])))
