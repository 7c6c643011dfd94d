"""Every mutant of a source file: where it is, what it changes, and its code."""

from __future__ import annotations

import ast
import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

from parity_tests.harness.mutation.operators import edits, left_alone
from scratch.spec import UserError

ROOT = Path(__file__).resolve().parents[3]
PLACES = ("scratch/ops", "scratch/nn", "scratch/optim", "scratch/schedule")
_SPOKEN = {"annotation", "returns", "type_comment", "type_params"}  # fields that compute nothing


@dataclass(frozen=True)
class Mutant:
    """One edit of one file.

    Attributes:
        file: below the root of the checkout.
        function: qualified name of the function that it changes, "" at the top of the module.
        line: of the changed expression or statement.
        operator: name in `operators`.
        old: the statement, or the head of it if it has a body.
        new: the same with the edit.
        site: the how-manieth node of the walk through the file.
        choice: the how-manieth edit of that node.
        key: of the file, the function, the old and the new text, and which of equal ones it is: it
            stays when lines move.
    """

    file: str
    function: str
    line: int
    operator: str
    old: str
    new: str
    site: int
    choice: int
    key: str

    @property
    def place(self) -> str:
        """File and function."""
        return f"{self.file}::{self.function or '(module)'}"

    @property
    def module(self) -> str:
        """Dotted name of the module."""
        return self.file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")

    @property
    def assigned(self) -> list[str]:
        """Names at the top of the module whose values the edit changes."""
        if self.function:
            return []
        with contextlib.suppress(SyntaxError):  # the head of a class or a function
            nodes = ast.walk(ast.parse(self.old))
            names = (node for node in nodes if isinstance(node, ast.Name))
            return [node.id for node in names if isinstance(node.ctx, ast.Store)]
        return []

    @property
    def change(self) -> str:
        """The edit in one line."""
        old, new = (" ".join(text.split()) for text in (self.old, self.new))
        return f"{old}  ->  {new}"


@dataclass
class _Site:
    owner: ast.AST
    field: str
    index: int | None
    node: ast.AST
    function: str
    statement: ast.stmt

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.owner, self.field, node)
        else:
            getattr(self.owner, self.field)[self.index] = node


def files(root: Path = ROOT) -> list[str]:
    """Return every file that is mutated."""
    found = [path for place in PLACES for path in sorted((root / place).rglob("*.py"))]
    return [path.relative_to(root).as_posix() for path in found]


def chosen(wanted: Sequence[str], root: Path = ROOT) -> list[str]:
    """Return the files that were asked for, all of them if none was.

    Raises:
        UserError: one is not mutated.
    """
    known = files(root)
    unknown = [file for file in wanted if file not in known]
    if unknown:
        raise UserError(f"{unknown[0]} is not among the mutated files: {', '.join(PLACES)}")
    return list(wanted) or known


def mutants_of(file: str, text: str | None = None) -> list[Mutant]:
    """Return every mutant of a file, in the order of its lines.

    Args:
        file: below the root of the checkout.
        text: its source; None reads it.
    """
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8") if text is None else text)
    seen: dict[str, int] = {}
    found = []
    for number, site in enumerate(_sites(tree)):
        for choice, (operator, new) in enumerate(edits(site.node)):
            old_text = _head(site.statement)
            site.put(new)
            whole = new if site.node is site.statement else site.statement
            new_text = _head(whole) if isinstance(whole, ast.stmt) else ""
            site.put(site.node)
            if old_text == new_text:
                continue
            text_of = "\n".join((file, site.function, old_text, new_text))
            seen[text_of] = seen.get(text_of, 0) + 1
            key = hashlib.sha256(f"{text_of}\n{seen[text_of]}".encode()).hexdigest()[:12]
            line = getattr(site.node, "lineno", site.statement.lineno)
            name = site.function
            found.append(
                Mutant(file, name, line, operator, old_text, new_text, number, choice, key)
            )
    return found


def mutated(mutant: Mutant, text: str | None = None) -> CodeType:
    """Return the code of the mutant's whole module, every line where it was."""
    path = ROOT / mutant.file
    tree = ast.parse(path.read_text(encoding="utf-8") if text is None else text)
    site = next(site for number, site in enumerate(_sites(tree)) if number == mutant.site)
    site.put(list(edits(site.node))[mutant.choice][1])
    return compile(ast.fix_missing_locations(tree), str(path), "exec", dont_inherit=True)


def _sites(tree: ast.Module) -> Iterator[_Site]:
    """Yield every node that may be edited, in a fixed order, with its function and statement."""
    for index, statement in enumerate(tree.body):
        yield from _walk(_Site(tree, "body", index, statement, "", statement), ())


def _walk(site: _Site, names: tuple[str, ...], alone: tuple[ast.AST, ...] = ()) -> Iterator[_Site]:
    node = site.node
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    if isinstance(node, ast.JoinedStr):
        return  # the words of an error
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    yield site
    named = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    inner = (*names, node.name) if named else names  # type: ignore[attr-defined]
    alone = (*alone, *left_alone(node))
    for field, value in ast.iter_fields(node):
        if field in _SPOKEN:
            continue
        inside = inner if field == "body" else names
        function = _function(site, node, field, inside)
        if isinstance(value, ast.AST) and value not in alone:
            yield from _walk(_child(site, field, None, value, function), inside, alone)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, ast.AST) and item not in alone:
                    yield from _walk(_child(site, field, index, item, function), inside, alone)


def _function(site: _Site, node: ast.AST, field: str, names: tuple[str, ...]) -> str:
    """Return the outermost function of which a child is a part; defaults belong to theirs."""
    if site.function or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return site.function
    inside = names if field == "body" else (*names, node.name)
    return ".".join(inside) if field in ("body", "args") else ""


def _child(parent: _Site, field: str, index: int | None, node: ast.AST, function: str) -> _Site:
    statement = node if isinstance(node, ast.stmt) else parent.statement
    return _Site(parent.node, field, index, node, function, statement)


def _head(statement: ast.stmt) -> str:
    """Return the text of a statement without its body."""
    if not hasattr(statement, "body"):
        return ast.unparse(statement)
    fields: dict[str, Any] = {name: getattr(statement, name, None) for name in statement._fields}
    empty = {"body": [ast.Pass()], "orelse": [], "finalbody": [], "handlers": []}
    fields |= {name: value for name, value in empty.items() if name in fields}
    if isinstance(statement, ast.Try):
        fields["finalbody"] = [ast.Pass()]
    copy = ast.copy_location(type(statement)(**fields), statement)
    return ast.unparse(copy).removesuffix("pass").strip()
