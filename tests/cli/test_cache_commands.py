"""`haz cache` from words to bytes: rows H and the `cache` rows of A, L, M, O of cli.md 16.3."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import attrs
import pytest

from haz_trio.cache.census import Bulk, Census
from haz_trio.cache.problems import Problem, Step
from haz_trio.cli.cache_reports import info_json
from haz_trio.cli.main import run_command_line
from haz_trio.model.workspace import HashName
from tests.cache.collect_support import key, manifest, put, put_key
from tests.cache.store_support import Bench, subject, tree, write

NO_MODE = (
    "haz cache clean requires at least one mode: --soft, --max-age <DURATION>, or --max-size "
    "<BYTES> (AUX-022; workspace cache.clean.max_age / max_size MAY supply a default per AUX-025)"
)


@attrs.frozen
class Said:
    code: int
    out: str
    err: str


@attrs.frozen
class Shell:
    """A workspace whose only project cannot be loaded, and the command line in it."""

    root: Path
    capture: pytest.CaptureFixture[str]

    def haz(self, words: str, where: str = "") -> Said:
        code = run_command_line(["-C", str(self.root / where), *words.split()])
        return Said(code, *self.capture.readouterr())

    def settings(self, text: str) -> None:
        write(self.root / ".haz" / "workspace.yml", text.encode())

    @property
    def cache(self) -> Path:
        return self.root / ".haz" / "cache"


@pytest.fixture
def shell(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Shell:
    shell = Shell(tmp_path, capfd)
    shell.settings("projects: [/lib, /no/such/folder]\n")
    write(tmp_path / "lib" / "haz.yml", b"name: [broken")
    return shell


def narrated(said: Said) -> str:
    """What stands on stderr, with the drawing and the line ends taken out."""
    words = said.err.replace("×", " ").replace("│", " ").replace("╰─▶", " ").replace("├─▶", " ")
    return " ".join(words.split())


def info_of(
    shell: Shell, good: int, corrupt: int, orphans: tuple[int, int], total: int, by: str = ""
) -> str:
    schema = f"by schema:\n  (revision=0, hash={by}): {good}\n" if by else ""
    return (
        f"cache root: {shell.cache}\nwell-formed entries: {good}\ncorrupt entries: {corrupt}\n"
        f"orphan tmp directories: {orphans[0]}\norphan restore directories: {orphans[1]}\n"
        f"total bytes: {total}\n{schema}"
    )


def cleaned(
    inspected: int, soft: int, age: int, size: int, orphans: tuple[int, int], freed: int
) -> str:
    return (
        f"entries inspected: {inspected}\nevicted --soft: {soft}\nevicted --max-age: {age}\n"
        f"evicted --max-size: {size}\norphan tmp directories removed: {orphans[0]}\n"
        f"orphan restore directories removed: {orphans[1]}\nbytes reclaimed: {freed}\n"
    )


def planned(
    inspected: int,
    soft: int,
    age: int,
    size: int,
    orphans: tuple[int, int],
    freed: int,
    *lines: str,
) -> str:
    return (
        "dry-run: AUX-024 plan only, no entries removed.\n"
        f"entries inspected: {inspected}\nwould evict --soft: {soft}\n"
        f"would evict --max-age: {age}\nwould evict --max-size: {size}\n"
        f"orphan tmp directories noted: {orphans[0]}\n"
        f"orphan restore directories noted: {orphans[1]}\nbytes projected: {freed}\n"
        + "".join(f"{line}\n" for line in lines)
    )


NOTHING = (0, 0, 0, 0, (0, 0), 0)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("cache", "expected `COMMAND ...`, pass `--help` for usage information"),
        (
            "cache bogus",
            "expected `COMMAND ...`, got `bogus`. Pass `--help` for usage information",
        ),
        ("cache wipe", "expected `COMMAND ...`, got `wipe`. Pass `--help` for usage information"),
        ("cach info", "no such command or positional: `cach`, did you mean `cache`?"),
        ("cache infoo", "no such command or positional: `infoo`, did you mean `info`?"),
        ("cache info extra", "`extra` is not expected in this context"),
        ("cache info --soft", "`--soft` is not expected in this context"),
        ("cache clear x", "`x` is not expected in this context"),
        ("cache clear --dry-run", "`--dry-run` is not expected in this context"),
        (
            "cache --soft clean",
            "flag `--soft` is not valid in this context, did you mean to pass it to command "
            "`clean`?",
        ),
        ("cache clean --soft extra", "`extra` is not expected in this context"),
        ("cache clean --max-age", "`--max-age` requires an argument `DURATION`"),
        ("cache clean --max-size", "`--max-size` requires an argument `BYTES`"),
        (
            "cache clean --max-age -1d",
            "`--max-age` requires an argument `DURATION`, got a flag `-1d`, try `--max-age=-1d` "
            "to use it as an argument",
        ),
        (
            "cache clean --max-age=-1d",
            "--max-age: couldn't parse `-1d`: max_age expects a digit at byte position 0",
        ),
        (
            "cache clean --max-age 90",
            "--max-age: couldn't parse `90`: max_age integer `90` has no unit suffix",
        ),
        (
            "cache clean --max-size 1GB --max-age 1x",
            "--max-age: couldn't parse `1x`: max_age unit `x` is not one of s/m/h/d/w",
        ),
        (
            "cache clean --max-age 1W",
            "--max-age: couldn't parse `1W`: max_age unit `W` is not one of s/m/h/d/w",
        ),
        (
            "cache clean --max-size=1ZB --max-age=90",
            "--max-age: couldn't parse `90`: max_age integer `90` has no unit suffix",
        ),
        (
            "cache clean --max-size 1.5GB",
            "--max-size: couldn't parse `1.5GB`: max_size suffix `.5GB` is not one of "
            "B/KB/MB/GB/TB/KiB/MiB/GiB/TiB",
        ),
        (
            "cache clean --max-size 1kb",
            "--max-size: couldn't parse `1kb`: max_size suffix `kb` is not one of "
            "B/KB/MB/GB/TB/KiB/MiB/GiB/TiB",
        ),
        (
            "cache clean --max-age=",
            'couldn\'t parse `--max-age=""`: max_age cannot be the empty string',
        ),
        (
            "cache clean --max-age 1d --max-age 2d",
            "argument `--max-age` cannot be used multiple times in this context",
        ),
        ("cache show", "expected `KEY`, pass `--help` for usage information"),
        (
            "cache show abc",
            "couldn't parse `abc`: a key is given by 4 to 64 hexadecimal digits, see "
            "`haz cache ls`",
        ),
        ("cache ls extra", "`extra` is not expected in this context"),
    ],
)
def test_a_bad_line_gets_one_sentence(
    words: str, text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and one sentence, before any workspace is looked at."""
    assert run_command_line(words.split()) == 2
    out, err = capfd.readouterr()
    assert (out, " ".join(err.split())) == ("", f"Error: {text}")


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        ("cache -h", ("info", "clear", "clean", "ls", "show")),
        ("cache --help info", ("info", "clear", "clean", "ls", "show")),
        ("cache clean -h --bogus", ("--soft", "DURATION", "BYTES", "--dry-run")),
        ("cache info --help", ("--json",)),
        ("cache show --help", ("KEY", "--json")),
    ],
)
def test_help_is_of_the_level_that_was_reached(
    words: str, flags: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    """Help wins over mistakes; every option has an example."""
    assert run_command_line(words.split()) == 0
    out = capfd.readouterr().out
    assert all(flag in out for flag in flags)
    options = [line for line in out.splitlines() if line.startswith("  --")]
    assert " ".join(out.split()).count("Example: haz cache") >= len(options)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("cache clear", "cache cleared.\n"),
        ("cache clean --soft", cleaned(*NOTHING)),
        ("cache clean --soft --dry-run", planned(*NOTHING)),
        ("cache clean --max-age 1d --max-size 1GB", cleaned(*NOTHING)),
        ("cache clean --max-age 1h30m", cleaned(*NOTHING)),
        ("cache clean --max-age 0s", cleaned(*NOTHING)),
        ("cache clean --max-size 1024 --dry-run", planned(*NOTHING)),
        ("cache ls", ""),
        ("cache ls --json", "[]\n"),
    ],
)
def test_without_a_cache_there_is_nothing_to_do(shell: Shell, words: str, text: str) -> None:
    """H01 to H06, L42, O04: success, and nothing is made; broken projects are in nobody's way."""
    before = tree(shell.root)
    assert shell.haz(words, "lib") == Said(0, text, "")
    assert shell.haz("cache info") == Said(0, info_of(shell, 0, 0, (0, 0), 0), "")
    assert tree(shell.root) == before


