"""Mutation operators: which small edits an expression or a statement allows.

Each is a mistake of one keystroke or one thought. Tools that are well kept (cosmic-ray, mutmut)
have most of them, but start a test process per edit, and know nothing of axes, slices and deleted
statements, where the mistakes of array code are.

| operator | edit |
|---|---|
| boundary | `<` for `<=`, `>` for `>=`, and back |
| comparison | `==` for `!=`, `is` for `is not`, `in` for `not in`, `<` for `>` and back |
| arithmetic | `+` for `-` and `*` for `/`, and back; `/` for `//`, `*` for `%` and `**` |
| assignment | `=` for `+=` |
| constant | a whole number one larger and smaller, others halved and negated; True for False |
| logic | `and` for `or`; `not` dropped |
| condition | the condition of an if, a while, an expression or a comprehension negated |
| sign | `-x` for `x` |
| slice | a bound dropped |
| keyword | a keyword argument of a call dropped |
| swapped | the first two values of a returned tuple swapped |
| return | None returned |
| deletion | a call, a raise, or an assignment to an entry or an attribute dropped |
| jump | `break` for `continue` and back |

Left alone is what computes nothing: annotations, docstrings, the words of errors, `strict` of a
zip, and the size of a negative number in a reshape, which NumPy does not look at.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

Edit = tuple[str, ast.AST]

_BOUNDARY: dict[type, type] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
_COMPARISON: dict[type, type] = {
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}


def edits(node: ast.AST) -> Iterator[Edit]:
    """Yield the operator's name and what stands in the node's place, for every edit of a node.

    >>> [(name, ast.unparse(new)) for name, new in edits(ast.parse("a < b").body[0].value)]
    [('boundary', 'a <= b'), ('comparison', 'a > b')]
    >>> [(name, ast.unparse(new)) for name, new in edits(ast.parse("1 + x").body[0].value)]
    [('arithmetic', '1 - x')]
    """
    make = _EDITS.get(type(node))
    if make is not None:
        yield from make(node)
    if isinstance(node, (ast.If, ast.While, ast.IfExp)):
        yield "condition", _copy(node, test=ast.UnaryOp(ast.Not(), node.test))
    if isinstance(node, ast.comprehension):
        for number, test in enumerate(node.ifs):
            ifs = [*node.ifs]
            ifs[number] = ast.UnaryOp(ast.Not(), test)
            yield "condition", _copy(node, ifs=ifs)


def left_alone(node: ast.AST) -> list[ast.AST]:
    """Return what below a node must not be edited, see above."""
    if not isinstance(node, ast.Call):
        return []
    found: list[ast.AST] = [word for word in node.keywords if word.arg == "strict"]
    if isinstance(node.func, ast.Attribute) and node.func.attr == "reshape":
        signed = [arg for arg in node.args if isinstance(arg, ast.UnaryOp)]
        found += [arg.operand for arg in signed if isinstance(arg.op, ast.USub)]
    return found


def _copy(node: ast.AST, **changes: object) -> ast.AST:
    """Return a shallow copy with some fields changed, at the same place of the source."""
    fields = {name: getattr(node, name) for name in node._fields if hasattr(node, name)}
    return ast.copy_location(type(node)(**{**fields, **changes}), node)


def _compare(node: ast.Compare) -> Iterator[Edit]:
    for name, table in (("boundary", _BOUNDARY), ("comparison", _COMPARISON)):
        for number, op in enumerate(node.ops):
            if type(op) in table:
                ops = [*node.ops]
                ops[number] = table[type(op)]()
                yield name, _copy(node, ops=ops)


def _binary(node: ast.BinOp) -> Iterator[Edit]:
    if type(node.op) in _ARITHMETIC:
        yield "arithmetic", _copy(node, op=_ARITHMETIC[type(node.op)]())


def _augmented(node: ast.AugAssign) -> Iterator[Edit]:
    if type(node.op) in _ARITHMETIC:
        yield "arithmetic", _copy(node, op=_ARITHMETIC[type(node.op)]())
    yield "assignment", ast.copy_location(ast.Assign([node.target], node.value), node)
    yield "deletion", ast.copy_location(ast.Pass(), node)


def _constant(node: ast.Constant) -> Iterator[Edit]:
    value = node.value
    if isinstance(value, bool):
        yield "constant", _copy(node, value=not value)
    elif isinstance(value, int):
        yield "constant", _copy(node, value=value + 1)
        yield "constant", _copy(node, value=value - 1)
    elif isinstance(value, float):
        if value.is_integer():
            yield "constant", _copy(node, value=value + 1)
            yield "constant", _copy(node, value=value - 1)
        else:
            yield "constant", _copy(node, value=value / 2)
            yield "constant", _copy(node, value=-value)


def _logic(node: ast.BoolOp) -> Iterator[Edit]:
    yield "logic", _copy(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())


def _unary(node: ast.UnaryOp) -> Iterator[Edit]:
    if isinstance(node.op, ast.Not):
        yield "logic", node.operand
    elif isinstance(node.op, ast.USub):
        yield "sign", node.operand


def _slice(node: ast.Slice) -> Iterator[Edit]:
    for bound in ("lower", "upper"):
        if getattr(node, bound) is not None:
            yield "slice", _copy(node, **{bound: None})


def _call(node: ast.Call) -> Iterator[Edit]:
    for number, keyword in enumerate(node.keywords):
        if keyword.arg not in (None, "strict"):
            rest = [*node.keywords[:number], *node.keywords[number + 1 :]]
            yield "keyword", _copy(node, keywords=rest)


def _return(node: ast.Return) -> Iterator[Edit]:
    value = node.value
    if value is None or (isinstance(value, ast.Constant) and value.value is None):
        return
    if isinstance(value, ast.Tuple) and len(value.elts) > 1:
        first, second, *rest = value.elts
        yield "swapped", _copy(node, value=_copy(value, elts=[second, first, *rest]))
    yield "return", _copy(node, value=ast.copy_location(ast.Constant(None), value))


def _dropped(node: ast.stmt) -> Iterator[Edit]:
    if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Call):
        return
    if isinstance(node, ast.Assign) and all(map(_names, node.targets)):
        return  # a name that is not assigned is missed at once
    yield "deletion", ast.copy_location(ast.Pass(), node)


def _names(target: ast.expr) -> bool:
    parts = target.elts if isinstance(target, ast.Tuple) else [target]
    return all(isinstance(part, ast.Name) for part in parts)


def _jump(node: ast.stmt) -> Iterator[Edit]:
    new = ast.Continue() if isinstance(node, ast.Break) else ast.Break()
    yield "jump", ast.copy_location(new, node)


_EDITS: dict[type, Callable[[Any], Iterator[Edit]]] = {
    ast.Compare: _compare,
    ast.BinOp: _binary,
    ast.AugAssign: _augmented,
    ast.Constant: _constant,
    ast.BoolOp: _logic,
    ast.UnaryOp: _unary,
    ast.Slice: _slice,
    ast.Call: _call,
    ast.Return: _return,
    ast.Expr: _dropped,
    ast.Raise: _dropped,
    ast.Assign: _dropped,
    ast.Break: _jump,
    ast.Continue: _jump,
}
