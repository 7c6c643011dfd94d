"""Pieces of work on two threads: in order, each on its own, and no way to hang."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import warnings
from contextvars import ContextVar
from pathlib import Path

import numpy as np
import pytest

from parity_tests.numeric.conftest import Claimed
from scratch import nn
from scratch.ops import parallel, patches

ROOT = Path(__file__).resolve().parents[2]
SOON = 20.0


def test_pieces_run_at_once_and_results_come_in_order(two: Claimed) -> None:
    second, order = threading.Event(), []

    def work(piece: int) -> int:
        if piece == 0:
            assert second.wait(SOON)
        elif piece == 1:
            second.set()
        return piece

    parallel.each(work, range(9), order.append)
    assert order == list(range(9))
    assert two.shared == 1


def test_each_thread_has_a_workspace_of_its_own(two: Claimed) -> None:
    g = patches.geometry((8, 8), (3, 3), (1, 1), ((0, 0), (0, 0)), (1, 1))
    columns = patches.Columns(np.arange(5 * 64 * 4.0).reshape(5, 8, 8, 4), g)
    both, found = threading.Barrier(2), []

    def work(number: int) -> None:
        matrix = columns.of(columns.pieces[number])
        both.wait(SOON)
        found.append((number, matrix, matrix.copy()))

    parallel.each(work, range(2))
    (_, a, _), (_, b, _) = found
    assert not np.may_share_memory(a, b)
    for number, _, copied in found:
        assert np.array_equal(copied, columns.of(columns.pieces[number]))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("caller", [True, False])
def test_an_exception_ends_the_work_and_is_raised_here(
    error: type[BaseException], caller: bool, two: Claimed
) -> None:
    both, done = threading.Barrier(2), []

    def work(piece: int) -> None:
        if piece < 2:
            both.wait(SOON)  # one of them on each thread
            if (threading.current_thread() is threading.main_thread()) == caller:
                raise error
        time.sleep(1e-3)
        done.append(piece)

    with pytest.raises(error):
        parallel.each(work, range(1000))
    assert len(done) < 999
    again: list[int] = []
    parallel.each(lambda piece: piece, range(5), again.append)
    assert again == list(range(5))


def test_pieces_of_a_piece_run_on_its_thread(two: Claimed) -> None:
    def work(piece: int) -> set[int]:
        seen: set[int] = set()
        parallel.each(lambda _: seen.add(threading.get_ident()), range(20))
        return seen - {threading.get_ident()}

    strange: list[set[int]] = []
    parallel.each(work, range(20), strange.append)
    assert strange == [set()] * 20
    assert two.shared == 1


def test_a_second_thread_of_the_program_does_its_pieces_itself(two: Claimed) -> None:
    found: list[int] = []

    def other() -> None:
        two.count = 2  # as if the first had not yet said one
        parallel.each(lambda n: n, range(3), found.append)
        two.count = 1

    def work(piece: int) -> None:
        if piece == 0:
            thread = threading.Thread(target=other, daemon=True)
            thread.start()
            thread.join(SOON)

    parallel.each(work, range(2))
    assert found == [0, 1, 2]
    assert two.shared == 1


def test_pieces_see_the_context_of_the_caller(two: Claimed) -> None:
    number: ContextVar[int] = ContextVar("number", default=0)
    number.set(7)
    both, seen = threading.Barrier(2), []

    def work(piece: int) -> tuple[bool, str, int, str]:
        both.wait(SOON)
        return nn.guard.keeps(), nn.conv_modes.current().name, number.get(), np.geterr()["over"]

    with nn.inference(), nn.conv_mode("winograd"), np.errstate(over="raise"):
        parallel.each(work, range(2), seen.append)
    assert seen == [(False, "winograd", 7, "raise")] * 2


def test_a_child_process_starts_threads_of_its_own(two: Claimed) -> None:
    parallel.each(lambda n: n, range(4))  # starts them here
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Python 3.12: forking beside threads
        child = os.fork()
    if child == 0:
        both = threading.Barrier(2)
        try:
            parallel.each(lambda _: both.wait(SOON), range(2))
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_an_array_whose_batch_lies_inside_is_not_cut(two: Claimed) -> None:
    parts: list[slice] = []
    parallel.over_batch(parts.append, np.zeros((100, 8, 40)).transpose(2, 0, 1))
    assert parts == [slice(0, 40)]


ALONE = """
import sys
import numpy as np
from scratch.ops import conv, parallel
before = parallel.threads()
conv.conv2d(np.ones((20, 8, 40, 40), np.float32), np.ones((4, 8, 3, 3), np.float32))
inside = []
parallel.each(lambda _: parallel.threads(), range(2), inside.append)
print(before, *inside, parallel.threads(), "concurrent.futures" in sys.modules)
"""


@pytest.mark.parametrize("threads", ["1", "2"])
def test_blas_gets_its_threads_back_and_one_thread_starts_no_pool(threads: str) -> None:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    run = subprocess.run(
        [sys.executable, "-c", ALONE],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **dict.fromkeys(names, threads)},
        check=True,
    )
    before, *inside, after, pool = run.stdout.split()
    assert inside == ["1", "1"]
    assert after == before <= threads
    assert pool == str(before != "1")