@pytest.mark.parametrize("words", ["cache clean", "cache clean --dry-run"])
def test_clean_needs_a_mode(shell: Shell, words: str) -> None:
    """A83, H05: a dry run is no mode."""
    said = shell.haz(words)
    assert (said.code, said.out, narrated(said)) == (2, "", NO_MODE)


@pytest.mark.parametrize("words", ["cache info", "cache clear", "cache clean --soft", "cache ls"])
def test_a_bad_hash_setting_is_refused(shell: Shell, words: str) -> None:
    """N10, N11: which entries are good depends on it."""
    shell.settings("projects: []\ncache:\n  hash: md5\n")
    said = shell.haz(words)
    assert (said.code, said.out) == (2, "")
    assert "haz::cfg::027" in said.err


def test_outside_of_a_workspace_every_command_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """B14."""
    for words in ("info", "clear", "clean --soft", "ls", "show abcd"):
        assert run_command_line(["-C", str(tmp_path), "cache", *words.split()]) == 2
        assert str(tmp_path) in "".join(capfd.readouterr().err.replace("│", "").split())


def test_info_counts_and_names_the_schema(shell: Shell) -> None:
    """H07, O07, A9: strays have bytes too; entries of another hash function are corrupt."""
    put(shell.root, key("a"), b"x")
    path = put_key(shell.root, "b") / "manifest.json"
    write(shell.cache / ".gitignore", b"*\n")
    (shell.cache / "bb" / ".tmp-1").mkdir()
    (shell.cache / ".restore-1").mkdir()
    size = path.stat().st_size + 1 + 2
    text = info_of(shell, 1, 1, (1, 1), size, by="blake3")
    assert shell.haz("cache info", "lib") == Said(0, text, "")
    shell.settings("projects: []\ncache:\n  hash: sha256\n")
    assert shell.haz("cache info") == Said(0, info_of(shell, 0, 2, (1, 1), size), "")


