"""What a good file of each kind becomes (config.md 6, 8, 9, 15)."""

from __future__ import annotations

import pytest

from haz_trio.config.files import parse_overlay_file
from haz_trio.model.patterns import Pattern
from haz_trio.model.references import FanOut, InProject, SameProject, Tagged
from haz_trio.model.tasks import Argv, Environment, Mutex, MutexMode, MutexScope, Shell
from haz_trio.model.workspace import (
    Containment,
    HashName,
    KeepOutputs,
    OutputMode,
    Settings,
)
from tests.config.support import body, errors, project, warnings, workspace


def test_a_workspace_file_with_every_key() -> None:
    """All settings arrive, ages in seconds and sizes in bytes."""
    file = workspace(
        "projects: [/services/api, '/packages/*']\n"
        "concurrency: {default: 6, tags: {heavy: 0x1, light: '2'}}\n"
        "output: {mode: buffered}\n"
        "execution: {cancel_grace: 2.5, containment: strict, outputs: rollback}\n"
        "cache: {hash: sha256, clean: {max_age: 4w2d, max_size: 2GiB}}\n"
        "x-shared: {anything: [goes, {here: ~}]}\n"
    )
    assert file.diagnostics == ()
    assert [e.pattern for e in file.entries] == [Pattern("/services/api"), Pattern("/packages/*")]
    assert [(e.place.line, e.place.column) for e in file.entries] == [(1, 12), (1, 27)]
    assert file.settings == Settings(
        hash=HashName.SHA256,
        max_age=30 * 86_400,
        max_size=2 << 30,
        concurrency=6,
        tag_caps={"heavy": 1, "light": 2},
        output_mode=OutputMode.BUFFERED,
        cancel_grace=2.5,
        containment=Containment.STRICT,
        outputs=KeepOutputs.ROLLBACK,
    )


@pytest.mark.parametrize(
    "text",
    ["projects:", "projects: []\ncache:\n", "projects: ~\nconcurrency: {default: auto, tags: }\n",
     "projects: []\ncache: {hash: , clean: }\nexecution: {cancel_grace: }\noutput: {}\n",
     'projects: []\nconcurrency: {default: "auto"}'],
)  # fmt: skip
def test_null_means_not_given(text: str) -> None:
    """CFG-005: null for a setting is its default, null for ``projects`` no project."""
    file = workspace(text)
    assert file.diagnostics == ()
    assert (file.entries, file.settings) == ((), Settings())


def test_a_project_with_a_full_task() -> None:
    """Every key of a body arrives, with the place of each for later messages."""
    file = project(
        "name: api\n"
        "tags: [py, heavy]\n"
        "tasks:\n"
        "  b:\n"
        "    command: [make, 1, yes, '']\n"
        "    inputs: [src/**, /x/y]\n"
        "    outputs: [out/*.tar]\n"
        "    deps: [~:gen, schema:build]\n"
        '    weakDeps: [^~:fmt, "[py]~:unit"]\n'
        "    mutex: ~:db\n"
        "    env: {from_host: [PATH], override: {Z: 1, A: 0x1F}}\n"
        "  a: {shell: 'echo hi', shell_type: bash}\n"
    )
    assert file.diagnostics == ()
    assert file.tags == {"py", "heavy"}
    assert (file.name, list(file.tasks)) == ("api", ["a", "b"])
    assert file.tasks["a"].action == Shell("echo hi", "bash")
    task = file.tasks["b"]
    assert task.action == Argv(("make", "1", "yes", ""))
    assert task.inputs == (Pattern("src/**"), Pattern("/x/y"))
    assert task.outputs == (Pattern("out/*.tar"),)
    assert task.deps == (SameProject("gen"), InProject("schema", "build"))
    assert task.weak_deps == (FanOut("fmt", sibling=True), Tagged("py", "unit", sibling=True))
    assert task.mutex == Mutex("db", MutexScope.PROJECT, MutexMode.EXCLUSIVE)
    assert task.env == Environment(frozenset({"PATH"}), (("A", "0x1F"), ("Z", "1")))
    assert task.source is None
    places = {key: (span.line, span.column) for key, span in task.places.items()}
    assert places[""] == (4, 3)
    assert places["deps[1]"] == (8, 19)
    assert places["weakDeps[1]"] == (9, 24)
    assert places["inputs[0]"] == (6, 14)
    assert places["outputs[0]"] == (7, 15)
    assert places["command"] == (5, 14)
    assert places["mutex"] == (10, 12)


