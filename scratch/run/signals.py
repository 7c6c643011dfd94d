"""Ctrl-C and SIGTERM as a question that a loop asks between two steps."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self

_HEARD = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """Inside this block a first signal is only noted, so that a step is never cut in two.

    A second Ctrl-C is obeyed at once. Outside of the main thread Python hears no signals, and the
    block does nothing.

    Attributes:
        received: the signal that asks the loop to end, None if there was none.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for signum in _HEARD:
                self._previous[signum] = signal.signal(signum, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        for signum, handler in self._previous.items():
            signal.signal(signum, handler)
        self._previous.clear()

    def _note(self, signum: int, frame: FrameType | None) -> None:
        if self.received is not None and signum == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = signum

    def leave(self, message: str) -> None:
        """End the program as the signal asks: 130 after Ctrl-C, 143 after SIGTERM.

        Raises:
            KeyboardInterrupt: after Ctrl-C, with the message.
            SystemExit: after SIGTERM.
        """
        if self.received == signal.SIGTERM:
            raise SystemExit(128 + signal.SIGTERM)
        raise KeyboardInterrupt(f"stopped by Ctrl-C; {message}")
