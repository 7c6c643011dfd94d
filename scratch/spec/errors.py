"""The one error for everything that the person at the keyboard can mend."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """An unknown name, a missing file, a wrong shape: one line that names the cause and the cure.

    Scripts print the message on standard error and exit with code 2; nothing is half-written.
    """


class DivergedError(UserError):
    """A loss that is not finite: the training has stopped at that step."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return the error for a name that is not one of `known`, with the nearest spelling.

    Args:
        kind: what is named, in the singular: "chapter", "trainer argument".
        name: what was asked for.
        known: every name that would have done.
    """
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    guess = f' did you mean "{near[0]}"?' if near else ""
    return UserError(f'unknown {kind} "{name}";{guess} known: {", ".join(names)}')
