"""A failure as a golden folder: what the guilty module was given, what is right, what came out.

The folder is that of `scripts/golden.py` for one module, with scratch's own tensors beside it, so
`scripts/compare.py FOLDER FOLDER/mine --forced` shows the failure without running scratch, and
somebody else's implementation can be held against the same numbers.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shlex
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from parity_tests.harness import outputs
from parity_tests.harness.golden import formats, meanings, reference, sets
from parity_tests.harness.golden.manifest import Manifest
from parity_tests.harness.pair import Pair
from parity_tests.harness.run import BrokenError, Result, is_loss
from scratch.run.files import atomic_write
from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]

FOLDER = Path("runs") / "failures"
NOTE = "failure.json"
MINE = "mine"


def write(
    root: Path,
    subject: str,
    pair: Pair,
    run: Callable[[], Mapping[str, Array]],
    note: dict[str, str],
    exact: bool = False,
) -> Path:
    """Write the golden folder of one module.

    Args:
        root: in which the folder is made; an earlier one of the same failure is replaced.
        subject: names the folder.
        pair: the module of both twins, what it was given, and its cotangent.
        run: returns what scratch made of it, by golden names; may raise `BrokenError`.
        note: what failed and how to see it again; goes into failure.json.
        exact: whether the numbers are integers, so that nothing may differ.

    Returns:
        The folder.

    Raises:
        UserError: the folder cannot be made.
    """
    wide = reference.once(pair, "float64")
    target = pair.inputs[1] if is_loss(pair.torch) else None
    if exact:
        one, arrays = sets.exact(pair, wide)
    else:
        one, arrays = sets.real(pair, wide, reference.once(pair, "float32"), target=target)
    kind = type(pair.torch).__name__
    manifest = Manifest(
        subject,
        "one module",
        "float64",
        "npz",
        {"class": kind, "batch": len(pair.inputs[0]) if pair.inputs[0].ndim else 1},
        {},
        {"files": meanings.FILES, kind: meanings.LAYERS.get(kind, meanings.UNTOLD)},
        (one,),
    )
    folder = root / f"{_slug(subject)}-{_digest(arrays, note)}"
    if (folder / NOTE).is_file():
        shutil.rmtree(folder)
    formats.write(folder, manifest, {one.name: arrays})
    try:
        (folder / MINE).mkdir()
    except OSError as error:
        raise UserError(f"{folder / MINE}: cannot be made ({error.strerror})") from error
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **_mine(run))  # type: ignore[arg-type]
    atomic_write(folder / MINE / f"{one.name}.npz", stream.getvalue())
    atomic_write(folder / NOTE, (json.dumps(note, indent=1) + "\n").encode())
    return folder


def line(folder: Path, forced: bool = True) -> str:
    """Return the line that names the folder and the command that reads it.

    Args:
        folder: that was written.
        forced: whether it is one layer, which was given the golden input.
    """
    names = [shlex.quote(str(path)) for path in (folder, folder / MINE)]
    command = f"python scripts/compare.py {names[0]} {names[1]}{' --forced' if forced else ''}"
    return f"golden: {names[0]}; read it with: {command}"


def named(found: Result) -> dict[str, Array]:
    """Return what a module made under the names of a golden folder."""
    gradients = {f"gradient.{name}": value for name, value in found.gradients.items()}
    d_input = {"d_input": found.dx[0]} if found.dx else {}
    return {**outputs.dotted("output", found.output), **d_input, **gradients}


def _mine(run: Callable[[], Mapping[str, Array]]) -> dict[str, Array]:
    """Return scratch's tensors, as far as it got."""
    try:
        found = run()
    except BrokenError as error:
        found = {} if error.output is None else outputs.dotted("output", error.output)
    return {name: np.asarray(value) for name, value in found.items()}


def _slug(subject: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", subject).strip("-")


def _digest(arrays: dict[str, Array], note: dict[str, str]) -> str:
    """Return eight characters that are the same for the same failure."""
    text = "".join(formats.digest(value) for value in arrays.values()) + note.get("reproduce", "")
    return hashlib.sha256(text.encode()).hexdigest()[:8]
