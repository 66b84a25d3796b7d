"""The thread in the background: sends what the spool has, takes over from dead processes, ends what was abandoned."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from tollkeeper import clock
from tollkeeper.client.delivery import Fate, Outcome, backoff, deliver, deliver_events, outcome_of
from tollkeeper.client.driving import drive
from tollkeeper.client.recovery import take_over
from tollkeeper.client.results import Recorded, Replayed
from tollkeeper.client.spool import Entry, Spool
from tollkeeper.client.transport import Transport

if TYPE_CHECKING:
    from tollkeeper.client.wrap.watch import Watch

_log = logging.getLogger("tollkeeper")

_BATCH = 500
_IDLE_SECONDS = 15.0
_BETWEEN_TAKEOVERS = timedelta(seconds=15)


class Courier:
    """Sends one target's entries. Whoever writes an entry that isn't sent at once calls `wake`.

    Without `background` there's no thread, and `replay` alone sends.
    """

    def __init__(
        self, spool: Spool, target: str, transport: Transport, tidy: Callable[[], None], *, background: bool = True
    ) -> None:
        self._spool = spool
        self._target = target
        self._transport = transport
        self._tidy = tidy
        self._background = background
        # What the thread has taken to send it, `replay` would miss: it waits until that's done.
        self._sending = threading.Lock()
        # The one thing that finalizers may put something into, wherever they strike.
        self._mail: SimpleQueue[Watch | None] = SimpleQueue()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()
        self._failures = 0
        self._away_until: datetime | None = None

    # Whether the server is there

    @property
    def away(self) -> bool:
        """The server didn't answer a moment ago: don't wait for it now."""
        return self._away_until is not None and clock.now() < self._away_until

    def reached(self) -> None:
        """The server has answered."""
        if self._failures:
            _log.warning("[tollkeeper] Tollkeeper answers again at %s.", self._target)
            self._failures, self._away_until = 0, None
            self.wake()

    def unreached(self, why: str) -> None:
        """The server has not."""
        if not self._failures:
            told = "[tollkeeper] Tollkeeper can't be reached at %s (%s). Usage is kept in %s and sent later."
            _log.warning(told, self._target, why, self._spool.path or "memory")
        self._away_until = clock.now() + timedelta(seconds=backoff(self._failures))
        self._failures += 1

    # The thread

    def wake(self) -> None:
        """There's something to send. Starts the thread if there is none, in a forked child too."""
        if not self._background:
            return
        self._leave_to_parent()
        self._mail.put(None)
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._work, name="tollkeeper spool", daemon=True)
            self._thread.start()

    def _leave_to_parent(self) -> None:
        """A forked child has neither the thread, nor what that was about to do, nor the end of it to wait for."""
        if self._pid != os.getpid():
            self._pid, self._thread = os.getpid(), None
            self._mail, self._sending = SimpleQueue(), threading.Lock()

    def close(self, seconds: float) -> None:
        """Send what can be sent within so many seconds, and end."""
        self._closing = True
        self._mail.put(None)
        if self._thread is not None and self._pid == os.getpid():
            self._thread.join(seconds)
        if left := self._spool.scalar("count_waiting", target=self._target):
            told = "[tollkeeper] %s item(s) of usage wait in the spool %s; the next client sends them."
            _log.warning(told, left, self._spool.path)

    def _work(self) -> None:
        taken: datetime | None = None
        while True:
            try:
                self.end_dropped()
                self._tidy()
                if taken is None or clock.now() - taken >= _BETWEEN_TAKEOVERS:
                    take_over(self._spool)
                    taken = clock.now()
                if not self.away or self._closing:
                    with self._sending:
                        self._send_due()
            except Exception:
                _log.exception("[tollkeeper] The spool's thread failed; it goes on.")
            if self._closing:
                return
            with suppress(Empty):
                if (dropped := self._mail.get(timeout=self._pause())) is not None:
                    dropped.abandoned()

    def drop(self, watch: Watch) -> None:
        """Nobody has this call's stream any more. May be called by the garbage collector, in the midst of anything."""
        self._mail.put(watch)

    def end_dropped(self) -> None:
        """End the calls whose streams nobody has any more."""
        with suppress(Empty):
            while True:
                if (dropped := self._mail.get_nowait()) is not None:
                    dropped.abandoned()

    def _pause(self) -> float:
        """Seconds until there's something to do again."""
        due = self._spool.scalar("next_due", target=self._target)
        now = clock.now()
        until = _IDLE_SECONDS if due is None else due - now.timestamp()
        if self._away_until is not None:
            until = max(until, (self._away_until - now).total_seconds())
        return min(max(until, 0.05), _IDLE_SECONDS)

    # Sending

    def _send_due(self) -> Replayed:
        """Send everything that is due, until there's nothing more or no answer."""
        sent = refused = 0
        errors: list[str] = []
        while entries := self._spool.due(self._target, _BATCH):
            events = [each for each in entries if each.kind == "event" and not each.attempts]
            others = [each for each in entries if each.kind != "event" or each.attempts]
            outcomes = self._deliver_together(events)
            for entry in others:
                if outcomes and outcomes[-1].unreached:
                    self._spool.again(entry.entry, backoff(entry.attempts), "the server isn't reached")
                    continue
                outcomes.append(self.judged(drive(deliver(self._spool, entry), self._transport)))
            sent += sum(one.fate is Fate.SENT for one in outcomes)
            refused += sum(one.fate is Fate.REFUSED for one in outcomes)
            errors += [f"{one.error.code}: {one.error.detail}" for one in outcomes if one.error is not None]
            if any(one.unreached for one in outcomes):
                break
        return Replayed(sent, refused, self._spool.scalar("count_waiting", target=self._target), 0, tuple(errors))

    def _deliver_together(self, events: list[Entry]) -> list[Outcome]:
        if not events:
            return []
        if len(events) == 1:
            return [self.judged(drive(deliver(self._spool, events[0]), self._transport))]
        results: dict[int, Recorded] = {}
        whole = self.judged(drive(deliver_events(self._spool, events, results), self._transport))
        return [outcome_of(results[each.entry]) if each.entry in results else whole for each in events]

    def judged(self, outcome: Outcome) -> Outcome:
        """The outcome, once it's noted whether the server is there."""
        if outcome.unreached:
            self.unreached("" if outcome.error is None else outcome.error.detail)
        else:
            self.reached()
        if outcome.fate is Fate.WAITING:
            self.wake()
        return outcome

    def replay(self, *, refused: bool = False) -> Replayed:
        """Take over what dead processes left, and send everything now, whenever it was due."""
        self._leave_to_parent()
        with self._sending:
            taken = take_over(self._spool)
            self._spool.write("retry_waiting", target=self._target)
            if refused:
                self._spool.write("retry_refused", target=self._target)
            done = self._send_due()
        return Replayed(done.sent, done.refused, done.waiting, taken, done.errors)