def test_info_as_json_has_the_same_figures(shell: Shell) -> None:
    """One object; what cannot be seen is listed in it."""
    put_key(shell.root, "b")
    said = shell.haz("cache info --json")
    value = json.loads(said.out)
    total = (shell.cache / "bb" / key("b") / "manifest.json").stat().st_size
    assert (said.code, said.err) == (0, "")
    assert value == {
        "root": str(shell.cache),
        "wellFormed": 1,
        "corrupt": 0,
        "orphanTmp": 0,
        "orphanRestore": 0,
        "quarantined": 0,
        "totalBytes": total,
        "bySchema": [{"revision": 0, "hash": "blake3", "entries": 1}],
        "problems": [],
    }


def test_info_as_json_lists_an_obstacle_once() -> None:
    """Two looks meet the same one; what has the name of an orphan and is no folder is another."""
    problem = PermissionError(errno.EACCES, "Permission denied")
    shut, other = "/w/.haz/cache/11", "/w/.haz/cache/22"
    found = Census(
        "/w/.haz/cache",
        restoring=(".restore-x",),
        misplaced=frozenset({".restore-x"}),
        problems=(Problem.of(Step.READ_SHARD, shut, problem),),
    )
    bulk = Bulk(0, tuple(Problem.of(Step.READ, path, problem) for path in (shut, other)))
    assert json.loads(info_json(found, bulk, HashName.BLAKE3))["problems"] == [
        {"path": shut, "reason": "Permission denied"},
        {"path": other, "reason": "Permission denied"},
        {"path": "/w/.haz/cache/.restore-x", "reason": "Not a directory"},
    ]


