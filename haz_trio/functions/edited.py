"""Which files of modules were edited after this process had imported them.

Code that is called here has their old form, while a key would have their new text.  What was in a
file at the import itself nobody remembers, so an edit is noticed between two looks at it.
"""

from __future__ import annotations

import sys
import weakref
from types import ModuleType

from attrs import frozen


@frozen
class _Look:
    """What a file held, and the module that was made of it, if it was imported at all."""

    text: bytes
    module: weakref.ref[ModuleType] | None
    spec: object  # another one after a reload


_looks: dict[tuple[str, str], _Look] = {}  # by file and name: a file may be two modules


def is_edited(file: str, name: str, text: bytes) -> bool:
    """Whether a file, the one of a module by name, has another text than its module in memory.

    ``text`` is a digest.  Each call is a look.
    """
    module, known = sys.modules.get(name), _looks.get((file, name))
    if not isinstance(module, ModuleType) or vars(module).get("__file__") != file:
        _looks[file, name] = _Look(text, None, None)
        return False
    now = _Look(text, weakref.ref(module), vars(module).get("__spec__"))
    if known is not None and known.text != text:
        # Imported since then, or before: in doubt it was before the edit.
        before = known.module is None or known.module() is module
        if before and (known.module is None or known.spec is now.spec):
            return True
    _looks[file, name] = now
    return False
