"""``haz why --receipt``: how a task ended when it last did not succeed, back to one root."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from haz_trio.cache.receipts import COMPLETED, Receipt
from haz_trio.cli.cache_texts import moment_text
from haz_trio.output.receipts import chain, signal_name
from haz_trio.output.summary import format_duration
from haz_trio.output.text import one_line

_VERSION = 1
_STEP = "  "


def receipt_json(task: str, receipts: Mapping[str, Receipt]) -> str:
    """One object; ``causes`` are the receipts of the tasks to blame, the nearest one first."""
    receipt = receipts.get(task)
    causes = [] if receipt is None else [{"task": n, **r} for n, r in _blamed(receipt, receipts)]
    document = {"v": _VERSION, "task": task, "receipt": receipt, "causes": causes}
    return json.dumps(document, indent=2) + "\n"


def receipt_text(task: str, receipts: Mapping[str, Receipt]) -> str:
    """A tree: each cause is one step further in than what it led to."""
    return "".join(f"{line}\n" for line in _lines(task, receipts))


def _lines(task: str, receipts: Mapping[str, Receipt]) -> Iterator[str]:
    yield task
    receipt = receipts.get(task)
    if receipt is None:
        yield "receipt: none recorded"
        return
    yield f"run: {_moment(receipt, 'run')}"
    yield f"at: {_moment(receipt, 'at')}"
    yield f"state: {_state(receipt)}"
    yield from (_STEP + line for line in _details(receipt))
    blamed, depth = dict(_blamed(receipt, receipts)), _STEP
    for cause in chain(receipt):
        yield f"{depth}because {_cause(cause)}"
        depth += _STEP
        yield from (depth + line for line in _details(blamed.get(str(cause.get("task")), {})))
    if COMPLETED in receipt:
        yield f"completed since: {_moment(receipt, COMPLETED)}"


def _blamed(receipt: Receipt, receipts: Mapping[str, Receipt]) -> Iterator[tuple[str, Receipt]]:
    """The receipts, of the same run, of the tasks among the causes."""
    for cause in chain(receipt):
        task = str(cause.get("task"))
        found = receipts.get(task)
        if found is not None and found.get("run") == receipt.get("run"):
            yield task, found


def _state(receipt: Receipt) -> str:
    """How a task ended, and with what."""
    state, ended = str(receipt.get("state")).replace("_", " "), _status(receipt)
    if ended:
        return f"{state} ({ended})"
    if "reason" in receipt and "cause" not in receipt:
        return f"{state}: {one_line(str(receipt['reason']))}"
    return state


def _status(members: Mapping[str, object]) -> str:
    match members:
        case {"exit": code}:
            return f"exit {code}"
        case {"signal": int(number)}:
            return f"signal {number}, {signal_name(number)}"
        case {"timed_out": float(seconds) | int(seconds)}:
            return f"it had used up its {format_duration(seconds)} (--task-timeout)"
        case _:
            return ""


def _details(receipt: Receipt) -> Iterator[str]:
    """What was done to the command of a task, and who outlived it."""
    if "tries" in receipt:
        yield f"tries: {receipt['tries']}"
    match receipt.get("signals"):
        case [_, *_] as sent:
            yield f"signals: {', '.join(map(_sent, sent))}"
        case _:
            pass
    match receipt.get("grace"):
        case float(seconds) | int(seconds):
            yield f"grace: {format_duration(seconds)}"
        case _:
            pass
    match receipt.get("ended"):
        case dict(status):
            yield f"command: {_status(status)}"
        case _:
            pass
    for name, words in (("outlived_by", "ended after it"), ("survivors", "goes on")):
        match receipt.get(name):
            case [_, *_] as names:
                yield f"{words}: {', '.join(one_line(str(each)) for each in names)}"
            case _:
                pass


def _sent(signal: object) -> str:
    match signal:
        case {"name": str(name), "at": int(at) | float(at)}:
            return f"{name} {format_duration(at)} after its start"
        case _:
            return "?"


def _cause(cause: Mapping[str, object]) -> str:
    match cause:
        case {"kind": "task", "task": task}:
            return f"{task} {_was(cause)}"
        case {"kind": "signal", "name": name}:
            return f"haz got {name}"
        case {"kind": "time_limit", "seconds": float(seconds) | int(seconds)}:
            return f"the run had used up its {format_duration(seconds)} (--timeout)"
        case {"kind": "violation", "rule": rule}:
            return f"the run broke {rule}"
        case _:
            return "the program that ran it wanted so"


def _was(cause: Mapping[str, object]) -> str:
    state = _state(cause)
    return f"was {state}" if state.startswith(("skipped", "cancelled")) else state


def _moment(receipt: Receipt, name: str) -> str:
    match receipt.get(name):
        case int(seconds) | float(seconds):
            return moment_text(int(seconds))
        case _:
            return "?"
