"""What surrounds every forward and backward: the module's path in errors, no stale memory.

`Module` wraps the `forward` and `backward` of each subclass once, when the class is created.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from scratch.ops.checks import ShapeError

if TYPE_CHECKING:
    from scratch.nn.module import Module

_inference: contextvars.ContextVar[bool] = contextvars.ContextVar("inference", default=False)


class _Depth(threading.local):
    """How many guarded calls are open on this thread."""

    value = 0


_depth = _Depth()


class StaleForwardWarning(RuntimeWarning):
    """A forward was kept for a backward that never came."""


@contextlib.contextmanager
def inference() -> Iterator[None]:
    """Keep nothing for backward inside this block.

    It holds for the thread that opened the block, as torch's `no_grad` does; a thread started
    inside keeps what backward needs, unless it runs in `contextvars.copy_context()`.
    `train()` and `eval()` change what layers compute, this changes what they remember.
    """
    token = _inference.set(True)
    try:
        yield
    finally:
        _inference.reset(token)


def keeps() -> bool:
    """Return whether forwards have to keep what backward needs."""
    return not _inference.get()


def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a `forward` or a `backward`.

    The outermost call names the module's path in a `ShapeError`, empties every stack after an
    exception, and after a backward warns if a forward was left over.
    """
    is_backward = method.__name__ == "backward"

    @functools.wraps(method)
    def run(self: Module, *args: Any, **kwargs: Any) -> Any:
        outermost = _depth.value == 0
        _depth.value += 1
        try:
            result = method(self, *args, **kwargs)
        except BaseException as error:
            if isinstance(error, ShapeError) and error.module is None:
                error.module = self
            if outermost:
                self.forget()
                _name_module(error, self)
            raise
        finally:
            _depth.value -= 1
        if outermost and is_backward:
            _warn_if_stale(self)
        return result

    return run


def _name_module(error: BaseException, root: Module) -> None:
    if isinstance(error, ShapeError) and error.module is not None and not error.path:
        guilty = error.module
        path = next((name for name, module in root.named_modules() if module is guilty), "")
        error.path = path or type(guilty).__name__


def _waits(module: Module) -> bool:
    """Return whether a forward waits for its backward, here or below.

    The paths, which only a warning needs, would take a tenth of a step of the linear regression.
    """
    return bool(module._stack) or any(_waits(child) for child in module._modules.values())


def _warn_if_stale(root: Module) -> None:
    if root.warned_stale or not _waits(root):
        return
    stale = [(name, module.pending()) for name, module in root.named_modules() if module.pending()]
    if stale:
        root.warned_stale = True
        name, count = stale[0]
        where = name or type(root).__name__
        warnings.warn(
            f"{where} still keeps {count} forward(s) that no backward has used"
            f" ({len(stale)} module(s) in all); run evaluation inside inference() and call"
            " zero_grad() before the next forward",
            StaleForwardWarning,
            stacklevel=3,
        )
