"""The local modules that a local module imports are parts of the key, wherever it does that."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from haz_trio.errors import TaskError
from haz_trio.functions.digest import parts_of
from haz_trio.functions.loading import load_function

TASK = "import hx_help\ndef f():\n    return hx_help.f()\n"
VALUE = "VALUE = 1\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to import from, of which nothing stays behind."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("hx_")]:
        del sys.modules[name]


def write(root: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    importlib.invalidate_caches()


def digest(root: Path) -> dict[str, bytes]:
    return dict(parts_of(load_function(str(root / "task.py"), "f")))


def differs(root: Path, files: Mapping[str, str], *edits: str, task: str = TASK) -> set[str]:
    """The parts that are others after a line was added to some files."""
    write(root, {**files, "task.py": task})
    before = digest(root)
    write(root, {edit: files.get(edit, "") + "MORE = 2\n" for edit in edits})
    after = digest(root)
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


@pytest.mark.parametrize(
    "helper",
    [
        "from hx_consts import VALUE\ndef f():\n    return VALUE\n",
        "from hx_consts import *\ndef f():\n    return VALUE\n",
        "import hx_consts\nVALUE = hx_consts.VALUE\ndel hx_consts\ndef f():\n    return VALUE\n",
        "def f():\n    from hx_consts import VALUE\n    return VALUE\n",
        "def f():\n    import hx_consts as c\n    return c.VALUE\n",
        "class K:\n    def m(self):\n        import hx_consts\ndef f():\n    return K().m()\n",
        "try:\n    from hx_consts import VALUE\nexcept ImportError:\n    VALUE = 2\nf = int\n",
        "if True:\n    from hx_between import VALUE\ndef f():\n    return VALUE\n",
    ],
)
def test_what_a_module_imports_counts(root: Path, helper: str) -> None:
    """Plain values too, at any depth, at the top, under conditions and inside of functions."""
    files = {
        "hx_help.py": helper,
        "hx_consts.py": VALUE,
        "hx_between.py": "from hx_consts import VALUE\n",
    }
    assert differs(root, files, "hx_consts.py") == {"module hx_consts"}


@pytest.mark.parametrize(
    ("init", "edited"),
    [
        ("from .consts import VALUE\n", "consts"),
        ("from . import consts\nVALUE = consts.VALUE\ndel consts\n", "consts"),
        ("from .deep.er import VALUE\n", "deep.er"),
        ("from .deep.er import VALUE\n", "deep"),
        ("from .deep.up import VALUE\n", "consts"),
        ("def f():\n    from . import consts\n", "consts"),
        ("def f():\n    import hx_help.deep.er\n", "deep.er"),
        ("def f():\n    from hx_help import consts\n", "consts"),
        ("def f():\n    from hx_help.deep import er\n", "deep"),
        ("try:\n    from .deep import *\nfinally:\n    del er\n", "deep.er"),
    ],
)
def test_what_a_package_imports_counts(root: Path, init: str, edited: str) -> None:
    """Relative names, submodules, and the packages on the way."""
    files = {
        "hx_help/__init__.py": init,
        "hx_help/consts.py": VALUE,
        "hx_help/deep/__init__.py": "__all__ = ['er']\n",
        "hx_help/deep/er.py": VALUE,
        "hx_help/deep/up.py": "from ..consts import VALUE\n",
    }
    path = "hx_help/deep/__init__.py" if edited == "deep" else f"hx_help/{edited}.py"
    path = path.replace("deep.er", "deep/er")
    assert differs(root, files, path) == {f"module hx_help.{edited}"}


def test_namespace_packages_are_followed(root: Path) -> None:
    """A folder without a file of its own holds modules too, and so does one inside of it."""
    files = {"hx_help.py": "def f():\n    from hx_space.deep import consts\n"}
    files["hx_space/deep/consts.py"] = VALUE
    assert differs(root, files, "hx_space/deep/consts.py") == {"module hx_space.deep.consts"}
    assert not {name for name in sys.modules if name.startswith("hx_space")}


@pytest.mark.parametrize(
    "use",
    ["import hx_help", "from hx_help import f as g", "import hx_pack.sub", "from . import x"],
)
def test_what_a_function_imports_is_followed(root: Path, use: str) -> None:
    """The files of what a function imports are a part, and what these import are more."""
    files = {
        "hx_help.py": "from hx_consts import VALUE\n",
        "hx_pack/__init__.py": "",
        "hx_pack/sub.py": "def g():\n    import hx_consts\n",
        "hx_consts.py": VALUE,
    }
    task = f"def f():\n    {use}\n"
    expected = {"module hx_consts"} if "hx_" in use else set()
    assert differs(root, files, "hx_consts.py", task=task) == expected


def test_a_relative_import_of_a_function_is_found(root: Path) -> None:
    """In a package the names with dots in front are those of its own modules."""
    files = {"hx_pack/__init__.py": "", "hx_pack/task.py": "def f():\n    from . import consts\n"}
    write(root, {**files, "hx_pack/consts.py": VALUE})
    function = importlib.import_module("hx_pack.task").f
    before = dict(parts_of(function))
    write(root, {"hx_pack/consts.py": "VALUE = 2\n"})
    after = dict(parts_of(function))
    assert {name for name in before if before[name] != after[name]} == {"import . of f"}


def test_a_file_of_another_name_is_another_package(root: Path) -> None:
    """Of a package that a function imports the names of the files count, not only their texts."""
    write(root, {"task.py": "def f():\n    import hx_pack\n", "hx_pack/a.py": VALUE})
    before = digest(root)
    (root / "hx_pack/a.py").rename(root / "hx_pack/b.py")
    assert {name for name, part in digest(root).items() if before[name] != part} == {
        "import hx_pack of f"
    }


def test_what_the_module_of_a_class_imports_counts(root: Path) -> None:
    """The text of a class's file is a part, so what that file imports is as well."""
    task = "from hx_consts import VALUE\nclass K:\n    v = VALUE\ndef f():\n    return K.v\n"
    assert differs(root, {"hx_consts.py": VALUE}, "hx_consts.py", task=task) == {
        "module hx_consts"
    }


