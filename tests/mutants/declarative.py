"""Wrong implementations of what is declared: values, bodies of tasks, and patterns."""

from __future__ import annotations

from tests.mutants.patches import Mutant

MUTANTS: tuple[Mutant, ...] = (
    # -- names and values ------------------------------------------------------------------------
    Mutant(
        "names-are-63-long",
        "model.names",
        "NAME_BYTES = 64",
        "NAME_BYTES = 63",
    ),
    Mutant(
        "shells-are-as-long-as-names",
        "model.names",
        "BYTES = 32",
        "BYTES = 64",
    ),
    Mutant(
        "variables-are-255-long",
        "model.names",
        "BYTES = 256",
        "BYTES = 255",
    ),
    Mutant(
        "variables-may-start-with-a-digit",
        "model.names",
        "[A-Za-z_][",
        "[A-Za-z0-9_][",
    ),
    Mutant(
        "names-have-dots",
        "model.names",
        "0-9][A-Za-z0-9_-]*",
        "0-9][A-Za-z0-9_.-]*",
    ),
    Mutant(
        "names-take-any-digits",
        "model.names",
        're.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*", re.ASCII)',
        're.compile(r"[A-Za-z0-9][\\w-]*")',
    ),
    Mutant(
        "weeks-have-five-days",
        "model.quantities",
        "604_800",
        "432_000",
    ),
    Mutant(
        "units-may-come-twice",
        "model.quantities",
        "if unit in seen:",
        "if False:",
    ),
    Mutant(
        "sizes-have-no-tebibytes",
        "model.quantities",
        '    "TiB": 1 << 40,\n',
        "",
    ),
    Mutant(
        "ages-have-no-limit",
        "model.quantities",
        "total >= _LIMIT or",
        "False and",
    ),
    Mutant(
        "graces-may-be-negative",
        "config.scalars",
        "if number < 0:",
        "if False:",
    ),
    Mutant(
        "counts-begin-at-zero",
        "config.scalars",
        "if number < 1:",
        "if number < 0:",
    ),
    Mutant(
        "counts-have-no-bases",
        "config.scalars",
        "0[xX](?P<hex>",
        "0[y](?P<hex>",
    ),
    Mutant(
        "quoted-numbers-are-parallelism",
        "config.scalars",
        'if not node.plain or node.standard_tag == "str":',
        "if False:",
    ),
    Mutant(
        "earlier-sources-win",
        "config.merging",
        "for source in sources:",
        "for source in sources[::-1]:",
    ),
    Mutant(
        "merged-keys-win",
        "config.merging",
        "if key.text in own:",
        "if False:",
    ),
    Mutant(
        "keys-may-come-twice",
        "config.merging",
        "if (first := seen.setdefault(key.text, key)) is not key:",
        "if (first := seen.setdefault(key.text, key)) is not first:",
    ),
    # -- bodies ----------------------------------------------------------------------------------
    Mutant(
        "entries-may-come-twice",
        "config.bodies",
        "if first is not name:",
        "if False:",
    ),
    Mutant(
        "both-actions-pass",
        "config.bodies",
        "if len(actions) > 1:",
        "if len(actions) > 2:",
    ),
    Mutant(
        "shells-beside-commands-pass",
        "config.bodies",
        'if "shell_type" in given.keys:',
        "if False:",
    ),
    Mutant(
        "commands-may-be-empty",
        "config.bodies",
        "        if not command:\n",
        "        if False:\n",
    ),
    Mutant(
        "own-mutexes-are-shared-by-all",
        "config.bodies",
        "MutexScope.PROJECT if own else ",
        "",
    ),
    Mutant(
        "mutexes-are-always-exclusive",
        "config.bodies",
        'mode or MutexMode.EXCLUSIVE, "mutex.name"',
        'MutexMode.EXCLUSIVE, "mutex.name"',
    ),
    Mutant(
        "mutexes-need-no-mode",
        "config.bodies",
        'for key, value in (("name", name), ("mode", mode)):',
        'for key, value in (("name", name),):',
    ),
    Mutant(
        "other-shells-are-sh",
        "config.bodies",
        "return check_name(name.value, limit=SHELL_NAME_BYTES)",
        'return check_name(name.value, limit=SHELL_NAME_BYTES) and "sh"',
    ),
    Mutant(
        "overrides-are-not-checked",
        "config.bodies",
        "override[check_variable(key.value)]",
        "override[key.value]",
    ),
    # -- patterns --------------------------------------------------------------------------------
    Mutant(
        "dots-pass-in-literals",
        "model.patterns",
        'if segment in (".", ".."):\n        raise InvalidTextError(f"path',
        'if segment == "..":\n        raise InvalidTextError(f"path',
    ),
    Mutant(
        "parents-pass-in-globs",
        "model.patterns",
        'if segment in (".", ".."):\n        raise InvalidTextError(f"glob',
        'if segment == ".":\n        raise InvalidTextError(f"glob',
    ),
    Mutant(
        "private-code-points-pass",
        "model.patterns",
        '    "Co": "private-use",\n',
        "",
    ),
    Mutant(
        "two-stars-beside-others-pass",
        "model.patterns",
        'if "**" in segment and segment != "**":',
        "if False:",
    ),
    Mutant(
        "classes-stay-in-a-segment",
        "model.patterns",
        'None if "**" in rest or glob.crosses else',
        'None if "**" in rest else',
    ),
    Mutant(
        "walks-are-too-short",
        "model.patterns",
        "else len(rest)",
        "else len(rest) - 1",
    ),
    Mutant(
        "roots-are-globs",
        "model.patterns",
        "join(escape(root), text)",
        "join(root, text)",
    ),
    Mutant(
        "suffixes-match-their-folder",
        "model.globs",
        'return rb"/.*"',
        'return rb"(?:/.*)?"',
    ),
    Mutant(
        "question-marks-are-optional",
        "model.globs",
        'return rb"[^/]"',
        'return rb"[^/]?"',
    ),
    Mutant(
        "globs-ignore-case",
        "model.globs",
        "_expression(self.tokens), re.DOTALL",
        "_expression(self.tokens), re.DOTALL | re.IGNORECASE",
    ),
    Mutant(
        "dots-are-hidden-from-stars",
        "model.globs",
        'return rb"[^/]*"',
        'return rb"(?:(?<!/)[^/]*|[^/.][^/]*|)"',
    ),
    Mutant(
        "brackets-do-not-come-first",
        "model.globs",
        'if character == "]" and not first:',
        'if character == "]":',
    ),
    Mutant(
        "dashes-at-the-end-are-lost",
        "model.globs",
        '            ranges.append(("-", "-"))',
        "            pass",
    ),
    Mutant(
        "carets-do-not-negate",
        "model.globs",
        'in ("!", "^")',
        'in ("!",)',
    ),
    Mutant(
        "empty-branches-count",
        "model.globs",
        "            if branch:\n",
        "            if True:\n",
    ),
    Mutant(
        "braces-nest",
        "model.globs",
        "                    if nested:\n",
        "                    if False:\n",
    ),
    Mutant(
        "braces-take-one-branch",
        "model.globs",
        'b"|".join(map(_expression, branches))',
        "_expression(branches[0])",
    ),
    Mutant(
        "heads-go-too-far",
        "graph.index",
        'return b"/", False',
        'return b"/", True',
    ),
)
