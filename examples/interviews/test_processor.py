"""A TEST PROCESSOR: nobody pays here. It stands where Stripe, PayPal or a bank stand in a product that takes money.

It does what they do: the product's server begins a payment, the customer pays on the processor's own page, and the
processor tells the product's server, in a call that it signs, and repeats until it's answered. No browser is believed.
"""

import hashlib
import hmac
import json
import os
import secrets
import sqlite3
import threading
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
from fastapi import FastAPI, Form, HTTPException
from fastapi.responses import FileResponse, RedirectResponse

from tollkeeper.client import TopUp

SECRET = hashlib.sha256(f"processor {os.environ['EXAMPLE_SECRET']}".encode()).digest()
WEBHOOK = f"{os.environ['EXAMPLE_URL']}/api/billing/webhook"
LONGEST_PAUSE = 60
FILE = Path(os.environ["EXAMPLE_DATA"]) / "test-processor.sqlite"
TABLE = """create table if not exists payments (
    payment text primary key, top_up text, customer text, amount text, currency text, state text, at text, heard int)"""
app = FastAPI(openapi_url=None)
ended = threading.Event()


def payments(sql: str, **values: Any) -> list[dict[str, Any]]:
    """What a statement about payments returns; what it changes is kept, for good and for all processes."""
    with closing(sqlite3.connect(FILE, timeout=10)) as file, file:
        file.row_factory = sqlite3.Row
        file.execute(TABLE)
        return [dict(row) for row in file.execute(sql, values)]


def begin(top_up: TopUp) -> str:
    """Where the customer pays for it."""
    about = {"top_up": top_up.id, "customer": top_up.customer, "amount": str(top_up.price), "currency": top_up.currency}
    payment = f"pay_{secrets.token_hex(6)}"
    sql = "insert into payments values (:payment, :top_up, :customer, :amount, :currency, 'open', :at, 0)"
    payments(sql, payment=payment, at=datetime.now(UTC).isoformat(), **about)
    return f"/test-processor/{payment}"


def listed(customer: str) -> list[dict[str, str]]:
    """A customer's payments, newest first."""
    found = "payment, top_up, customer, amount, currency, state, at from payments where state <> 'open'"
    return payments(f"select {found} and customer = :customer order by at desc", customer=customer)


def refund(payment: str) -> None:
    """Give the money back."""
    payments("update payments set state = 'refunded' where payment = :payment", payment=payment)


@app.get("/{payment}")
def ask(payment: str) -> FileResponse:
    """The processor's page."""
    return FileResponse(Path(__file__).parent / "pages" / "test-processor.html")


@app.get("/{payment}/facts")
def facts(payment: str) -> dict[str, str]:
    """What that page shows."""
    for found in payments("select amount, currency, state from payments where payment = :payment", payment=payment):
        return found
    raise HTTPException(404, "There is no such payment.")


@app.post("/{payment}")
def end(payment: str, state: Annotated[Literal["paid", "declined"], Form()]) -> RedirectResponse:
    """The customer has paid, or can't. Where the browser goes from here tells nobody anything."""
    facts(payment)
    sql = "update payments set state = :state where payment = :payment and state = 'open'"
    payments(sql, payment=payment, state=state)
    ended.set()
    return RedirectResponse("/billing", 303)


def tell_all() -> None:
    """Tell the product's server of each payment until it has heard: of those before a restart, too."""
    pause = 1
    while True:
        with suppress(sqlite3.Error):
            waiting = payments("select * from payments where state <> 'open' and not heard order by at")
            waiting = [payment for payment in waiting if not tell(payment)]
            pause = min(LONGEST_PAUSE, 2 * pause) if waiting else 1
        if ended.wait(pause):
            ended.clear()
            pause = 1


def tell(payment: dict[str, Any]) -> bool:
    """Tell of a payment, signed. Whether it has been heard."""
    body = json.dumps(payment).encode()
    with suppress(httpx.HTTPError):
        answer = httpx.post(WEBHOOK, content=body, headers={"Processor-Signature": signature(body)})
        if answer.is_success:
            payments("update payments set heard = 1 where payment = :payment", payment=payment["payment"])
            return True
    return False


def signature(body: bytes) -> str:
    """Shows that the processor says so, and when: `t=<seconds>,v1=<hex>`."""
    at = int(time.time())
    return f"t={at},v1={hmac.new(SECRET, f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


threading.Thread(target=tell_all, daemon=True).start()
