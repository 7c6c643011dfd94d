"""Pure functions: ``y, cache = f(x, ...)`` and ``dx, ... = f_backward(dy, cache)``.

Every operation keeps its dtype (float32, float64, complex64 or complex128), accepts any memory
layout, writes into none of its inputs and never again into an array it has returned. Beside each
fast file lies a ``*_naive`` twin: the same signatures as plain loops, the executable definition.
What does not fit is refused by ``checks.ShapeError``. Infinities and NaN go where torch sends them.

Complex numbers are there for one purpose: complex-step differentiation runs through these very
kernels. So every comparison (a maximum, a mask, a branch) looks at the real part alone, and nothing
is ever conjugated.

"The book" is the introduction to neural networks in nine steps that the chapters follow
(microsoft/ai-edu).
"""
