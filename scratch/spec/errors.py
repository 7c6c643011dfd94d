"""The one error for everything that the person at the keyboard can mend."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

NEAR = 4
"""Names that are offered for one that is unknown, at most."""


class UserError(ValueError):
    """An unknown name, a missing file, a wrong shape: one line that names the cause and the cure.

    Scripts print the message on standard error and exit with code 2; nothing is half-written.
    """


class DivergedError(UserError):
    """A loss that is not finite: the training has stopped at that step."""


def unknown(kind: str, name: str, known: Iterable[str], listed: str = "") -> UserError:
    """Return the error for a name that is not one of `known`, with the nearest spelling.

    Args:
        kind: what is named, in the singular: "chapter", "trainer argument".
        name: what was asked for.
        known: every name that would have done.
        listed: the command that lists them, if they are too many for a line: then it stands there
            instead, behind the next nearest.

    >>> print(unknown("fruit", "appel", ["apple", "maple", "pear"]))
    unknown fruit "appel"; did you mean "apple"? known: apple, maple, pear
    >>> print(unknown("fruit", "Appel", ["apple", "maple", "pear"], listed="ls fruits"))
    unknown fruit "Appel"; did you mean "apple"? also near: maple; all 3: ls fruits
    """
    names = list(known)
    spelt = {spelling.lower(): spelling for spelling in names}
    near = difflib.get_close_matches(name.lower(), spelt, n=NEAR, cutoff=0.5)
    first, *others = [spelt[spelling] for spelling in near] or [""]
    guess = f' did you mean "{first}"?' if first else ""
    rest = f"known: {', '.join(names)}"
    if listed:
        also = f"also near: {', '.join(others)}; " if others else ""
        rest = f"{also}all {len(names)}: {listed}"
    return UserError(f'unknown {kind} "{name}";{guess} {rest}')
