"""What the source of `ref_torch/models` may not hold, so that every named part can be tapped."""

from __future__ import annotations

import ast
import builtins

from parity_tests.mirror.sources import classes, dotted, imports, method


def functional_calls(tree: ast.Module) -> list[str]:
    """Find what computes outside a named child.

    In `forward` only `self.<child>(...)`, a local name bound to a child, builtins and a NamedTuple
    of the same file are called,
    and arithmetic stands in subscripts and `range(...)` only: a sum is a child `Add`, a join is a
    child `Concat`. Nowhere is `torch.nn.functional` imported or an operation done in place.
    """
    found = [
        f"{line}: import of {module}" for line, module in imports(tree) if "functional" in module
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "inplace":
            found.append(f"{node.value.lineno}: inplace")
        if isinstance(node, ast.Attribute) and node.attr == "functional":
            found.append(f"{node.lineno}: {dotted(node)}")
    for cls in classes(tree).values():
        forward = method(cls, "forward")
        if forward is not None:
            found += _loose(forward, named_tuples(tree))
    return found


def named_tuples(tree: ast.Module) -> set[str]:
    """Return the NamedTuples of a file, which models with several outputs return."""
    return {
        name
        for name, cls in classes(tree).items()
        if "NamedTuple" in {dotted(base) for base in cls.bases}
    }


def _loose(forward: ast.FunctionDef, tuples: set[str]) -> list[str]:
    found = []
    allowed = _bound_to_children(forward) | tuples
    pending: list[ast.AST] = list(forward.body)
    while pending:
        node = pending.pop(0)
        if isinstance(node, ast.Subscript):
            pending.append(node.value)  # index arithmetic is not mathematics
            continue
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name == "range":
                continue
            known = name.startswith("self.") or name in allowed or hasattr(builtins, name)
            if not known:
                found.append(f"{node.lineno}: {ast.unparse(node.func)}(...)")
        elif isinstance(node, ast.BinOp | ast.AugAssign | ast.UnaryOp | ast.Compare):
            found.append(f"{node.lineno}: {ast.unparse(node)}")
        pending.extend(ast.iter_child_nodes(node))
    return found


def _bound_to_children(forward: ast.FunctionDef) -> set[str]:
    """Return the loop variables that run over children: `for block in self.blocks`."""
    return {
        name.id
        for node in ast.walk(forward)
        if isinstance(node, ast.For) and "self." in ast.unparse(node.iter)
        for name in ast.walk(node.target)
        if isinstance(name, ast.Name)
    }