def test_what_is_not_there_yet_counts_when_it_comes(root: Path) -> None:
    """A module that could not be imported, and a submodule that may hide nothing yet."""
    helper = (
        "try:\n    import hx_fast\n    from hx_pack import fast\nexcept ImportError:\n    pass\n"
    )
    files = {"hx_help.py": helper, "hx_pack/__init__.py": ""}
    assert differs(root, files, "hx_fast.py") == {"module hx_fast"}
    assert differs(root, files, "hx_pack/fast.py") == {"module hx_pack.fast"}


def test_circles_end(root: Path) -> None:
    """Modules that import each other are each read once, and the first one counts where it is."""
    files = {
        "hx_help.py": "import hx_a\nf = 1\n",
        "hx_a.py": "def g():\n    import hx_b\n    import hx_help\n",
        "hx_b.py": "import hx_a\nimport hx_b\n",
    }
    assert differs(root, files, "hx_help.py") == {"global hx_help of f"}
    assert differs(root, files, "hx_b.py") == {"module hx_b"}


def test_of_what_cannot_be_parsed_the_text_counts(root: Path) -> None:
    """Nobody could import it, so that it imports nothing."""
    files = {"hx_help.py": "def f():\n    import hx_bad\n", "hx_bad.py": "import hx_consts ?\n"}
    files["hx_consts.py"] = VALUE
    assert differs(root, files, "hx_consts.py") == set()
    assert differs(root, files, "hx_bad.py") == {"module hx_bad"}


def test_nothing_is_executed_and_no_place_is_known(root: Path) -> None:
    """What a function may import is found without importing it, the same in every folder."""
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); "
        "from haz_trio.functions.digest import parts_of; "
        "from haz_trio.functions.loading import load_function; "
        "parts = parts_of(load_function(sys.argv[1] + '/task.py', 'f')); "
        "assert not [name for name in sys.modules if name.startswith(('hx_pack', 'hx_late'))]; "
        "print(json.dumps([[name, part.hex()] for name, part in parts]))"
    )
    files = {
        "task.py": TASK,
        "hx_help.py": "def f():\n    import hx_pack.sub\n    from hx_late import VALUE\n",
        "hx_pack/__init__.py": "raise SystemExit\n",
        "hx_pack/sub.py": "from .. import nothing\nfrom . import other\n",
        "hx_late.py": "import json, attrs\nVALUE = 1\nraise SystemExit\n",
    }
    found = set()
    for folder in (root / "one", root / "two"):
        write(folder, files)
        words = [sys.executable, "-B", "-c", code, str(folder)]
        found.add(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    assert len(found) == 1
    names = {name for name, _ in json.loads(found.pop()) if name.startswith("module ")}
    expected = ("attrs", "hx_late", "hx_pack", "hx_pack.other", "hx_pack.sub")
    assert names == {f"module {name}" for name in expected}


def test_a_shared_folder_of_distributions_goes_by_versions(root: Path) -> None:
    """A package without a file of its own is installed if all of its folders are."""
    env = {"PYTHONUSERBASE": str(root)}
    code = (
        "import site, sys; folder = site.getusersitepackages(); sys.path.insert(0, folder); "
        "from haz_trio.functions.origins import origin_of; "
        "print(folder, origin_of('hx_space.one') or 'local')"
    )

    def found() -> tuple[str, str]:
        words = [sys.executable, "-B", "-c", code]
        done = subprocess.run(words, capture_output=True, text=True, check=True, env=env)
        folder, _, origin = done.stdout.strip().partition(" ")
        return folder, origin

    folder = Path(found()[0])
    write(
        folder,
        {
            "hx_space/one.py": VALUE,
            "hx_one-1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: hx-one\nVersion: 1.2\n",
            "hx_one-1.2.dist-info/top_level.txt": "hx_space\n",
        },
    )
    assert found()[1] == "hx-one 1.2"


def test_a_file_that_cannot_be_read_is_refused(root: Path) -> None:
    """What is there and has no text is not known to be the same tomorrow."""
    write(root, {"task.py": TASK, "hx_help.py": "from hx_consts import VALUE\n"})
    write(root, {"hx_consts.py": VALUE})
    digest(root)
    (root / "hx_consts.py").unlink()
    (root / "hx_consts.py").mkdir()
    with pytest.raises(TaskError, match="module hx_consts cannot be part of a key: cannot read"):
        digest(root)


def test_a_file_of_a_package_that_cannot_be_read_hides_no_other(root: Path) -> None:
    """A dangling link, as editors leave them, beside files that change."""
    files = {"hx_pack/__init__.py": "", "hx_pack/a.py": VALUE}
    write(root, files)
    (root / "hx_pack/.#a.py").symlink_to("nowhere")
    task = "def f():\n    import hx_pack\n"
    assert differs(root, files, "hx_pack/a.py", task=task) == {"import hx_pack of f"}
