"""A scalar tape: every number remembers how it was made, so its derivatives can be asked for.

This is the graph that chapter 2 of the book draws by hand. The networks of this project do
without it: their backward passes are written out.
"""

from __future__ import annotations

import math

Slopes = tuple[tuple["Value", float], ...]


class Value:
    """A number, the operation that made it, and the slope towards each of its operands.

    >>> w, b = Value(3, "w"), Value(4, "b")
    >>> z = ((2 * w + 3 * b) * (2 * b + 1)).named("z")  # (6 + 12) * 9
    >>> z.backward()
    >>> z.data, w.grad, b.grad  # 9 * 2, and 9 * 3 + 18 * 2
    (162.0, 18.0, 63.0)
    """

    def __init__(self, data: float, name: str = "", made: str = "", slopes: Slopes = ()) -> None:
        self.data, self.grad = float(data), 0.0
        self.name, self.made, self.slopes = name, made, slopes

    def named(self, name: str) -> Value:
        """Give the number a name for the trace, and return it."""
        self.name = name
        return self

    def __add__(self, other: Value | float) -> Value:
        b = _value(other)
        return Value(self.data + b.data, "", "{} + {}", ((self, 1.0), (b, 1.0)))

    def __sub__(self, other: Value | float) -> Value:
        b = _value(other)
        return Value(self.data - b.data, "", "{} - {}", ((self, 1.0), (b, -1.0)))

    def __mul__(self, other: Value | float) -> Value:
        b = _value(other)
        return Value(self.data * b.data, "", "{} * {}", ((self, b.data), (b, self.data)))

    def __truediv__(self, other: Value | float) -> Value:
        b = _value(other)
        slopes = ((self, 1 / b.data), (b, -self.data / (b.data * b.data)))
        return Value(self.data / b.data, "", "{} / {}", slopes)

    def __pow__(self, power: float) -> Value:
        slope = power * self.data ** (power - 1)
        return Value(self.data**power, "", f"{{}} ^ {power:g}", ((self, slope),))

    def __radd__(self, other: float) -> Value:
        return _value(other) + self

    def __rsub__(self, other: float) -> Value:
        return _value(other) - self

    def __rmul__(self, other: float) -> Value:
        return _value(other) * self

    def __rtruediv__(self, other: float) -> Value:
        return _value(other) / self

    def graph(self) -> list[Value]:
        """Return every number behind this one and itself, operands before results."""
        order: list[Value] = []
        waiting, seen = [(self, False)], set()
        while waiting:
            node, ready = waiting.pop()
            if ready:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                waiting += [(node, True), *((operand, False) for operand, _ in node.slopes[::-1])]
        return order

    def backward(self) -> None:
        """Set `grad` of every number of the graph to the derivative of this one by it."""
        order = self.graph()
        for node in order:
            node.grad = 0.0
        self.grad = 1.0
        for node in reversed(order):
            for operand, slope in node.slopes:
                operand.grad += slope * node.grad

    def trace(self) -> str:
        """Return a line per number to check by hand: how it was made, value, derivative."""
        inner: dict[int, str] = {}
        lines: list[str] = []
        for node in self.graph():
            if not node.slopes and not node.name:
                inner[id(node)] = f"{node.data:g}"
                continue
            inner[id(node)] = name = node.name or f"v{len(lines) + 1}"
            made = node.made.format(*(inner[id(operand)] for operand, _ in node.slopes))
            lines.append(f"{name:>4} = {made or 'given':<12}{node.data:14.6f}{node.grad:14.6f}")
        return "\n".join([f"{'':>19}{'value':>14}{'derivative':>14}", *lines])


def _value(number: Value | float) -> Value:
    return number if isinstance(number, Value) else Value(number)


def sqrt(x: Value) -> Value:
    """Return the square root; its slope is 1 / (2 root)."""
    root = math.sqrt(x.data)
    return Value(root, "", "sqrt({})", ((x, 0.5 / root),))


def log(x: Value) -> Value:
    """Return the natural logarithm; its slope is 1 / x."""
    return Value(math.log(x.data), "", "ln({})", ((x, 1 / x.data),))


def sin(x: Value) -> Value:
    """Return the sine; its slope is the cosine."""
    return Value(math.sin(x.data), "", "sin({})", ((x, math.cos(x.data)),))
