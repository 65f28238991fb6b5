"""How a command line says by its exit code what came of it (execution.md 9)."""

from __future__ import annotations

EXIT_SUCCESS = 0
EXIT_TASK_FAILURE = 1
EXIT_CONFIGURATION = 2
