"""Credits: who may look and buy; and what the payment processor says, signed, which alone turns money into credits."""

import hashlib
import hmac
import json
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request

from examples.interviews import test_processor
from examples.interviews.people import User
from examples.interviews.store import toll
from tollkeeper.errors import Conflict, Unauthorized

routes = APIRouter()


@routes.get("/billing-token")
def billing_token(user: User) -> dict[str, str]:
    """What widgets ask for: a session of this team's, in which credits may be bought."""
    return {"token": toll.portal_session(user["team"], permissions=["read", "top_up"], expires_in=900).token}


@routes.post("/api/checkout/{top_up}")
def checkout(user: User, top_up: str) -> dict[str, str]:
    """Begin a payment, and say where it's made. What it costs Tollkeeper says; another team's purchase isn't there."""
    return {"url": test_processor.begin(toll.get_top_up(top_up, customer=user["team"]))}


@routes.get("/api/payments")
def payments(user: User) -> list[dict[str, str]]:
    """The team's payments, as the processor has them; also what was paid twice, and paid back."""
    return test_processor.listed(user["team"])


async def signed(request: Request, processor_signature: Annotated[str, Header()] = "") -> dict[str, str]:
    """What the processor says of a payment, if it's the processor, and says it now."""
    body = await request.body()
    at, _, given = processor_signature.removeprefix("t=").partition(",v1=")
    right = hmac.new(test_processor.SECRET, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(right.encode(), given.encode()) or abs(time.time() - int(at)) > 300:
        raise Unauthorized("not_signed", "This isn't signed by the processor, or not within the last five minutes.")
    return json.loads(body)


@routes.post("/api/billing/webhook", status_code=204)
def webhook(payment: Annotated[dict[str, str], Depends(signed)]) -> None:
    """Tell Tollkeeper, which gives what was bought, once. A second payment, or another amount, is paid back."""
    if payment["state"] != "paid":
        return  # it was declined: the top-up waits for another payment
    top_up = toll.get_top_up(payment["top_up"], customer=payment["customer"])
    try:
        if (payment["amount"], payment["currency"]) != (str(top_up.price), top_up.currency):
            raise Conflict("wrong_amount", "That isn't what it costs.")
        toll.top_up_paid(top_up.id, customer=top_up.customer, reference=payment["payment"])
    except Conflict:  # `paid_otherwise`: another payment has paid for it
        test_processor.refund(payment["payment"])