@pytest.mark.parametrize(
    ("text", "mutex"),
    [
        ("db", Mutex("db")),
        ("1", Mutex("1")),
        ("true", Mutex("true")),
        ("~:db", Mutex("db", MutexScope.PROJECT)),
        ("{name: db, mode: shared}", Mutex("db", mode=MutexMode.SHARED)),
        ("{name: '~:d', mode: exclusive}", Mutex("d", MutexScope.PROJECT)),
        ("~", None),
    ],
)
def test_forms_of_a_mutex(text: str, mutex: Mutex | None) -> None:
    """CFG-019: a name means exclusive; plain numbers are names like everywhere else."""
    file = project(body(f"command: [x]\nmutex: {text}"))
    assert file.diagnostics == ()
    assert file.tasks["t"].mutex == mutex


def test_an_overlay_marks_its_tasks() -> None:
    """The tasks of an overlay carry its name; no filter is not the same as a filter."""
    data = b"tagsFilter: [py]\ntasks:\n  fmt: {command: [x]}\n"
    file = parse_overlay_file("/ws/.haz/tasks/fmt.yml", data, "fmt")
    assert file.tags_filter == frozenset({"py"})
    assert file.diagnostics == ()
    assert file.tasks["fmt"].source == "fmt"
    assert file.place is not None
    assert (file.place.line, file.place.column) == (1, 13)
    empty = parse_overlay_file("/ws/o.yml", b"tagsFilter: ~\ntasks:\n", "o")
    assert (empty.tags_filter, dict(empty.tasks), empty.diagnostics) == (None, {}, ())


@pytest.mark.parametrize("text", ["", "~", "NuLL"])
@pytest.mark.parametrize("tag", ["", "!!str ", "!!int ", "!local "])
def test_what_is_spelled_like_null_is_not_given(tag: str, text: str) -> None:
    """Config.md 3 and haz 0.2.0: with a tag as well, but in quotes it is a text."""
    file = project(f"name: p\ntasks:\n  a:\n    command: [x]\n    shell: {tag}{text}\n")
    assert file.diagnostics == ()
    assert project("name: p\ntasks: {a: {command: [x], shell: !!str '~'}}").diagnostics != ()


@pytest.mark.parametrize("name", ["12", "true", "0a", "!!str x", "!local x", "!!binary YQ=="])
def test_names_are_taken_verbatim(name: str) -> None:
    """CFG-005: plain scalars keep their spelling, whatever YAML 1.1 thinks of them."""
    file = project(f"name: {name}")
    assert file.diagnostics == ()
    assert file.name == {"!!str x": "x", "!local x": "x", "!!binary YQ==": "a"}.get(name, name)


@pytest.mark.parametrize(
    ("text", "value"),
    [("010", 10), ("0x1F", 31), ("0o17", 15), ("0b11", 3), ("1_000", 1000), ("+3", 3),
     ("18446744073709551615", (1 << 64) - 1)],
)  # fmt: skip
def test_spellings_of_whole_numbers(text: str, value: int) -> None:
    """CFG-028: unsigned 64-bit, leading zeros are decimal."""
    assert (
        workspace(f"projects: []\nconcurrency: {{default: {text}}}").settings.concurrency == value
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0.0), ("-0.0", 0.0), ('"5"', 5.0), ("5.", 5.0), (".5", 0.5), ("1e3", 1e3)],
)
def test_spellings_of_seconds(text: str, value: float) -> None:
    """CFG-031: decimal with an optional exponent, quoted or not."""
    file = workspace(f"projects: []\nexecution: {{cancel_grace: {text}}}")
    assert file.settings.cancel_grace == value


@pytest.mark.parametrize("output", ["haz.yml", "*.yml", "**"])
def test_an_output_that_takes_in_the_project_file_is_remarked(output: str) -> None:
    """It is accepted as in the original, with a warning."""
    file = project(body(f'command: [x]\noutputs: ["{output}"]'))
    assert errors(file) == []
    assert [d.code for d in warnings(file)] == ["haz::cfg::017"]
    assert list(file.tasks) == ["t"]


@pytest.mark.parametrize("text", ["a\U000e0fff", "[é]*"])
def test_patterns_with_surprises_are_remarked(text: str) -> None:
    """Code points this Unicode does not know, and characters in a class of bytes."""
    file = project(body(f'command: [x]\ninputs: ["{text}"]'))
    assert errors(file) == []
    assert len(warnings(file)) == 1
