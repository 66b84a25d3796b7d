"""What the model does, and how long a recording is before it's sent there."""

from contextlib import suppress
from decimal import Decimal
from io import BytesIO
from typing import Any, Literal

from openai import OpenAI
from openai.types.chat import ParsedChatCompletion
from pydantic import BaseModel, Field
from tinytag import TinyTag, TinyTagException

MODEL, LISTENER = "gpt-4o-mini", "gpt-4o-mini-transcribe"
_INSTRUCTIONS = "You take orders for the restaurant {}: find out what the guest wants, ask for what is missing."
_USUAL = 16_000  # bytes a second: 128 kbit/s, what browsers and phones record
_PLAUSIBLE = range(250, 400_000)  # from the tightest speech codec to studio WAV; a header that says otherwise lies


class Turn(BaseModel):
    """What the model makes of a guest's message."""

    intent: Literal["place_order", "change_order", "ask_about_menu", "order_status", "small_talk", "other"]
    complexity: Literal["low", "medium", "high"]
    reply: str = Field(description="What the guest is told.")


REFUSED = Turn(intent="other", complexity="low", reply="I can't help with that. What would you like to order?")


def answer(client: OpenAI, restaurant: str, conversation: list[Any]) -> ParsedChatCompletion[Turn]:
    """One completion: the guest's intent, and the reply."""
    messages = [{"role": "system", "content": _INSTRUCTIONS.format(restaurant)}, *conversation]
    return client.chat.completions.parse(model=MODEL, messages=messages, response_format=Turn)


def length_of(audio: bytes) -> tuple[Decimal, str]:
    """Minutes: measured, as the file says (WAV, MP3, M4A, OGG, FLAC), or estimated from its size where it doesn't."""
    seconds = None
    with suppress(TinyTagException):
        seconds = TinyTag.get(file_obj=BytesIO(audio), tags=False).duration
    if not seconds or len(audio) // seconds not in _PLAUSIBLE:
        return round(Decimal(len(audio)) / _USUAL / 60, 4), "estimated"
    return round(Decimal(str(seconds)) / 60, 4), "measured"