def test_a_dry_run_lists_the_plan_and_changes_nothing(shell: Shell) -> None:
    """H08, A10: the first eight characters of a name, sorted by mode, time and name."""
    put(shell.root, "notanentry", shard="no")
    put(shell.root, key("4"), manifest(key("4"), created=1_795_246_292))
    put(shell.root, key("3"), manifest(key("3"), created=5, hash_function="sha256"))
    (shell.cache / ".restore-1").mkdir()
    before = tree(shell.root)
    text = planned(
        3,
        2,
        0,
        1,
        (0, 1),
        14,
        "dry-run plan:",
        "  notanent created_at=0 footprint=0 mode=--soft",
        "  33333333 created_at=5 footprint=7 mode=--soft",
        "  44444444 created_at=1795246292 footprint=7 mode=--max-size",
    )
    assert shell.haz("cache clean --soft --max-size=0 --dry-run") == Said(0, text, "")
    assert tree(shell.root) == before


def test_clean_removes_and_reports(shell: Shell) -> None:
    """H09, O09: what it says is what has happened."""
    for digit in "12":
        put_key(shell.root, digit, size=12)
    put(shell.root, key("3"), b"")
    (shell.cache / "11" / ".tmp-1").mkdir()
    assert shell.haz("cache clean --soft") == Said(0, cleaned(3, 1, 0, 0, (1, 0), 0), "")
    assert shell.haz("cache clean --max-size 0B") == Said(0, cleaned(2, 0, 0, 2, (0, 0), 24), "")
    assert shell.haz("cache clean --soft") == Said(0, cleaned(*NOTHING), "")


def test_the_workspace_sets_limits_and_a_flag_stands_over_its_own(shell: Shell) -> None:
    """M06, M07, AUX-025: field by field, and the two add up."""
    shell.settings("projects: []\ncache:\n  clean: {max_age: 30d}\n")
    now = int(time.time())
    put_key(shell.root, "1", created=now - 40 * 86_400)
    put_key(shell.root, "2", created=now)
    assert shell.haz("cache clean --max-age 50d") == Said(0, cleaned(2, 0, 0, 0, (0, 0), 0), "")
    both = planned(2, 0, 1, 1, (0, 0), 14).splitlines()
    assert shell.haz("cache clean --max-size 0 --dry-run").out.splitlines()[:8] == both
    assert shell.haz("cache clean") == Said(0, cleaned(2, 0, 1, 0, (0, 0), 7), "")


def test_clear_removes_the_cache(shell: Shell) -> None:
    """H11, H12, O10."""
    put_key(shell.root, "1")
    write(shell.cache / ".gitignore", b"*\n")
    assert shell.haz("cache clear", "lib") == Said(0, "cache cleared.\n", "")
    assert os.listdir(shell.root / ".haz") == ["workspace.yml"]


