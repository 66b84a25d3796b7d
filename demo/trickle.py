"""A little traffic that goes on while the demo serves, so that there's something to watch on the billing page."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Event as Signal
from threading import Thread

from demo.cast import RECRUITER
from demo.client import Client
from demo.errors import DemoFailed
from demo.page import recruiting_event

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
        meter, job = _TURN[number % len(_TURN)], _JOBS[number % len(_JOBS)]
        if meter == "interview":
            self._hold_interview(f"live-{number}")
            return
        candidate = None if meter == "question_tokens" else f"live-{number}"
        event = recruiting_event(f"live-{number}", meter, _QUANTITIES[meter], job, candidate, datetime.now(UTC))
        self._client.report([event])

    def _hold_interview(self, name: str) -> None:
        """It takes a credit: held for a moment, then spent. Once there are none left, it's refused."""
        held = self._client.hold({"id": name, "customer": RECRUITER.key, "meter": "interview"})
        if "code" not in held and not self._over.wait(_SECONDS / 2):
            self._client.settle(RECRUITER.key, name)
