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


class _Guard(threading.local):
    """Whether a guarded call is open on this thread."""

    open = False


_guard = _Guard()


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
    exception, and after a backward warns if a forward was left over. The calls inside it only
    remember in which module a `ShapeError` arose.
    """
    is_backward = method.__name__ == "backward"

    @functools.wraps(method)
    def run(self: Module, *args: Any, **kwargs: Any) -> Any:
        if _guard.open:
            try:
                return method(self, *args, **kwargs)
            except ShapeError as error:
                if error.module is None:
                    error.module = self
                raise
        _guard.open = True
        try:
            result = method(self, *args, **kwargs)
        except BaseException as error:
            self.forget()
            _name_module(error, self)
            raise
        finally:
            _guard.open = False
        if is_backward:
            _warn_if_stale(self)
        return result

    return run


def _name_module(error: BaseException, root: Module) -> None:
    if isinstance(error, ShapeError) and not error.path:
        guilty = root if error.module is None else error.module
        path = next((name for name, module in root.named_modules() if module is guilty), "")
        error.path = path or type(guilty).__name__


def _waits(module: Module) -> bool:
    """Return whether a forward waits for its backward, here or below.

    The paths, which only a warning needs, would take a tenth of a step of the linear regression.
    """
    if module._stack:
        return True
    for child in module._modules.values():  # noqa: SIM110, a generator takes twice the time
        if _waits(child):
            return True
    return False


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
