"""The file that a student fills in: the sources of `scratch` with the bodies taken out."""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections.abc import Iterable
from types import ModuleType

from parity_tests.harness.exercise import words
from parity_tests.harness.exercise.calls import Function
from parity_tests.harness.exercise.items import Block, Item
from parity_tests.harness.exercise.network import Network

WIDTH = 100
HOMES = {"Array": "scratch.ops.checks", "OrderedDict": "collections"}
HEADER = '''\
"""Exercise: {title} ({id}).

Fill in what raises NotImplementedError. A backward is given the gradient of the loss with respect
to what its forward returned, and returns the gradients of what the forward was given, in that
order. `cache` is what the forward kept. Nothing that is given may be written into.

    python scripts/grade.py {file}{options}   what is right, and what is wrong first
    python -m doctest {file}         the examples in the docstrings

Grading runs this file. It needs NumPy, no torch.
"""
'''


def write(
    network: Network,
    items: Iterable[Item],
    file: str,
    hints: bool = False,
    solution: bool = False,
    options: str = "",
) -> str:
    """Return the text of an exercise.

    Args:
        network: of the chapter.
        items: what is to be filled in.
        file: its name, for the header.
        hints: keep the derivations.
        solution: keep the bodies, and with them the derivations.
        options: of scripts/grade.py, for the header.
    """
    items = list(items)
    chapter = network.chapter
    own = {item.cls.__name__ for item in items if isinstance(item, Block)}
    imports: dict[str, set[str]] = {}
    parts = []
    for item in items:
        if isinstance(item, Function):
            parts.append(_function(item, imports, hints, solution))
        else:
            parts.append(_class(item, imports, own, solution))
    listed = "\n".join(f'    "{item.name}",' for item in items)
    head = HEADER.format(title=chapter.title, id=chapter.id, file=file, options=options)
    constants = f'CHAPTER = "{chapter.id}"\nEXERCISE = (\n{listed}\n)'
    standard = {m: names for m, names in imports.items() if not m.startswith("scratch")}
    groups = [
        ["from __future__ import annotations"],
        [_import(module, names) for module, names in sorted(standard.items())],
        ["import numpy as np"],
        [_import(m, names) for m, names in sorted(imports.items()) if m not in standard],
        [constants],
    ]
    top = "\n\n".join("\n".join(lines) for lines in groups if lines)
    return "\n".join([head, top, "\n", "\n\n\n".join(parts), ""])


def _import(module: str, names: set[str]) -> str:
    if not module:
        return "\n".join(f"import {name}" for name in sorted(names))
    line = f"from {module} import {', '.join(sorted(names))}"
    if len(line) <= WIDTH:
        return line
    return f"from {module} import (\n" + "".join(f"    {n},\n" for n in sorted(names)) + ")"


def _function(item: Function, imports: dict[str, set[str]], hints: bool, solution: bool) -> str:
    """Return comments on the calls, the signature, the docstring and a body."""
    source = inspect.getsource(item.truth)
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef)
    _collect(imports, item.owner, _names(node.args, node.returns), set())
    _collect(imports, item.owner, {item.forward}, set())
    first = node.body[1].lineno if len(node.body) > 1 else node.body[0].lineno
    body = textwrap.dedent("\n".join(source.splitlines()[first - 1 :]))
    if solution:
        used = _from(item.owner, _names(*node.body[1:]))
        body = "\n".join([*([f"from {item.owner.__name__} import {used}\n"] if used else []), body])
    else:
        body = f"{words.unpacking(item, node)}\n{_todo(item)}"
    signature = source[: source.index('"""')].rstrip().removesuffix("r").rstrip()
    text = textwrap.indent(words.docstring(item, hints or solution), "    ").strip()
    doc = f'r"""{text}\n    """' if "\\" in text else f'"""{text}\n    """'
    return f"{words.comment(item)}\n{signature}\n    {doc}\n{textwrap.indent(body, '    ')}"


def _todo(item: Function) -> str:
    """Return what raises, with what is to be returned, on two lines if one is too narrow."""
    said = f'"{item.name}: return {", ".join(item.results())}"'
    whole = f"raise NotImplementedError({said})"
    if len(whole) + 4 <= WIDTH:
        return whole
    return f"raise NotImplementedError(\n    {said}\n)"


def _class(item: Block, imports: dict[str, set[str]], own: set[str], solution: bool) -> str:
    """Return a class with its forward, and of its backward the docstring."""
    source = inspect.getsource(item.cls)
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.ClassDef)
    _collect(imports, item.owner, _names(node), own)
    if solution:
        return source.rstrip()
    lines = source.splitlines()
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name == "backward":
            documented = ast.get_docstring(part) is not None
            first = part.body[1 if documented else 0]
            todo = f'        raise NotImplementedError("{item.name}: forward, read upwards")'
            lines[first.lineno - 1 : part.end_lineno] = [todo]
    return "\n".join(lines)


def _names(*nodes: ast.AST | None) -> set[str]:
    """Return every name in some pieces of source, those in quoted annotations not."""
    return {
        part.id
        for node in nodes
        if node is not None
        for part in ast.walk(node)
        if isinstance(part, ast.Name)
    }


def _from(owner: ModuleType, names: set[str]) -> str:
    return ", ".join(sorted(n for n in names if n in vars(owner) and n != "np"))


def _collect(
    imports: dict[str, set[str]], owner: ModuleType, names: set[str], own: set[str]
) -> None:
    """Add what is needed to the imports, each name from where it is defined."""
    for name in names - own - {"np"}:
        if name not in vars(owner) or hasattr(builtins, name):
            continue
        value = vars(owner)[name]
        if isinstance(value, ModuleType):
            parent, _, last = value.__name__.rpartition(".")
            assert last == name, f"{name} is imported under another name"
            imports.setdefault(parent, set()).add(name)
            continue
        home = str(HOMES.get(name) or getattr(value, "__module__", owner.__name__))
        known = home.partition(".")[0] in ("scratch", "typing", "collections")
        imports.setdefault(home if known else owner.__name__, set()).add(name)
