"""Bad content of one file: code, place and key path of every refusal (config.md 14, 16)."""

from __future__ import annotations

import pytest

from tests.config.support import body, brief, errors, marked, parse, project, workspace

W, P, V = "workspace", "project", "overlay"
X = "command: [x]\n"
DEPS = "name: a\ntags: [k]\ntasks:\n  o: {command: [x]}\n  t:\n    command: [x]\n    "


def setting(text: str) -> str:
    return f"projects: []\n{text}"


def refs(text: str) -> str:
    return f"{DEPS}deps: {text}\n"


# number in config.md 16, kind, content, code, line:column, key path, words of the message
ROWS: list[tuple[int, str, str | bytes, str, str, str, str]] = [
    (7, W, b"projects: [\xff]", "001", "1:12", "", "0xFF"),
    (8, W, "projects: []".encode("utf-16"), "001", "1:1", "", "UTF-8"),
    (10, P, "nam: r", "004", "1:1", "nam", "`nam`"),
    (11, W, "", "yaml", "1:1", "", "empty"),
    (12, W, "# only\n", "yaml", "2:1", "", "empty"),
    (13, W, "~\n", "009", "1:1", "projects", "`projects`"),
    (14, W, "- a\n", "yaml", "1:1", "", "expected a mapping, found a list"),
    (15, W, "hello\n", "yaml", "1:1", "", '"hello"'),
    (16, W, "projects:\n\t- /a\n", "yaml", "2:1", "", "tab"),
    (17, W, "projects: [\n", "yaml", "1:11", "", "not closed"),
    (18, W, "projects: [/a]\nprojects: [/a]\n", "yaml", "2:1", "", '"projects" occurs twice'),
    (19, W, "projects: [/a]\nfoo: 1\n", "004", "2:1", "foo", "`execution`"),
    (20, W, "projects: []\n---\nprojects: []\n", "yaml", "2:1", "", "more than one"),
    (21, W, "projects: /a\n", "009", "1:11", "projects", '"/a" (at `projects`)'),
    (22, W, "projects: {a: b}\n", "009", "1:11", "projects", "found a mapping"),
    (23, W, "projects: [~]\n", "010", "1:12", "projects[0]", "found null"),
    (24, W, "projects: [[/a]]\n", "010", "1:12", "projects[0]", "found a list"),
    (25, W, "projects: [{path: /a}]\n", "010", "1:12", "projects[0]", "found a mapping"),
    (26, W, "{}\n", "009", "1:1", "projects", "missing"),
    (27, W, "x: &b {hash: sha256}\nprojects: [/a]\n", "004", "1:1", "x", "`x`"),
    (58, W, setting("cache: x"), "027", "2:8", "cache", "found the text"),
    (59, W, setting("cache: {foo: 1}"), "004", "2:9", "cache.foo", "`hash`, `clean`"),
    (60, W, setting("cache: {hash: BLAKE3}"), "027", "2:15", "cache.hash", "`blake3` or"),
    (61, W, setting("cache: {hash: [a]}"), "027", "2:15", "cache.hash", "found a list"),
    (62, W, setting("cache: {clean: {maxAge: 1d}}"), "004", "2:17", "cache.clean.maxAge", ""),
    (73, W, setting("concurrency: 4"), "028", "2:14", "concurrency", '"4"'),
    (80, W, setting("concurrency: {tags: {a: 0}}"), "029", "2:25", "concurrency.tags.a", "1 on"),
    (81, W, setting("concurrency: {tags: {a: auto}}"), "029", "2:25", "concurrency.tags.a", ""),
    (82, W, setting('concurrency: {tags: {"a b": 1}}'), "029", "2:22", "concurrency.tags.a b", ""),
    (83, W, setting("concurrency: {tags: [a]}"), "029", "2:21", "concurrency.tags", "a list"),
    (84, W, setting("output: live"), "030", "2:9", "output", "a mapping"),
    (85, W, setting("output: {mode: Live}"), "030", "2:16", "output.mode", '"Live"'),
    (86, W, setting("execution: {cancelGrace: 1}"), "004", "2:13", "execution.cancelGrace", ""),
    (92, P, "", "yaml", "1:1", "", "empty"),
    (93, P, "{}", "013", "1:1", "name", "`name` is missing"),
    (94, P, "name:", "013", "1:6", "name", "found null"),
    (95, P, "name: null", "013", "1:7", "name", "found null"),
    (96, P, 'name: ""', "013", "1:7", "name", "name is empty"),
    (97, P, "name: [a]", "013", "1:7", "name", "found a list"),
    (98, P, "name: a b", "013", "1:7", "name", "' '"),
    (99, P, "name: _a", "013", "1:7", "name", "'_'"),
    (101, P, "name: é", "013", "1:7", "name", "'é'"),
    (102, P, f"name: {'a' * 65}", "013", "1:7", "name", "65 bytes"),
    (104, P, "name: a\ntags: rust", "014", "2:7", "tags", '"rust" (at `tags`)'),
    (105, P, "name: a\ntags: x", "014", "2:7", "tags", "expected a list"),
    (106, P, "name: a\ntags: [~]", "014", "2:8", "tags[0]", "found null"),
    (107, P, 'name: a\ntags: ["a b"]', "014", "2:8", "tags[0]", '"a b"'),
    (108, P, "name: a\ntags: [x, x]", "014", "2:11", "tags[1]", "twice"),
    (109, P, "name: a\ntasks: [x]", "015", "2:8", "tasks", "found a list"),
    (110, P, "name: a\ntasks: {t: echo}", "015", "2:12", "tasks.t", '"echo"'),
    (111, P, "name: a\ntasks: {t: }", "020", "2:9", "tasks.t", 'task "t": '),
    (112, P, 'name: a\ntasks: {"t t": {command: [x]}}', "006", "2:9", "tasks.t t", "' '"),
    (113, P, "name: a\ntasks: {~: {command: [x]}}", "015", "2:9", "tasks", "found null"),
    (114, P, "name: a\ntasks: {t: {shell: x}, t: {shell: y}}", "yaml", "2:24", "", '"t"'),
    (115, P, "name: *q", "yaml", "1:7", "", "`*q` names no anchor"),
    (116, P, "name: !!int 3", "013", "1:7", "name", "`!!int`"),
    (119, P, body("{}"), "020", "3:3", "tasks.t", "no action"),
    (120, P, body(X + "shell: y"), "020", "5:5", "tasks.t.shell", "both"),
    (121, P, body('command: "echo hi"'), "021", "4:14", "tasks.t.command", '"echo hi"'),
    (122, P, body("command: []"), "021", "4:14", "tasks.t.command", "empty"),
    (123, P, body("command: [~]"), "021", "4:15", "tasks.t.command[0]", "null"),
    (124, P, body("command: [[a]]"), "021", "4:15", "tasks.t.command[0]", "found a list"),
    (125, P, body("command: {a: b}"), "021", "4:14", "tasks.t.command", "found a mapping"),
    (126, P, body("shell: [a]"), "022", "4:12", "tasks.t.shell", "found a list"),
    (127, P, body("shell_type: bash"), "020", "3:3", "tasks.t", "no action"),
    (128, P, body(X + "shell_type: bash"), "022", "5:17", "tasks.t.shell_type", "beside"),
    (129, P, body("shell: x\nshell_type: /bin/zsh"), "022", "5:17", "tasks.t.shell_type", "'/'"),
    (130, P, body(f"shell: x\nshell_type: {'z' * 33}"), "022", "5:17", "tasks.t.shell_type", "32"),
    (120, P, body("shell: y\nfunction: a.py:f"), "020", "5:5", "tasks.t.function", "both"),
    (120, P, body("function: a.py"), "020", "4:15", "tasks.t.function", "no `:`"),
    (120, P, body("function: a.sh:f"), "020", "4:15", "tasks.t.function", "one `.py` file"),
    (120, P, body('function: "*.py:f"'), "020", "4:15", "tasks.t.function", "one `.py` file"),
    (120, P, body("function: ../a.py:f"), "020", "4:15", "tasks.t.function", "`..`"),
    (120, P, body("function: a.py:f-g"), "020", "4:15", "tasks.t.function", '"f-g"'),
    (120, P, body("function: [a]"), "020", "4:15", "tasks.t.function", "found a list"),
    (131, P, body(X + "timeout: 3"), "004", "5:5", "tasks.t.timeout", "`shell_type`"),
    (133, P, body(X + "inputs: src"), "016", "5:13", "tasks.t.inputs", '"src"'),
    (134, P, body(X + "inputs: a"), "016", "5:13", "tasks.t.inputs", "a list"),
    (146, P, body(X + "inputs: [a, a]"), "016", "5:17", "tasks.t.inputs[1]", "twice"),
    (148, P, body(X + 'outputs: ["*.o", "*.o"]'), "017", "5:22", "tasks.t.outputs[1]", "twice"),
    (149, P, body(X + "env: [A]"), "032", "5:10", "tasks.t.env", "a list"),
    (150, P, body(X + "env: {A: b}"), "004", "5:11", "tasks.t.env.A", "`from_host`, `override`"),
    (151, P, body(X + "env: {from_host: PATH}"), "032", "5:22", "tasks.t.env.from_host", "PATH"),
    (
        152,
        P,
        body(X + "env: {from_host: [A-B]}"),
        "032",
        "5:23",
        "tasks.t.env.from_host[0]",
        "'-'",
    ),
    (153, P, body(X + "env: {from_host: [1A]}"), "032", "5:23", "tasks.t.env.from_host[0]", "'1'"),
    (154, P, body(X + "env: {from_host: [A, A]}"), "032", "5:26", "tasks.t.env.from_host[1]", ""),
    (155, P, body(X + "env: {override: {A-B: c}}"), "033", "5:22", "tasks.t.env.override.A-B", ""),
    (156, P, body(X + "env: {override: {A: }}"), "yaml", "5:25", "tasks.t.env.override.A", "null"),
    (157, P, body(X + 'mutex: "a b"'), "019", "5:12", "tasks.t.mutex", '"a b"'),
    (158, P, body(X + 'mutex: "~:"'), "019", "5:12", "tasks.t.mutex", "empty"),
    (160, P, body(X + "mutex: {name: db}"), "019", "5:12", "tasks.t.mutex", "`mode`"),
    (161, P, body(X + "mutex: {mode: shared}"), "019", "5:12", "tasks.t.mutex", "`name`"),
    (
        162,
        P,
        body(X + "mutex: {name: d, mode: read}"),
        "019",
        "5:28",
        "tasks.t.mutex.mode",
        "read",
    ),
    (
        163,
        P,
        body(X + "mutex: {name: d, mode: shared, x: 1}"),
        "004",
        "5:36",
        "tasks.t.mutex.x",
        "",
    ),
    (164, P, body(X + "mutex: [db]"), "019", "5:12", "tasks.t.mutex", "found a list"),
    (188, P, refs("~:o"), "018", "7:11", "tasks.t.deps", "a list"),
    (189, P, refs("[b: x]"), "018", "7:12", "tasks.t.deps[0]", "a mapping"),
    (190, P, refs('["~:o", "~:o"]'), "018", "7:19", "tasks.t.deps[1]", "twice"),
    (192, P, DEPS + "weakDeps: [q]", "018", "7:16", "tasks.t.weakDeps[0]", "`:`"),
    (197, V, "", "yaml", "1:1", "", "empty"),
    (198, V, "tagsFilter: [t]", "025", "1:1", "tasks", "missing"),
    (199, V, "tasks: []", "025", "1:8", "tasks", "a list"),
    (200, V, "tasks: {}\nname: x", "004", "2:1", "name", "`tagsFilter`, `tasks`"),
    (201, V, "tags_filter: [t]\ntasks: {}", "004", "1:1", "tags_filter", ""),
    (202, V, "tagsFilter: []\ntasks: {}", "024", "1:13", "tagsFilter", "empty"),
    (203, V, "tagsFilter: tt\ntasks: {}", "024", "1:13", "tagsFilter", '"tt"'),
    (204, V, 'tagsFilter: ["!t"]\ntasks: {}', "024", "1:14", "tagsFilter[0]", "'!'"),
    (205, V, "tagsFilter: [t, t]\ntasks: {}", "024", "1:17", "tagsFilter[1]", "twice"),
    (206, V, "tasks: {x: {command: []}}", "021", "1:22", "tasks.x.command", "empty"),
    (207, V, "tagsFilter: [nope]\ntasks: {x: {}}", "020", "2:9", "tasks.x", "no action"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row {row[0]}")
def test_each_bad_input_is_refused_once_with_its_rule_and_place(
    row: tuple[int, str, str | bytes, str, str, str, str],
) -> None:
    """One mistake draws one error: right code, right place, right key path, and a way out."""
    _, kind, content, code, place, key_path, words = row
    (only,) = errors(parse(kind, content))
    assert (*brief(only), only.key_path) == (code, place, key_path)
    assert words in only.message
    assert only.label
    assert only.help


@pytest.mark.parametrize(
    "entry",
    ['42', 'true', '""', 'a', '"a*"', '"!/p/a"', './a', '/', '/a/', '//a', '/a//b', '/a/../a',
     '"/p/a**"', '"/p/[a"', '"/p/{a"', '"/p/{a,{b,c}}"', '"/p/[z-a]"'],
)  # fmt: skip
def test_entries_of_projects_are_absolute_and_well_formed(entry: str) -> None:
    """CFG-010, rows 28 to 44: the value is marked, quotes included."""
    (only,) = errors(workspace(f"projects: [{entry}]"))
    assert brief(only) == ("010", "1:12")
    assert marked(only) == entry


@pytest.mark.parametrize(
    ("text", "code"),
    [("clean: {max_age: %s}", "034"), ("clean: {max_size: %s}", "035")],
)
@pytest.mark.parametrize("value", ['""', "1.5h", "1y", "5 GB", "-1", "9" * 21 + "d", "x"])
def test_ages_and_sizes_are_checked(text: str, code: str, value: str) -> None:
    """CFG-034 and CFG-035, rows 63 to 72."""
    (only,) = errors(workspace(f"projects: []\ncache: {{{text % value}}}"))
    assert brief(only)[0] == code
    assert marked(only) == value


@pytest.mark.parametrize(
    "value", ["0", '"4"', "-1", "1.5", "Auto", "[1]", "!!str 4", "1__0", "0x"]
)
def test_default_concurrency_is_auto_or_a_bare_number(value: str) -> None:
    """CFG-028, rows 74 to 79: the place is the value, where the original says 1:1."""
    (only,) = errors(workspace(f"projects: []\nconcurrency: {{default: {value}}}"))
    assert brief(only) == ("028", "2:24")


@pytest.mark.parametrize(
    "value",
    ["-1", ".nan", ".inf", "-.INF", "NaN", "infinity", "1e400", "1.9e19", "5s", "1_0", "."],
)
def test_a_grace_is_a_finite_number_of_seconds(value: str) -> None:
    """CFG-031, rows 87 to 91."""
    (only,) = errors(workspace(f"projects: []\nexecution: {{cancel_grace: {value}}}"))
    assert brief(only) == ("031", "2:27")


@pytest.mark.parametrize(
    "value",
    ["", "/", "./a", "../a", "a/", "a//b", "a\tb", "a\u200b*", "**.rs", "[]", "a\\", "*/..",
     "*//b", "src/[a.c", "x{a,b", "{a,{b,c}}.c"],
)  # fmt: skip
@pytest.mark.parametrize(("key", "code"), [("inputs", "016"), ("outputs", "017")])
def test_patterns_are_checked(key: str, code: str, value: str) -> None:
    """CFG-016 and CFG-017, rows 135 to 147."""
    quoted = value.replace("\\", "\\\\").replace("\t", "\\t").replace("\u200b", "\\u200b")
    (only,) = errors(project(body(f'{X}{key}: ["{quoted}"]')))
    assert brief(only)[0] == code
    assert marked(only) == f'"{quoted}"'
    assert only.message.startswith('task "t": ')


@pytest.mark.parametrize(
    "value",
    ["", "x", "~:", "^x", "b:x:y", "b: x", "[k", "[k] :x", "[]:x", "[k,z]:x", "*:x", "b:*"],
)
def test_references_are_checked(value: str) -> None:
    """CFG-018, rows 165 to 176."""
    (only,) = errors(project(refs(f'["{value}"]')))
    assert brief(only) == ("018", "7:12")
    assert marked(only) == f'"{value}"'


def test_a_command_as_text_is_told_of_shell() -> None:
    """The help of CFG-021 names the key that takes a command line."""
    (only,) = errors(project(body("command: make all")))
    assert "shell" in only.help
    assert "(at `tasks.t.command`)" in only.message


def test_an_unknown_key_gets_the_nearest_one() -> None:
    """CFG-004 lists the allowed keys in declaration order and offers the likely one."""
    (only,) = errors(project(body(X + "weak_deps: []")))
    assert only.help == "did you mean `weakDeps`?"
    assert "`inputs`, `outputs`, `deps`, `weakDeps`, `mutex`, `env`, `command`" in only.message


def test_all_errors_of_a_file_are_reported_in_the_order_of_their_places() -> None:
    """Shape and content are checked together (row 213 and config.md 12)."""
    file = project(
        "name: a b\ntags: [x, x]\ntasks:\n  z: {command: []}\n  b: {command: x, inputs: ['']}\n"
        "  c: {shell: x, weak: 1}\n"
    )
    found = [brief(d) for d in errors(file)]
    assert found == [
        ("013", "1:7"), ("014", "2:11"), ("021", "4:16"), ("021", "5:16"), ("016", "5:28"),
        ("004", "6:17"),
    ]  # fmt: skip


def test_a_duplicate_names_its_first_occurrence() -> None:
    """``related`` leads to the other place, for keys and for list entries."""
    (entry,) = errors(project(body(X + "inputs: [a, b, a]")))
    (key,) = errors(project("name: a\nname: b\n"))
    assert [brief(d.related[0])[1] for d in (entry, key)] == ["5:14", "1:1"]


@pytest.mark.parametrize("output", ["/.haz/cache/**", "/.haz", "/.haz/*"])
def test_outputs_under_the_own_folder_are_refused(output: str) -> None:
    """CFG-017: nobody writes into `.haz/`; where a relative output lies shows in the graph."""
    (only,) = errors(project(body(f'{X}outputs: ["{output}"]')))
    assert brief(only) == ("017", "5:15")


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("../web/x", "from the workspace root, with `/` at its start"),
        ("a/../../x*", "from the workspace root, with `/` at its start"),
        ("./a", "leave the `.` out"),
        ("src/**b", "`src/**/*.py`"),
        ("a//b", "list paths or globs"),
    ],
)
@pytest.mark.parametrize("key", ["inputs", "outputs"])
def test_a_refused_path_comes_with_a_way_out(key: str, text: str, advice: str) -> None:
    """The help says how to write what was meant, where the text shows what that is."""
    (problem,) = errors(parse("project", body(f"{X}{key}: ['{text}']")))
    assert advice in problem.help


def test_an_unknown_key_is_placed_once() -> None:
    """The sentence names the key; the key path is behind it, and not twice."""
    (problem,) = errors(parse("project", body(X + "inptus: [a]")))
    assert problem.message.startswith("unknown key `inptus`; allowed are `inputs`, ")
    assert problem.help == "did you mean `inputs`?"
