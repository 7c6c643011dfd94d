"""Reading source code: which files, which classes, and what a function says without its types."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("scratch", "ref_torch", "parity_tests", "scripts")


def python_files(*folders: str) -> list[Path]:
    """Return the Python files under folders of the project, sorted; all four by default."""
    return sorted(path for name in folders or FOLDERS for path in (ROOT / name).rglob("*.py"))


def name_of(path: Path) -> str:
    """Return a path as the project writes it: relative to its root, with slashes."""
    return path.relative_to(ROOT).as_posix()


def parse(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def classes(tree: ast.Module) -> dict[str, ast.ClassDef]:
    """Return the classes of a module by name, in order."""
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def method(cls: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    """Return the method of a class that its own body defines, or None."""
    for node in cls.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
    return None


class _Untyped(ast.NodeTransformer):
    """Drop annotations; an annotated assignment becomes a plain one."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.returns = None
        node.body = _without_docstring(node.body)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.Assign | None:
        self.generic_visit(node)
        return None if node.value is None else ast.Assign(targets=[node.target], value=node.value)


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        return body[1:]
    return body


def skeleton(function: ast.FunctionDef | None) -> str | None:
    """Return the code of a function without annotations, docstring, comments and layout."""
    if function is None:
        return None
    bare = _Untyped().visit(copy.deepcopy(function))
    return ast.unparse(ast.fix_missing_locations(bare))


def dotted(node: ast.AST) -> str:
    """Return `a.b.c` for a chain of attributes on a name, and "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield (line, module) of every import at any depth; `from a import b` yields `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield node.lineno, "." * node.level + (node.module or "")
                continue
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"
