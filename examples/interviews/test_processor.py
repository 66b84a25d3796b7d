"""A TEST PROCESSOR: nobody pays here. It stands where Stripe, PayPal or a bank stand in a product that takes money.

It does what they do: the product's server begins a payment, the customer pays on the processor's own page, and the
processor tells the product's server, in a call that it signs, and repeats until it's answered. No browser is believed.
"""

import hashlib
import hmac
import json
import os
import secrets
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import httpx
from fastapi import BackgroundTasks, FastAPI, Form, HTTPException
from fastapi.responses import FileResponse, RedirectResponse

from tollkeeper.client import TopUp

SECRET = hashlib.sha256(f"processor {os.environ['EXAMPLE_SECRET']}".encode()).digest()
WEBHOOK = f"{os.environ['EXAMPLE_URL']}/api/billing/webhook"
app = FastAPI(openapi_url=None)
FILE = Path(os.environ["EXAMPLE_DATA"]) / "test-processor.json"
payments: dict[str, dict[str, str]] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def begin(top_up: TopUp) -> str:
    """Where the customer pays for it."""
    about = {"top_up": top_up.id, "customer": top_up.customer, "amount": str(top_up.price), "currency": top_up.currency}
    payment = f"pay_{secrets.token_hex(6)}"
    keep(about | {"payment": payment, "state": "open", "at": datetime.now(UTC).isoformat()})
    return f"/test-processor/{payment}"


def keep(payment: dict[str, str]) -> None:
    """Note a payment, for good."""
    payments[payment["payment"]] = payment
    FILE.write_text(json.dumps(payments), encoding="utf-8")


def listed(customer: str) -> list[dict[str, str]]:
    """A customer's payments, newest first."""
    mine = (payment for payment in payments.values() if payment["customer"] == customer and payment["state"] != "open")
    return sorted(mine, key=lambda payment: payment["at"], reverse=True)


def refund(payment: str) -> None:
    """Give the money back."""
    keep(payments[payment] | {"state": "refunded"})


@app.get("/{payment}")
def ask(payment: str) -> FileResponse:
    """The processor's page."""
    return FileResponse(Path(__file__).parent / "pages" / "test-processor.html")


@app.get("/{payment}/facts")
def facts(payment: str) -> dict[str, str]:
    """What that page shows."""
    if payment not in payments:
        raise HTTPException(404, "There is no such payment.")
    return {name: payments[payment][name] for name in ("amount", "currency", "state")}


@app.post("/{payment}")
def end(
    payment: str, state: Annotated[Literal["paid", "declined"], Form()], later: BackgroundTasks
) -> RedirectResponse:
    """The customer has paid, or can't. Where the browser goes from here tells nobody anything."""
    if facts(payment)["state"] == "open":
        keep(payments[payment] | {"state": state})
        later.add_task(tell, json.dumps(payments[payment]).encode())
    return RedirectResponse("/billing", 303)


def tell(body: bytes) -> None:
    """Tell the product's server, again and again until it has heard."""
    for pause in (0, 1, 2, 4, 8, 16, 32, 64):
        time.sleep(pause)
        with suppress(httpx.HTTPError):
            if httpx.post(WEBHOOK, content=body, headers={"Processor-Signature": signature(body)}).is_success:
                return


def signature(body: bytes) -> str:
    """Shows that the processor says so, and when: `t=<seconds>,v1=<hex>`."""
    at = int(time.time())
    return f"t={at},v1={hmac.new(SECRET, f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"
