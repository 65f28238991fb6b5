"""``haz why``: explain one task's key and what the cache has for it (AUX-013 to AUX-016)."""

from __future__ import annotations

from typing import assert_never

from haz_trio.cache.census import cache_path
from haz_trio.cache.cut_off import see_cut_off
from haz_trio.cache.cut_receipts import cut_receipts
from haz_trio.cache.receipts import read_receipts
from haz_trio.cli.options import RootOptions
from haz_trio.cli.printing import Printer
from haz_trio.cli.session import Session, open_session
from haz_trio.cli.why_call import WhyOptions
from haz_trio.cli.why_json import why_json
from haz_trio.cli.why_receipt import receipt_json, receipt_text
from haz_trio.cli.why_text import comparison_text, lookup, report
from haz_trio.engine.comparison import compare
from haz_trio.engine.explain import Explanation, Keyed, Unkeyed, explain
from haz_trio.errors import ConfigError, Diagnostic
from haz_trio.graph.files import listed
from haz_trio.graph.near import Near
from haz_trio.graph.references import Members, reason
from haz_trio.model.names import TaskId
from haz_trio.model.references import Reference
from haz_trio.process.environment import host_environment


def why_command(root: RootOptions, options: WhyOptions) -> int:
    """Print the report; it is a success whether the task hits or misses.

    Raises ``ConfigError`` when the reference does not stand for one task, and, but for
    ``--diff`` and ``--receipt``, when the key cannot be derived (AUX-014).
    """
    session = open_session(root)
    task = one_task(session, options.reference)
    printer = Printer(root)
    if options.receipt:
        receipts = read_receipts(session.workspace.root)
        cuts = see_cut_off(cache_path(session.workspace.root))  # of which no run has told yet
        receipts |= cut_receipts(cuts, receipts)
        show = receipt_json if options.json else receipt_text
        return printer.out(show(str(task), receipts))
    try:
        explanation = explain(session.workspace, session.graph, task, host=host_environment())
        for note in explanation.notes:
            printer.say(note)
        if not options.diff:
            _require_key(explanation)
        compared = compare(session.workspace, explanation) if options.diff else None
    except OSError as problem:
        place, sentence = problem.filename, problem.strerror or str(problem)
        raise _refusal(
            f"the cache cannot be looked at for `{task}`", f"{place}: {sentence}"
        ) from None
    if options.json:
        return printer.out(why_json(explanation, session.graph, compared))
    if compared is not None:
        return printer.out(comparison_text(compared, session.graph))
    return printer.out(report(explanation, session.graph))


def one_task(session: Session, reference: Reference) -> TaskId:
    """The one task that a reference stands for; raises ``ConfigError``."""
    bearing = session.bearing.name if session.bearing else None
    resolver = session.graph.resolver
    result = resolver.resolve(reference, bearing)
    if not isinstance(result, Members):
        sentence = f"could not resolve `{reference}`: {reason(reference, result)}"
        raise _refusal(sentence, help=resolver.hint(reference, result, Near()))
    tasks = [session.graph.ids[number] for number in result.numbers]
    if len(tasks) > 1:
        raise _refusal(
            f"reference `{reference}` resolves to {len(tasks)} tasks",
            f"the tasks are {listed([f'`{task}`' for task in tasks])}",
            help=f"name one of them, as in `haz why {tasks[0]}`",
        )
    return tasks[0]


def _require_key(explanation: Explanation) -> None:
    """Refuse what has no key, naming the first task that stands in the way."""
    target, before = explanation.target, explanation.unready
    standing = explanation.views[before or target].standing
    whose = f"predecessor `{before}`" if before is not None else f"`{target}`"
    match standing:
        case Unkeyed(_, problems):
            raise _refusal(f"the cache key of {whose} cannot be derived", *problems)
        case Keyed(_, found) if before is not None:
            raise _refusal(
                f"the cache key of `{target}` cannot be derived: "
                f"predecessor `{before}` has no result in the cache ({lookup(found)})",
                help=f"run it first: `haz run {before}`; "
                f"`haz why --diff {target}` shows what is known without it",
            )
        case Keyed():
            return
        case _:
            assert_never(standing)


def _refusal(sentence: str, *causes: str, help: str = "") -> ConfigError:
    return ConfigError([Diagnostic(sentence, causes=causes, help=help)])
