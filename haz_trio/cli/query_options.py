"""What the command line of ``haz query`` said, checked; no workspace is looked at here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from haz_trio.cli.mistakes import bad_value
from haz_trio.cli.options import RunOptions, Scope
from haz_trio.cli.query_forms import FIELDS, Form, Format, GraphForm, Objects
from haz_trio.errors import UsageError
from haz_trio.query.atoms import Meaning
from haz_trio.query.filters import Filter, read_filter, read_filters
from haz_trio.query.syntax import And
from haz_trio.values import frozen

if TYPE_CHECKING:
    from haz_trio.vcs import Changes

FormKind = TypeVar("FormKind", Format, GraphForm)


@frozen
class QueryOptions:
    """The options of ``haz query``; the filters are read, and all of them must hold."""

    filters: Mapping[Filter, Meaning]
    traits: tuple[Meaning, ...]
    scope: Scope
    git: Changes | None
    form: Form

    @property
    def questions(self) -> tuple[Meaning, ...]:
        """What a task must fulfil, in the order in which it is asked (query.md 7)."""
        first = (Filter.TAGS, Filter.PROJECTS, Filter.TASKS, Filter.INPUTS, Filter.OUTPUTS)
        before = [m for filter, m in self.filters.items() if filter in first]
        after = [m for filter, m in self.filters.items() if filter not in first]
        return (*before, *self.traits, *after)

    @property
    def whole(self) -> Meaning:
        """All questions as one."""
        return And(self.questions)

    @classmethod
    def parse(
        cls,
        filters: Mapping[Filter, str | None],
        traits: Mapping[str, bool],
        *,
        everything: bool,
        workspace: bool,
        git_changed: bool,
        git_staged: bool,
        git_changed_since: str | None,
        format: str | None,
        as_json: bool,
        fields: str | None,
        null: bool,
        graph: str | None,
    ) -> QueryOptions:
        """Check values, then combinations, then expressions.

        Raises ``UsageError`` for the first two, and ``QueryError`` for all mistakes of the last.
        """
        form = _parse_form(format, as_json=as_json, fields=fields, null=null, graph=graph)
        selection = RunOptions.parse(  # the same words mean the same here
            (),
            everything=everything,
            workspace=workspace,
            git_changed=git_changed,
            git_staged=git_staged,
            git_changed_since=git_changed_since,
            dry_run=False,
            output_mode=None,
        )
        wanted = [flag for flag, given in traits.items() if given]
        for flag in wanted:
            opposite = flag.replace("--has-", "--no-")
            if opposite != flag and opposite in wanted:
                raise _excluded(flag, opposite)
        return cls(
            read_filters({f: text for f, text in filters.items() if text is not None}),
            tuple(read_filter(Filter.EXPR, flag.removeprefix("--")) for flag in wanted),
            selection.scope,
            selection.git,
            form,
        )


def _parse_form(
    format: str | None, *, as_json: bool, fields: str | None, null: bool, graph: str | None
) -> Form:
    chosen = None if format is None else _choose(Format, format, "--format", "output format")
    drawn = None if graph is None else _choose(GraphForm, graph, "--graph", "graph form")
    keys = None if fields is None else _parse_fields(fields)
    objects = as_json or (keys is not None and chosen is not Format.JSONL)
    given: dict[str, bool] = {
        "--format": chosen is not None,
        "--json" if as_json else "--fields": objects,
        "-0": null,
        "--graph": drawn is not None,
    }
    flags = [flag for flag, asked in given.items() if asked]
    if len(flags) > 1:
        raise _excluded(flags[0], flags[1])
    if keys is not None:
        return Objects(keys)
    if as_json:
        return Format.JSONL
    if null:
        return Format.NULL
    return drawn or chosen or Format.PLAIN


def _choose(kind: type[FormKind], text: str, flag: str, noun: str) -> FormKind:
    for member in kind:
        if member.value == text:
            return member
    names = [f"`{member.value}`" for member in kind]
    expected = f"{', '.join(names[:-1])} or {names[-1]}"
    raise bad_value(text, f"unknown {noun} `{text}` (expected {expected})", flag)


def _parse_fields(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in FIELDS:
            reason = f"unknown field `{name}` (expected {', '.join(FIELDS)})"
            raise bad_value(text, reason, "--fields")
    return names


def _excluded(one: str, other: str) -> UsageError:
    return UsageError(f"couldn't parse: `{one}` and `{other}` are mutually exclusive")