def test_what_a_run_works_on_is_left_and_named(shell: Shell) -> None:
    """A clear during a run succeeds and says what it left."""
    live = shell.cache / "11" / ".tmp-1"
    live.mkdir(parents=True)
    fd = os.open(live, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        assert shell.haz("cache info").out == info_of(shell, 0, 0, (0, 0), 0)
        said = shell.haz("cache clear")
    finally:
        os.close(fd)
    assert (said.code, said.out) == (0, "cache cleared.\n")
    assert "11/.tmp-1" in said.err
    assert live.is_dir()


@pytest.mark.parametrize(
    ("words", "headline"),
    [
        ("cache info", "cache info walk failed"),
        ("cache clear", "cache clear failed"),
        ("cache clean --soft", "cache clean failed"),
        ("cache ls", "the cache cannot be read"),
    ],
)
def test_a_file_in_the_place_of_the_cache_is_an_error(
    shell: Shell, words: str, headline: str
) -> None:
    """M18, M19: exit code 2, nothing on stdout, and the way out."""
    write(shell.cache)
    said = shell.haz(words)
    assert (said.code, said.out) == (2, "")
    assert narrated(said).startswith(headline)
    assert str(shell.cache) in "".join(narrated(said).split())
    assert "remove what stands there" in narrated(said)


def test_what_cannot_be_removed_is_reported_after_the_report(shell: Shell) -> None:
    """A10: best effort, exit code 2, the original's sentence."""
    stray = write(shell.cache / ".restore-f")
    put_key(shell.root, "1")
    said = shell.haz("cache clean --soft --max-size=0")
    assert said == Said(
        2,
        cleaned(1, 0, 0, 1, (0, 0), 7),
        f"cache clean: failed to remove orphan restore directory at: {stray}: I/O error at: "
        f"{stray}: Not a directory (os error 20)\n",
    )
    said = shell.haz("cache info")
    assert (said.code, said.out) == (2, info_of(shell, 0, 0, (0, 0), 5))
    assert f"{stray} is not a folder" in said.err


def test_a_folder_of_somebody_else_stays_and_is_named(shell: Shell) -> None:
    """It is no failure: what haz did not write, haz does not delete."""
    strange = write(shell.cache / "zz" / "not-a-key" / "thesis.txt").parent
    said = shell.haz("cache clean --soft")
    assert (said.code, said.out) == (0, cleaned(1, 0, 0, 0, (0, 0), 0))
    assert said.err == f"haz: {strange} stays: haz did not write thesis.txt in it\n"
    assert (strange / "thesis.txt").exists()


def test_a_folder_whose_name_is_no_text_is_corrupt(shell: Shell) -> None:
    """A name that is not UTF-8 is no key; it is counted, and removed like any other."""
    os.makedirs(os.fsencode(shell.cache) + b"/ab/d\xff")
    write(shell.cache / "state" / "locks", b"")
    assert (shell.haz("cache ls").code, shell.haz("cache ls --json").code) == (0, 0)
    assert shell.haz("cache info").out == info_of(shell, 0, 1, (0, 0), 0)
    assert "no entry has a key" in narrated(shell.haz("cache show abcd"))
    verified = shell.haz("cache verify")
    assert (verified.code, "strange ab/d\\xff" in verified.out) == (1, True)
    line = "  d\N{REPLACEMENT CHARACTER} created_at=0 footprint=0 mode=--soft"
    plan = planned(1, 1, 0, 0, (0, 0), 0, "dry-run plan:", line)
    assert shell.haz("cache clean --soft --dry-run").out == plan
    assert shell.haz("cache clean --soft").out == cleaned(1, 1, 0, 0, (0, 0), 0)
    assert os.listdir(shell.cache) == ["state"]


def as_nobody(root: Path, words: str) -> Said:
    """Run a command line in a process without privileges."""
    script = (
        "import os, sys\n"
        "from haz_trio.cli.main import run_command_line\n"
        "import haz_trio.cli.cache_entries, haz_trio.config.load, haz_trio.output.console\n"
        "os.setgid(65534); os.setuid(65534)\n"
        f"sys.exit(run_command_line(['-C', {str(root)!r}, *{words!r}.split()]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", script], capture_output=True, text=True, check=False
    )
    return Said(done.returncode, done.stdout, done.stderr)


def test_a_folder_that_cannot_be_read_is_named() -> None:
    """B 308: info counts the rest, clean goes on, clear fails; all three exit with 2."""
    if os.geteuid() != 0:
        pytest.skip("needs to become another user")
    with tempfile.TemporaryDirectory() as where:
        root = Path(where)
        root.chmod(0o755)
        if as_nobody(root, "--version").code != 0:
            pytest.skip("haz is installed where other users may not read")
        write(root / ".haz" / "workspace.yml", b"projects: []\n")
        put_key(root, "1")
        put_key(root, "2")
        for path in (root, *root.rglob("*")):
            os.chown(path, 65534, 65534)
        shut = root / ".haz" / "cache" / "11"
        shut.chmod(0)
        info = as_nobody(root, "cache info")
        assert (info.code, info.out.splitlines()[1]) == (2, "well-formed entries: 1")
        assert f"cannot read {shut}: Permission denied" in info.err
        info = as_nobody(root, "cache info --json")
        problem = {"path": str(shut), "reason": "Permission denied"}
        assert (info.code, json.loads(info.out)["problems"]) == (2, [problem])
        clean = as_nobody(root, "cache clean --max-size 0 --dry-run")
        assert (clean.code, clean.out.splitlines()[1]) == (2, "entries inspected: 1")
        assert clean.err == (
            f"cache clean: failed to read cache shard at: {shut}: I/O error at: {shut}: "
            "Permission denied (os error 13)\n"
        )
        clear = as_nobody(root, "cache clear")
        assert (clear.code, clear.out) == (2, "")
        assert "cache clear failed" in clear.err


