"""What commands print themselves: results on stdout, diagnostics and remarks on stderr."""

from __future__ import annotations

from collections.abc import Sequence

from haz_trio.cli.options import Diagnostics, RootOptions
from haz_trio.errors import Diagnostic, HazError
from haz_trio.output.streams import WriteFailed, write_all
from haz_trio.output.writes import Target
from haz_trio.plan.exit_codes import EXIT_CONFIGURATION, EXIT_SUCCESS


class Printer:
    """Writes for one command line; nothing here raises."""

    def __init__(self, options: RootOptions) -> None:
        self._options = options

    def out(self, text: str) -> int:
        """Print a result; the exit code is 2 when it could not be written (cli.md 5).

        A reader that has gone is no error of ours.
        """
        result = write_all(Target.STDOUT, text.encode("utf-8", "surrogateescape"))
        if isinstance(result, WriteFailed):
            self.error(HazError(f"cannot write to standard output: {result.reason}"))
            return EXIT_CONFIGURATION
        return EXIT_SUCCESS

    def say(self, text: str) -> None:
        """A remark that changes no exit code; ``-q`` wants none."""
        if self._options.quiet:
            return
        if self._options.diagnostics is Diagnostics.JSON:
            # Imported here, as below: most command lines have nothing to complain about.
            from haz_trio.output.machine import note_as_json

            self._err(note_as_json(text))
        else:
            self._err(f"haz: {text}\n")

    def warn(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Warnings, each with its place; ``-q`` wants none."""
        if diagnostics and not self._options.quiet:
            from haz_trio.cli.reports import diagnostics_text

            self._err(diagnostics_text(diagnostics, self._options))

    def error(self, problem: HazError) -> None:
        """Everything that an error says."""
        from haz_trio.cli.reports import error_text

        self._err(error_text(problem, self._options))

    def _err(self, text: str) -> None:
        write_all(Target.STDERR, text.encode("utf-8", "replace"))
