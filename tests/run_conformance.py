"""Run the black-box conformance suite against this installation; arguments go to pytest.

With ``--damage`` first, headers of state files are damaged before each command of the suite
(``tests/damaging.py``), and the answers must be the same.
The suite is the folder that CONFORMANCE names, by default ../shared/conformance.
Under CI its absence is a failure; elsewhere it is said in a line, and that is all.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path


def main() -> int:
    top = Path(__file__).resolve().parents[1]
    suite = Path(os.environ.get("CONFORMANCE", top.parent / "shared" / "conformance"))
    if not (suite / "support.py").is_file():
        print(f"conformance: no suite at {suite}; set CONFORMANCE", file=sys.stderr)
        return 1 if os.environ.get("CI") else 0
    words, haz = sys.argv[1:], [str(Path(sys.executable).with_name("haz"))]
    if words[:1] == ["--damage"]:
        words, haz = words[1:], [sys.executable, str(top / "tests" / "damaging.py")]
    environment = {**os.environ, "HAZ": shlex.join(haz), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-n", "2", str(suite), *words]
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
