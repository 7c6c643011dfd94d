"""Torch's verdict on everything that a student wrote; needs torch, as nothing else here does."""

from __future__ import annotations

from parity_tests.harness.exercise.grade import Finding
from parity_tests.harness.exercise.network import SIZE, Network
from parity_tests.harness.exercise.session import Together, planted
from parity_tests.harness.exercise.student import Student
from parity_tests.harness.runner import check_chapter
from parity_tests.harness.verdict import FAILING

LEVELS = ("L0", "L2")


def judge(student: Student, seed: int = 0) -> Together:
    """Hold the network with everything of the student's in it against torch, module by module."""
    with planted(student, Network(student.chapter, seed)):
        checks = check_chapter(student.chapter, SIZE, "float64", seed, LEVELS, seeds=1)
    for check in checks:
        if check.verdict in FAILING:
            where = f"{check.module or 'the network'} {check.direction} {check.tensor}"
            text = f"{check.level}: {where}: {check.got!r}, torch has {check.want!r} {check.note}"
            return Together("torch", len(checks), Finding(text.rstrip()))
    return Together("torch", len(checks))
