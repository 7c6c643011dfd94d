"""Exercises: a chapter's backward passes to be filled in, and what says which of them are right.

`skeleton` writes the file from the sources of `scratch`, `student` runs it, `calls` records what
the chapter's network asks of each function, `functions` and `models` judge, `causes` says what
would explain a mistake. Nothing here needs torch: the truth is scratch in float64, which the rest
of the harness has proven, and its complex step, which no backward takes part in.
"""
