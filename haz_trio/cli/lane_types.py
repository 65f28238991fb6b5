"""What the tables of the fast lane and of the Tab key are made of; for type checkers alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

Value: TypeAlias = str | bool | list[str] | None
Keywords: TypeAlias = dict[str, Value]

# The body to be called, as ``module:function``, and what it is given beside the state.
Call: TypeAlias = tuple[str, Keywords]

# What stands behind a flag: nothing, a value, a value each time that it is given, or a value
# behind ``=`` or not. An enumeration would have to be imported.
Kind: TypeAlias = Literal["switch", "value", "many", "optional"]

# The keyword of a flag, and what stands behind it.
Flag: TypeAlias = tuple[str, Kind]

# The keyword of the positionals, whether there may be several, and whether one is required.
Positional: TypeAlias = tuple[str, bool, bool]

# The words of a command behind ``haz``: its name, behind the name of its group if it has one.
Path: TypeAlias = tuple[str, ...]

# A body, and what can be said to it.
Command: TypeAlias = tuple[str, Positional | None, Mapping[str, Flag]]

# The options before the command, and the variables that stand in for them.
Root: TypeAlias = tuple[Mapping[str, Flag], Mapping[str, str]]

# An option as the Tab key shows it: its spellings, what stands behind them, what that is called,
# and a few words about it.
Shown: TypeAlias = tuple[tuple[str, ...], Kind, str, str]

# A word and a few words about it.
Candidate: TypeAlias = tuple[str, str]

# A few words about a command; its arguments, by name, and whether there may be several; options.
ShownCommand: TypeAlias = tuple[str, tuple[tuple[str, bool], ...], tuple[Shown, ...]]