@pytest.mark.parametrize(
    "words", ["cache info", "cache clear", "cache clean --soft", "cache ls --json"]
)
def test_a_full_disk_behind_stdout_is_an_error(shell: Shell, words: str) -> None:
    """The report is lost: exit code 2 and a line on stderr."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "haz_trio", *words.split()],
            cwd=shell.root,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 2
    assert b"cannot write to standard output" in done.stderr


# -- ls and show ------------------------------------------------------------------------------


@pytest.fixture
def stored(shell: Shell) -> Shell:
    """An entry of our own store and one as the original makes them, an hour later."""
    bench = Bench(shell.root)
    recipe = b'{"format": "haz-trio recipe 1", "inputs": {"/lib/a\\u001b[31m": "00"}, "x": [1]}'
    bench.fresh(
        subject("out"),
        lambda: write(bench.lib / "out", b"made"),
        key=key("3"),
        stdout=b"",
        stderr=b"",
    )
    (bench.entry(key("3")) / "recipe.json").write_bytes(recipe)
    put(shell.root, key("4"), manifest(key("4"), created=4600, outputs=[("/x", 5000)]))
    put(shell.root, key("5"), b"{")
    put(shell.root, "31" + "0" * 62, manifest("31" + "0" * 62, created=10))
    return shell


def test_ls_lists_good_entries_newest_first(stored: Shell) -> None:
    """One line each; the task where it is known; damaged entries are not listed."""
    said = stored.haz("cache ls")
    assert (said.code, said.err) == (0, "")
    rows = [line.split() for line in said.out.splitlines()]
    assert [row[:4] for row in rows] == [
        ["44444444", "-", "4.9", "KiB"],
        ["33333333", "lib:build", "4", "B"],
        ["31000000", "-", "7", "B"],
    ]
    assert all(row[4].endswith("w") for row in rows)
    assert len({len(line) for line in said.out.splitlines()}) == 1


def test_ls_as_json_has_whole_keys_and_bytes(stored: Shell) -> None:
    """A list in the same order."""
    said = stored.haz("cache ls --json")
    assert json.loads(said.out) == [
        {"key": key("4"), "task": None, "size": 5007, "createdAt": 4600},
        {"key": key("3"), "task": "lib:build", "size": 4, "createdAt": 1000},
        {"key": "31" + "0" * 62, "task": None, "size": 7, "createdAt": 10},
    ]


def test_show_prints_manifest_and_recipe(stored: Shell) -> None:
    """A unique beginning of the key is enough; nothing unprintable gets through."""
    said = stored.haz("cache show 3333")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[:5] == [
        f"key: {key('3')}",
        "task: lib:build",
        "state: usable",
        lines[3],
        "size: 4 B",
    ]
    assert lines[3].startswith("stored: 1970-01-01T00:16:40Z (")
    assert any("/lib/out" in line for line in lines)
    assert "    /lib/a\\u{1b}[31m: 00" in lines
    assert "\x1b" not in said.out


def test_show_as_json_is_what_is_on_disk(stored: Shell) -> None:
    """The documents as they are, and whether a run would use the entry."""
    folder = stored.cache / "33" / key("3")
    value = json.loads(stored.haz("cache show 33333 --json").out)
    assert value == {
        "key": key("3"),
        "usable": True,
        "reason": None,
        "manifest": json.loads((folder / "manifest.json").read_bytes()),
        "recipe": json.loads((folder / "recipe.json").read_bytes()),
    }


def test_show_says_why_an_entry_is_not_used(stored: Shell) -> None:
    """An entry of the original has no seal and no recipe."""
    said = stored.haz("cache show 44444444")
    assert said.code == 0
    assert "state: no run uses it: format is not haz-trio/1" in said.out
    assert "recipe: not recorded" in said.out
    value = json.loads(stored.haz("cache show 44444444 --json").out)
    assert (value["usable"], value["recipe"]) == (False, None)


@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("abcd", ("no entry has a key that starts with abcd", "haz cache ls")),
        ("5555", (key("5")[:20], "cannot be read", "haz cache clean --soft")),
    ],
)
def test_show_of_what_is_not_there_names_the_way_out(
    stored: Shell, prefix: str, words: tuple[str, ...]
) -> None:
    """Exit code 2 and nothing on stdout."""
    said = stored.haz(f"cache show {prefix}")
    assert (said.code, said.out) == (2, "")
    assert all(word in narrated(said) for word in words)


def test_show_of_an_ambiguous_key_lists_the_candidates(stored: Shell) -> None:
    """Four digits may be too few."""
    put(stored.root, "3333" + "1" * 60, manifest("3333" + "1" * 60))
    said = stored.haz("cache show 3333")
    assert (said.code, said.out) == (2, "")
    assert "give more digits" in narrated(said)
    assert stored.haz("cache show 33331").code == 0


def test_no_command_but_clean_and_clear_changes_a_thing(stored: Shell) -> None:
    """AUX-018, AUX-020: reading leaves no trace."""
    before = tree(stored.root)
    for words in ("info", "info --json", "ls", "show 3333", "clean --soft --dry-run"):
        assert stored.haz(f"cache {words}").code == 0
    assert tree(stored.root) == before


def test_verify_of_a_sound_cache(stored: Shell) -> None:
    """Entries of another schema are counted, not judged; the damaged one is removed first."""
    shutil.rmtree(stored.cache / "55")
    said = stored.haz("cache verify")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        f"cache root: {stored.cache}",
        "entries verified: 1",
        "entries of another schema: 2",
        "blobs verified: 2",  # the other one stands for all streams without bytes
        "damaged entries: 0",
        "damaged blobs: 0",
        "strange files: 0",
        "quarantined entries: 0",
    ]


def test_verify_names_damage_and_repair_sets_it_aside(stored: Shell) -> None:
    """Exit code 1 until nothing is left to be done; info counts the quarantine."""
    [blob] = [path for path in (stored.cache / "blobs").iterdir() if path.read_bytes()]
    with blob.open("r+b") as file:
        file.write(b"MADE")
    said = stored.haz("cache verify")
    assert said.code == 1
    assert "damaged entries: 2\ndamaged blobs: 1\n" in said.out
    assert f"damaged 33333333 (lib:build): blob {blob.name} has other bytes" in said.out
    assert f"damaged blobs/{blob.name}: blob {blob.name} has other bytes" in said.out
    assert "haz cache verify --repair" in narrated(said)
    said = stored.haz("cache verify --repair")
    assert (said.code, said.err) == (0, "")
    assert "entries set aside: 2\nblobs removed: 1\n" in said.out
    assert stored.haz("cache verify").code == 0
    info = stored.haz("cache info")
    assert "damaged entries in quarantine: 2" in info.err
    assert json.loads(stored.haz("cache info --json").out)["quarantined"] == 2
    assert stored.haz("cache clean --soft").code == 0
    assert json.loads(stored.haz("cache info --json").out)["quarantined"] == 0


def test_verify_as_json(stored: Shell) -> None:
    """Places inside the cache; what belongs to nobody is not repaired."""
    write(stored.cache / "mine.txt")
    value = json.loads(stored.haz("cache verify --json").out)
    assert [(each["place"], each["task"]) for each in value["damaged"]] == [
        (f"55/{key('5')}", None)
    ]
    assert value["damaged"][0]["reason"]
    assert (value["strangers"], value["repair"]) == (["mine.txt"], None)
    said = stored.haz("cache verify --repair --json")
    assert said.code == 1
    assert json.loads(said.out)["repair"] == {
        "mended": [f"55/{key('5')}"],
        "busy": [],
        "problems": [],
    }
    said = stored.haz("cache verify")
    assert said.code == 1
    assert "strange mine.txt" in said.out
    assert "move it away yourself" in narrated(said)
