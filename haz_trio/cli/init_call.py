"""From the words of ``haz init`` to its call, and what they mean together."""

from __future__ import annotations

from collections.abc import Sequence

from haz_trio.cli.state import State
from haz_trio.errors import UsageError
from haz_trio.values import frozen


@frozen
class InitOptions:
    """The options of ``haz init``; directories are as they were written."""

    yes: bool = False
    discover: bool = False
    projects: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    dry_run: bool = False
    json: bool = False

    @property
    def asks(self) -> bool:
        """Whether the screens ask what to write: nothing on the command line says it."""
        chosen = self.yes or self.discover or self.projects or self.parents
        return not (chosen or self.dry_run)

    def check(self) -> InitOptions:
        """The options themselves; raises ``UsageError`` where they do not fit together."""
        if self.json and self.asks:
            raise UsageError(
                "couldn't parse: `--json` needs one of `--yes`, `--discover`, `--project DIR`, "
                "`--projects-parent DIR` and `--dry-run`: the screens print no JSON"
            )
        for flag, values in (("--project", self.projects), ("--projects-parent", self.parents)):
            if "" in values:
                raise UsageError(f'couldn\'t parse `{flag}=""`: a directory has a name')
        return self


def init(
    state: State,
    *,
    yes: bool,
    discover: bool,
    projects: Sequence[str] | None,
    parents: Sequence[str] | None,
    dry_run: bool,
    json: bool,
) -> int:
    """Check the words and make a workspace; raises ``UsageError``."""
    chosen = (tuple(projects or ()), tuple(parents or ()))
    options = InitOptions(yes, discover, *chosen, dry_run, json).check()
    # Imported here: bad arguments need neither YAML nor a terminal (cli.md 14.5).
    from haz_trio.cli.init import init_command

    return init_command(state.options, options)
