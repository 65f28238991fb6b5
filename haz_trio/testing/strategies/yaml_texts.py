"""One value in many spellings of YAML, and texts that are no configuration at all."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from hypothesis import strategies as st

from haz_trio.testing.reference.json_values import Json

STYLES = (
    *("json", "flow", "block", "plain", "anchors", "bom", "crlf", "comments", "markers"),
    "decoys",
)
DECOY = "[[0]]"  # is right nowhere
BROKEN = (
    b"",
    b"# only\n",
    b"- a\n",
    b"hello\n",
    b"name: [\n",
    b"name: a\nname: b\n",
    b"name: a\n---\nname: b\n",
    b"name:\n\t- a\n",
    b"name: *nope\n",
    b"name: a\xff\n",
    b"\xff\xfen\x00",
    b"? [x]\n: a\n",
    b"name: a\n<<: 1\n",
)


def yaml_texts(value: Json) -> st.SearchStrategy[bytes]:
    """Files that hold a value."""
    return st.sampled_from(STYLES).map(lambda style: written(value, style))


def written(value: Json, style: str) -> bytes:
    """A value in one of the styles."""
    whole = json.dumps(value, ensure_ascii=False, indent=1) + "\n"
    match style:
        case "flow":
            return json.dumps(value, ensure_ascii=False).encode()
        case "block" | "plain":
            return (_block(value, "", plain=style == "plain").lstrip("\n") + "\n").encode()
        case "anchors":
            return (_anchored(value, []) + "\n").encode()
        case "decoys":
            return _decoyed(value).encode()
        case "bom":
            return b"\xef\xbb\xbf" + whole.encode()
        case "crlf":
            return whole.replace("\n", "\r\n").encode()
        case "comments":
            lines = [f"{line} # {number}" for number, line in enumerate(whole.splitlines())]
            return ("# first\n" + "\n".join(lines)).encode()
        case "markers":
            return f"%YAML 1.2\n---\n{whole}...\n".encode()
        case _:
            return whole.encode()


def doubled(value: Json, *, deep: bool) -> bytes:
    """A mapping with one key twice, its first or one ``deep`` inside: no configuration."""
    return _doubled(value or {"name": "a"}, deep=deep).encode()


def _doubled(value: Json, *, deep: bool) -> str:
    if not isinstance(value, dict) or not value:
        return json.dumps(value)
    rows = [f"{json.dumps(key)}: {json.dumps(it)}" for key, it in value.items()]
    inner = next((key for key, it in value.items() if deep and isinstance(it, dict) and it), None)
    if inner is None:
        rows.append(rows[0])
    else:
        rows[[*value].index(inner)] = f"{json.dumps(inner)}: {_doubled(value[inner], deep=True)}"
    return "{" + ", ".join(rows) + "}"


def _decoyed(value: Json) -> str:
    """Flow style; mappings merge their first key from two sources, of which the later one wins,
    and have their last key from themselves, whatever is merged."""
    if isinstance(value, list):
        return "[" + ", ".join(map(_decoyed, value)) + "]"
    if not isinstance(value, dict) or not value:
        return json.dumps(value, ensure_ascii=False)
    first, *others = ((json.dumps(key), _decoyed(it)) for key, it in value.items())
    losers = dict.fromkeys((first[0], *(key for key, _ in others[-1:])), DECOY)
    merged = f"<<: [{_pairs([*losers.items()])}, {_pairs([first])}]"
    return "{" + ", ".join([merged, *(f"{key}: {it}" for key, it in others)]) + "}"


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{key}: {it}" for key, it in pairs) + "}"


def _block(value: Json, indent: str, *, plain: bool) -> str:
    """Block style; scalars without quotes where that changes nothing."""
    if isinstance(value, dict) and value:
        rows = [
            f"{indent}{_scalar(key, plain)}:{_block(it, indent + '  ', plain=plain)}"
            for key, it in value.items()
        ]
        return "\n" + "\n".join(rows)
    if isinstance(value, list) and value:
        rows = []
        for it in value:
            inner = _block(it, indent + "  ", plain=plain)
            rows.append(f"{indent}-{inner}")
        return "\n" + "\n".join(rows)
    return " " + _scalar(value, plain)


def _scalar(value: Json, plain: bool) -> str:
    safe = isinstance(value, str) and re.fullmatch(r"[A-Za-z/][A-Za-z0-9_/.-]*", value)
    if plain and safe and value not in ("null", "Null", "NULL"):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _anchored(value: Json, seen: list[Json]) -> str:
    """Flow style; mappings that come again are aliases, larger ones merge what they share."""
    if isinstance(value, list):
        return "[" + ", ".join(_anchored(it, seen) for it in value) + "]"
    if not isinstance(value, dict) or not value:
        return json.dumps(value, ensure_ascii=False)
    if value in seen:
        return f"*a{seen.index(value)} "
    parts = dict(value)
    text = ""
    for number, other in enumerate(seen):
        if isinstance(other, dict) and other.items() <= parts.items():
            text = f"<<: *a{number} "
            parts = {key: it for key, it in parts.items() if key not in other}
            break
    rows = [f"{json.dumps(key)}: {_anchored(it, seen)}" for key, it in parts.items()]
    seen.append(value)
    return f"&a{len(seen) - 1} {{" + ", ".join(([text] if text else []) + rows) + "}"
