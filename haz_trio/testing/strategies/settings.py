"""Settings of ``workspace.yml`` in the spellings of YAML, at the limits of what they may be."""

from __future__ import annotations

import attrs
from hypothesis import strategies as st

OVER = 2**64
TOP = str(OVER - 1)
# What is a unit, and how much of it is too much, differs by these (CFG-034, CFG-035).
UNITS = (
    *(("m", 60), ("h", 3600), ("d", 86400), ("w", 604800)),
    *(("KB", 10**3), ("MB", 10**6), ("GB", 10**9), ("TB", 10**12)),
    *(("KiB", 2**10), ("MiB", 2**20), ("GiB", 2**30), ("TiB", 2**40)),
)


@attrs.frozen
class Setting:
    """The path of a setting, its rule, and texts of YAML: right ones, then wrong ones."""

    path: tuple[str, ...]
    rule: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]


SETTINGS = (
    Setting(
        ("cache", "hash"),
        "CFG-027",
        ("blake3", "sha256", '"sha256"', "~", "", "nUlL", "!!str blake3"),
        (
            *("'~'", '"NULL"', "nul", "md5", "BLAKE3", '""', "sha-256", "[blake3]", "{}"),
            *("sha256x", "xxh3_128", "1"),
        ),
    ),
    Setting(
        ("cache", "clean", "max_age"),
        "CFG-034",
        (
            *("0s", "1d", "1w2d3h4m5s", "5s4m", "12h7d", "007d", f"{TOP}s", "Null", '"2w"'),
            *(f"{(OVER - 1) // seconds}{unit}" for unit, seconds in UNITS[:4]),
        ),
        (
            *("90", '""', "1d1d", "1.5h", "1y", "-1d", "1d 2h", "d", "1D", f"{OVER}s", "1dd"),
            *(f"{(OVER - 1) // seconds + 1}{unit}" for unit, seconds in UNITS[:4]),
            *(f"{TOP}s1m", "+1d", "1M", "1é", "[1d]", "1d,2h", "s1"),
        ),
    ),
    Setting(
        ("cache", "clean", "max_size"),
        "CFG-035",
        (
            *("0", "1024", "5B", TOP, "007", '"5"', "NULL"),
            *(f"{(OVER - 1) // size}{unit}" for unit, size in UNITS[4:]),
        ),
        (
            *("5gb", "5K", "5 GB", "-1", "1.5GB", '""', "GB", f"{OVER}", "5kB", "5Kib"),
            *("5PB", "+5", "5b", "5GiBB", "0x10", "[5]"),
            *(f"{(OVER - 1) // size + 1}{unit}" for unit, size in UNITS[4:]),
        ),
    ),
    Setting(
        ("concurrency", "default"),
        "CFG-028",
        ("auto", '"auto"', "1", "8", "0x10", "0o17", "0b11", "1_000", "+3", "010", TOP, "null"),
        (
            *("0", '"4"', "-1", "1.5", "Auto", "true", "0x", "1__0", '""', f"{OVER}"),
            *("[1]", "0x0"),
            *("1_", "'1'", "!!str 4", "0o8", "one"),
        ),
    ),
    Setting(
        ("concurrency", "tags", "t"),
        "CFG-029",
        ("1", '"2"', "0x2", "010", "+1", TOP, "1_0"),
        ("0", "auto", "-1", "1.5", '""', "true", f"{OVER}", "[1]", "0b2"),
    ),
    Setting(
        ("output", "mode"),
        "CFG-030",
        ("live", "buffered", '"live"', "~", "NULL", "!!null x", "!!str null"),
        ("'null'", "Live", '""', "off", "[live]", "LIVE", "livebuffered"),
    ),
    Setting(
        ("execution", "cancel_grace"),
        "CFG-031",
        ("0", "2.5", '"5"', ".5", "5.", "1e3", "-0.0", "+1", "1.8e19", "NuLL", "1E-3"),
        (
            *("-1", ".nan", "nan", ".inf", "inf", "-.inf", "5s", "1_0", "1.9e19", "0x1", '""'),
            *("-.5", "1e400", "1 2", "[1]", "e3", ".", "1,5"),
        ),
    ),
)


@attrs.frozen
class Settings:
    """Of several workspaces what is set, in YAML, by the numbers of settings."""

    workspaces: tuple[dict[int, str], ...]


@st.composite
def settings(draw: st.DrawFn) -> Settings:
    """Every other value of each setting; a workspace has one of each as long as there are some."""
    rows: list[dict[int, str]] = []
    for number, setting in enumerate(SETTINGS):
        chosen = [value for value in (*setting.right, *setting.wrong) if draw(st.booleans())]
        for place, value in enumerate(chosen):
            if place == len(rows):
                rows.append({})
            rows[place][number] = value
    return Settings(tuple(rows))


def lines_of(values: dict[int, str]) -> tuple[list[str], dict[int, str]]:
    """The lines of a file, and the rules that are broken, by the numbers of lines."""
    lines = ["projects: []"]
    wrong: dict[int, str] = {}
    open_path: tuple[str, ...] = ()
    for number in sorted(values):
        setting = SETTINGS[number]
        for depth, key in enumerate(setting.path[:-1]):
            if open_path[: depth + 1] != setting.path[: depth + 1]:
                lines.append(f"{'  ' * depth}{key}:")
        open_path = setting.path[:-1]
        lines.append(f"{'  ' * len(open_path)}{setting.path[-1]}: {values[number]}")
        if values[number] in setting.wrong:
            wrong[len(lines)] = setting.rule
    return lines, wrong
