"""Call the compiled ``stats`` program and give its answer as numbers."""

import pathlib
import subprocess

PROGRAM = pathlib.Path(__file__).parents[2] / "stats" / "out" / "stats"


def describe(values: list[float]) -> dict[str, float]:
    """Count, mean, variance and square of the count of some numbers."""
    text = "\n".join(map(str, values))
    done = subprocess.run([PROGRAM], input=text, capture_output=True, text=True, check=True)
    return {name: float(value) for name, value in map(str.split, done.stdout.splitlines())}
