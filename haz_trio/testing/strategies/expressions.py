"""Expressions over tasks, and whole queries: right ones, and now and then a wrong one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hypothesis import strategies as st

from haz_trio.testing.reference.graph import build, label
from haz_trio.testing.reference.query import DECLARED, RELATIONS, Query
from haz_trio.testing.reference.workspace import Declared, effective
from haz_trio.testing.strategies.names import PROJECTS, TAGS, TASKS
from haz_trio.testing.strategies.worlds import GLOBS, LITERALS

RELATED = (
    *(f"name:{task}" for task in TASKS),
    *(f"project:{project}" for project in PROJECTS),
    *(f"tag:{tag}" for tag in TAGS),
)
EXACT = tuple(f"task:{project}:{task}" for project in PROJECTS for task in TASKS[:4])
PATHS: tuple[str, ...] = (
    *LITERALS,
    *GLOBS,
    "/a/o*",
    "/b/out/**",
    "/shared/o[45]",
    "**",
    "/**",
    "*",
    "nope",
    *("*q", "*1.q", "**/*.q", "/**/*1.q", "*.z"),  # what they end with may have an end in common
)
PATHS += ("/shared/", "/shared/", "out/", "/a/", "/b/", "/deep/", "/a/out/")
NAME_GLOBS = ("x*", "*-1", "[xy]", "?", "de*t", "{x,z}")
TAG_GLOBS = ("[tu]", "[uv]", "{t,v}", "[!t]", "t*", "*")
WORDS: dict[str, tuple[str, ...]] = {
    "tags": (*TAGS, *TAGS, "nope", *TAG_GLOBS),
    "projects": (*PROJECTS, *PROJECTS, "nope", "a*", "?"),
    "tasks": (*TASKS, *TASKS, "nope", *NAME_GLOBS),
    "inputs": PATHS,
    "outputs": PATHS,
}
BROKEN = (
    *("", " ", "!!t", "(t", "t)", "t u", "t |", "& t", "()", "t&&u", "-t", "é", "a:b", "x" * 65),
    *("t||u", "!", "t !u", "(t) u", "t&|u", "!(t", "((t)", "t,u"),
)
SPOILED = (
    *("!!{}", "!!{}", "! !{}", "!!({})", "{} &", "| {}", "({}", "{})", "{} {}", "{} !{}"),
    *("{} && {}", "{} & | {}", "!", "()", "{} & ()"),
)
BROKEN_PATHS = ("", "a//b", "/", "[", "..", "{a,{b,c}}", "(a", "a b", "x**")
BROKEN_RELATED = ("", "x", "nope:x", "name:", "name:a:b", "Tag:t", "tag: t", "(tag:t", "name:é")
BROKEN_ANY = ("x", "deps", "child-of", "child-of(", "name:x task:a", "task:a", "task:a:", "Mutex")


def expressions(words: tuple[str, ...], leaves: int = 4) -> st.SearchStrategy[str]:
    """Well-formed expressions, with blanks here and there."""

    def extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        operator = st.sampled_from([" & ", " | ", "&", "|", "\t|\t"])
        return st.one_of(
            st.builds("{}{}{}".format, inner, operator, inner),
            st.builds("({}{}{})".format, inner, operator, inner),
            st.builds("!({})".format, inner),
            inner.map(lambda text: text if text.startswith("!") else f"!{text}"),
        )

    return st.recursive(st.sampled_from(words), extend, max_leaves=leaves)


ANY = (
    *RELATED,
    *EXACT,
    *sorted(DECLARED),
    *(f"{relation}({word})" for relation in RELATIONS for word in RELATED),
    *(f"{relation}(!{word})" for relation in RELATIONS for word in RELATED[:4]),
    *(f"{side}:{path}" for side in ("input", "output") for path in ("/shared/*", "/a/o1", "/**")),
)


# Words alone, and what binds how.
FORMS = ("{}", "{}", "{} & {} | {}", "{} | {} & {}", "!{} & {}", "!{} | {}", "!({} | {}) & {}")
FLAGS = (*WORDS, *RELATIONS, "expr")
PAIRS = (("has-deps", "no-deps"), ("has-inputs", "no-inputs"), ("has-outputs", "no-outputs"))
DECLARING = (*(flag for pair in PAIRS for flag in pair), "mutex")


@st.composite
def surveys(draw: st.DrawFn, declared: Declared) -> list[Query]:
    """Queries of a workspace, one for each of many flags."""
    known = words_for(declared)
    found = []
    for flag in FLAGS:
        if draw(st.integers(0, 3)) > (0 if flag in RELATIONS else 1):
            filters = {flag: draw(_filter(flag, known))}
            if draw(st.integers(0, 3)) == 0:
                other = draw(st.sampled_from(FLAGS))
                filters[other] = draw(_filter(other, known))
            form = draw(st.sampled_from(["", "", "plain", "json"]))
            few = (
                draw(st.lists(st.sampled_from(DECLARING), max_size=1)) if len(filters) > 1 else []
            )
            found.append(Query(filters, frozenset(few), form, draw(st.integers(0, 3)) > 0))
    for flag in DECLARING:
        if draw(st.integers(0, 5)) == 0:
            found.append(Query({}, frozenset([flag]), "", draw(st.integers(0, 3)) > 0))
    for side in ("inputs", "outputs"):
        own = {path for task in effective(declared).values() for path in task.patterns(side)}
        near = sorted({other for path in own for other in _near(path)})
        if near:
            found.append(Query({side: draw(st.sampled_from(near))}, workspace=True))
    return found or [Query({})]


def words_for(declared: Declared) -> dict[str, tuple[str, ...]]:
    """The words for each flag, most of them about what there is."""
    tasks = effective(declared)
    tags = {tag for task in tasks.values() for tag in task.tags}
    related = [
        *sorted({f"name:{id[1]}" for id in tasks}),
        *sorted({f"project:{id[0]}" for id in tasks}),
        *(f"tag:{tag}" for tag in sorted(tags)),
        *(f"task:{label(id)}" for id in tasks),
        *_chains(declared),
    ]
    own = {
        side: tuple(sorted({it for task in tasks.values() for it in task.patterns(side)}))
        for side in ("inputs", "outputs")
    }
    there = {
        "tags": tuple(sorted(tags)),
        "projects": tuple(sorted({id[0] for id in tasks})),
        "tasks": tuple(sorted({id[1] for id in tasks})),
        **own,
        **{relation: tuple(related) for relation in RELATIONS},
    }
    paths = (f"{side[:-1]}:{path}" for side, some in own.items() for path in some)
    calls = (f"{relation}({word})" for relation in RELATIONS for word in related)
    there["expr"] = (*related, *calls, *DECLARING, *paths)
    others: dict[str, tuple[str, ...]] = {**WORDS, "expr": ANY}
    return {flag: there[flag] * 2 + others.get(flag, RELATED) for flag in FLAGS}


def _near(path: str) -> list[str]:
    """Globs whose ends are a little shorter and longer than that of a glob, if it has one."""
    end = re.split(r"[*?\]}]", path)[-1]
    return [f"/**/*{end[1:]}", f"/**/*-{end}"] if end and end != path else []


def _chains(declared: Declared) -> list[str]:
    """Tasks together with others that come before them, one or two steps."""
    hard = build(declared, effective(declared)).hard
    found = []
    for id, before in hard.items():
        for other in sorted(before):
            found.append(f"task:{label(id)} | task:{label(other)}")
            found += [f"task:{label(it)}|task:{label(id)}" for it in sorted(hard[other])]
    return found


@st.composite
def spoiled(draw: st.DrawFn, declared: Declared) -> Query:
    """A query about what there is that is malformed, by a little."""
    known = words_for(declared)
    flag = draw(st.sampled_from([flag for flag in FLAGS if known[flag]]))
    form = draw(st.sampled_from(SPOILED))
    words = [draw(st.sampled_from(known[flag])) for _ in range(form.count("{}"))]
    return Query({flag: form.format(*words)}, workspace=draw(st.booleans()))


@st.composite
def compositions(draw: st.DrawFn, declared: Declared, *, inside: bool) -> Query:
    """For the tasks of each name a question of its own, all of them in one expression.

    Asked ``inside`` of a project, some are about paths relative to it.
    """
    known = words_for(declared)
    related = sorted({*known[RELATIONS[0]]})
    paths = [it for it in known["inputs"] + known["outputs"] if it.startswith("/")]
    beside = [it for it in (*LITERALS, *GLOBS) if inside and not it.startswith("/")]
    pairs = [draw(st.sampled_from(["{}&{}", "{}|{}", "{}&!{}"])) for _ in related]
    both = [
        pair.format(it, draw(st.sampled_from(related)))
        for pair, it in zip(pairs, related, strict=True)
    ]
    kinds: list[tuple[str, ...]] = [
        tuple(f"tag:{it}" for it in (*known["tags"], *TAG_GLOBS)),
        tuple(f"project:{it}" for it in known["projects"]),
        *(
            tuple(f"{side}:{it}" for side in ("input", "output") for it in some)
            for some in (paths, beside)
        ),
        tuple(f"{relation}({it})" for relation in RELATIONS for it in related),
        tuple(f"{relation}({it})" for relation in RELATIONS for it in both),
        tuple(f"{relation}(!{it})" for relation in RELATIONS for it in related[:6]),
        DECLARING,
    ]
    word = st.sampled_from([kind for kind in kinds if kind]).flatmap(st.sampled_from)
    asked = []
    for name in sorted({id[1] for id in effective(declared)}):
        form = draw(st.sampled_from(FORMS))
        words = [draw(word) for _ in range(form.count("{}"))]
        asked.append(f"(name:{name} & ({form.format(*words)}))")
    return Query({"expr": " | ".join(asked)} if asked else {}, workspace=True)


@st.composite
def _filter(draw: st.DrawFn, flag: str, known: Mapping[str, tuple[str, ...]]) -> str:
    broken = {"inputs": BROKEN_PATHS, "outputs": BROKEN_PATHS, "expr": BROKEN_ANY}
    broken |= dict.fromkeys(RELATIONS, BROKEN_RELATED)
    if draw(st.integers(0, 9)) == 9:
        return draw(st.sampled_from(broken.get(flag, BROKEN)))
    if draw(st.booleans()):
        return draw(st.sampled_from(known[flag]))
    return draw(expressions(known[flag], 3))
