"""Names of things and of environment variables (ID-001 to ID-005, CFG-032)."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from haz_trio.errors import InvalidTextError
from haz_trio.model.names import (
    SHELL_NAME_BYTES,
    TaskId,
    check_name,
    check_variable,
    is_variable,
    quote,
    quote_character,
    quote_place,
)


def accepts(check: object, text: str) -> bool:
    assert callable(check)
    try:
        assert check(text) == text
    except InvalidTextError:
        return False
    return True


near_names = st.text("aZ09_-. é\n", max_size=6) | st.integers(62, 66).map("a".__mul__)


@given(near_names)
@example("a\n")
def test_names_are_those_of_the_rule(text: str) -> None:
    """The check accepts exactly the expression of config.md 4."""
    expected = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", text) is not None
    assert accepts(check_name, text) is expected


@given(near_names | st.integers(254, 258).map("_".__mul__))
def test_variables_are_those_of_the_rule(text: str) -> None:
    """Also for environment variables, and both checks agree."""
    expected = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,255}", text) is not None
    assert accepts(check_variable, text) is expected
    assert is_variable(text) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "name is empty"),
        ("é" * 33, "name is 66 bytes long; maximum is 64"),
        ("-a", "name starts with invalid character '-'; must start with an ASCII alphanumeric"),
        ("a.b", "name contains invalid character '.'; allowed: ASCII alphanumeric, '_', '-'"),
        ("a\n", r"name contains invalid character '\n'"),
        ("a\x01", r"name contains invalid character '\u{1}'"),
        ("a'", r"name contains invalid character '\''"),
        ('a"', "name contains invalid character '\"'"),
    ],
)
def test_a_bad_name_is_explained(text: str, message: str) -> None:
    """The first broken rule is told, with the character."""
    with pytest.raises(InvalidTextError) as caught:
        check_name(text)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "environment variable name is empty"),
        ("A" * 257, "environment variable name is 257 bytes long; maximum is 256"),
        ("1A", "environment variable name starts with invalid character '1'; must start with"),
        (
            "A-B",
            "environment variable name contains invalid character '-'; allowed: ASCII letters",
        ),
    ],
)
def test_a_bad_variable_is_explained(text: str, message: str) -> None:
    """The noun and the rule are those of variables."""
    with pytest.raises(InvalidTextError) as caught:
        check_variable(text)
    assert str(caught.value).startswith(message)


def test_shell_names_are_shorter() -> None:
    """The limit is an argument, and the message tells the right number."""
    with pytest.raises(InvalidTextError, match="33 bytes long; maximum is 32"):
        check_name("s" * 33, limit=SHELL_NAME_BYTES)


def test_quoting_escapes_what_cannot_be_printed() -> None:
    """Printable text stays, also if it is not ASCII."""
    assert quote('é\t"\\\u200b') == r'"é\t\"\\\u{200b}"'
    assert quote_character("é") == "'é'"


def test_a_very_long_path_is_shortened_in_the_middle() -> None:
    """It begins and ends as it does; others stay whole."""
    assert quote_place("/a/b") == '"/a/b"'
    assert quote_place("/" + "d/" * 2000 + "f") == f'"/{"d/" * 49}d…{"/d" * 49}/f"'


ids = st.builds(TaskId, st.sampled_from(["a", "a-b", "b"]), st.sampled_from(["a", "a-b", "b"]))


@given(ids, ids)
def test_task_ids_are_ordered_by_project_and_then_task(first: TaskId, second: TaskId) -> None:
    """Canonical order is not the order of the printed text."""
    assert (first < second) == ((first.project, first.task) < (second.project, second.task))
    assert (first == second) == (str(first) == str(second))
    assert str(first) == f"{first.project}:{first.task}"


def test_an_id_is_equal_to_the_same_id_alone() -> None:
    """Project and task make an id; what prints the same is none for that."""
    assert TaskId("a", "b") == TaskId("a", "b")
    assert TaskId("a", "b") != TaskId("a", "c")
    assert TaskId("a", "b") != "a:b"
