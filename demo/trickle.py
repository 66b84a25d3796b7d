"""A little traffic that goes on while the demo serves, so that there's something to watch on the billing page."""

from __future__ import annotations

from threading import Event as Signal
from threading import Thread

from demo.cast import RECRUITER
from demo.client import Client
from demo.errors import DemoFailed

_SECONDS = 3.0
_TURN = ("cv_parse", "cv_parse", "question_tokens", "interview", "cv_parse", "interview_minute", "question_tokens")
_JOBS = ("data-analyst", "backend-engineer", "product-designer")
_QUANTITIES = {"cv_parse": "1", "question_tokens": "2150", "interview_minute": "3.4"}


class Trickle:
    """Something is used every three seconds, until the block ends or the server does."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._over = Signal()
        self._thread = Thread(target=self._run, name="trickle", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._over.wait(_SECONDS):
            number += 1
            try:
                self._use(number)
            except DemoFailed:
                return  # the server has ended

    def _use(self, number: int) -> None:
        """Held for a moment, then settled as it was held. What credits or limits don't allow any more is refused."""
        name, meter = f"live-{number}", _TURN[number % len(_TURN)]
        asked = {"id": name, "customer": RECRUITER.key, "meter": meter}
        if meter != "interview":
            who = {} if meter == "question_tokens" else {"candidate": name}
            asked |= {
                "quantity": _QUANTITIES[meter],
                "member": ("ana", "bo")[number % 2],
                "dimensions": {"job": _JOBS[number % len(_JOBS)]} | who,
            }
        held = self._client.hold(asked)
        if "code" not in held and not self._over.wait(_SECONDS / 2):
            self._client.settle(RECRUITER.key, name)
