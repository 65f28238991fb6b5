"""The report: areas with their throughput, findings, and what became of every rule."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import attrs

from haz_trio.testing.command.session import Finding, Played
from haz_trio.testing.rules import RULES


@attrs.define
class Report:
    """What a whole run has shown."""

    haz: str
    seed: int
    seconds: float = 0.0
    examples: Counter[str] = attrs.field(factory=Counter)
    area_seconds: Counter[str] = attrs.field(factory=Counter)
    met: Counter[str] = attrs.field(factory=Counter)
    findings: dict[tuple[str, ...], Finding] = attrs.field(factory=dict)
    lines: dict[tuple[str, ...], str] = attrs.field(factory=dict)  # how to see a finding again

    def add(self, played: Played) -> None:
        area = played.batch.area
        self.examples[area] += played.examples
        self.area_seconds[area] += round(1000 * played.seconds)
        self.met.update(played.met)
        if played.finding is not None:
            self.findings.setdefault((area, *played.finding.rules), played.finding)

    def rows(self) -> list[tuple[str, str, str, int]]:
        """For every rule its ID, meaning, verdict, and how often it held."""
        failed = {rule for key in self.findings for rule in key[1:]}
        return [
            (rule, meaning, _verdict(rule in failed, self.met[rule]), self.met[rule])
            for rule, meaning in RULES.items()
        ]

    def verdicts(self) -> Mapping[str, int]:
        return Counter(verdict for _, _, verdict, _ in self.rows())


def _verdict(failed: bool, held: int) -> str:
    return "failed" if failed else "passed" if held else "not reached"


def as_text(report: Report, *, every_rule: bool = False) -> str:
    """What the command prints."""
    total = sum(report.examples.values())
    lines = ["area          examples    seconds  a second in one process"]
    for area, count in report.examples.items():
        seconds = report.area_seconds[area] / 1000
        rate = count / max(0.001, seconds)
        lines.append(f"{area:<12} {count:>9,} {seconds:>10,.0f} {rate:>10.1f}")
    rate = total / max(0.001, report.seconds)
    lines.append(
        f"{'all':<12} {total:>9,} {report.seconds:>10,.0f} {rate:>10.1f} in all processes"
    )
    lines.append("")
    for number, (key, finding) in enumerate(report.findings.items(), 1):
        lines.append(f"finding {number}: {finding.area}, after {finding.examples:,} examples")
        lines += [f"  {line}" for line in finding.message.splitlines()]
        lines.append(f"  again: {report.lines.get(key, '')}")
        lines.append("")
    rows = report.rows()
    per = max(1, total) / 1000
    for rule, meaning, verdict, held in rows:
        if every_rule or verdict != "passed":
            lines.append(f"{rule:<10} {verdict:<12} {held / per:>9.1f}/1,000  {meaning}")
    counts = report.verdicts()
    summary = ", ".join(f"{counts.get(v, 0)} {v}" for v in ("passed", "failed", "not reached"))
    lines.append(f"{len(rows)} rules: {summary}")
    lines.append(
        f"{total:,} examples, {len(report.findings)} findings, {report.seconds:.0f} s, "
        f"seed {report.seed}"
    )
    return "\n".join(lines) + "\n"


def as_json(report: Report) -> str:
    """The same for programs."""
    document = {
        "haz": report.haz,
        "seed": report.seed,
        "seconds": round(report.seconds, 1),
        "areas": {
            area: {"examples": count, "seconds": report.area_seconds[area] / 1000}
            for area, count in report.examples.items()
        },
        "rules": {
            rule: {"meaning": meaning, "verdict": verdict, "held": held}
            for rule, meaning, verdict, held in report.rows()
        },
        "findings": [
            {
                "area": finding.area,
                "rules": list(finding.rules),
                "message": finding.message,
                "example": finding.example,
                "examples": finding.examples,
                "again": report.lines.get(key, ""),
            }
            for key, finding in report.findings.items()
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def as_html(report: Report) -> str:
    """One page without anything from elsewhere."""
    body = [f"<h1>haz-conformance: {_text(report.haz)}</h1>"]
    total = sum(report.examples.values())
    body.append(
        f"<p>{total:,} examples, {len(report.findings)} findings, "
        f"{report.seconds:.0f} s, seed {report.seed}</p>"
    )
    body.append(_table(("Area", "Examples"), sorted(report.examples.items())))
    for key, finding in report.findings.items():
        body.append(f"<h2>{_text(finding.area)}: {_text(' '.join(finding.rules))}</h2>")
        again = report.lines.get(key, "")
        body.append(f"<pre>{_text(finding.message)}\n\n{_text(again)}</pre>")
    body.append(_table(("Rule", "Meaning", "Verdict", "Held"), report.rows()))
    style = "body{font:1em sans-serif;max-width:60em;margin:2em auto}td,th{padding:.1em .7em}"
    return (
        '<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>haz-conformance</title>'
        f"<style>{style}</style>\n" + "\n".join(body) + "\n</html>\n"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    def line(cells: Iterable[object], kind: str) -> str:
        return "<tr>" + "".join(f"<{kind}>{_text(str(it))}</{kind}>" for it in cells) + "</tr>"

    return "<table>" + line(head, "th") + "".join(line(row, "td") for row in rows) + "</table>"


def _text(text: str) -> str:
    return html.escape(text)
