"""What the model does: refused before it's asked where a limit leaves no room, and charged as it was."""

from __future__ import annotations

import io
from typing import Any, Literal

from fastapi import HTTPException
from openai import OpenAI
from pydantic import BaseModel
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from tollkeeper import Tollkeeper

toll = Tollkeeper()
client = toll.wrap(OpenAI())

Model = Literal["gpt-4o-mini", "gpt-4o"]
MOST_PAGES, MOST_LETTERS, LONGEST_ANSWER = 10, 30_000, 1_500
BYTES_PER_TOKEN, TOKENS_AROUND = 3, 250  # what's guessed before a call; afterwards the provider's own count holds

READ = "Copy what this résumé says into the given form. Leave empty what it doesn't say."
WRITE = "Write the summary at the top of this résumé: three sentences, first person, nothing that isn't in it."


class Resume(BaseModel):
    name: str
    headline: str
    skills: list[str]
    experience: list[str]
    education: list[str]


class Summary(BaseModel):
    summary: str


def text_of(pdf: bytes) -> str:
    """The PDF's text, or 422 and why there's none."""
    try:
        pages = PdfReader(io.BytesIO(pdf)).pages
        text = "\n".join(page.extract_text() for page in pages[: MOST_PAGES + 1]).strip()
    except PyPdfError as error:
        raise HTTPException(422, "This file isn't a PDF that can be read.") from error
    if len(pages) > MOST_PAGES or not text:
        raise HTTPException(422, f"The PDF has more than {MOST_PAGES} pages." if text else "The PDF has no text.")
    return text[:MOST_LETTERS]


def ask(meter: str, user: str, id: str, title: str, task: str, text: str, model: Model, form: type[BaseModel]) -> Any:
    """What the model answers, in that form. Held are the tokens that it may take, charged those that it took.

    Raises LimitExceeded before the model is asked, and HTTPException 422 where it declines to answer.
    """
    read = len(f"{task}{text}".encode()) // BYTES_PER_TOKEN + TOKENS_AROUND
    call = {"provider": "openai", "model": model, "usage": {"prompt_tokens": read, "completion_tokens": LONGEST_ANSWER}}
    prompt: list[Any] = [{"role": "system", "content": task}, {"role": "user", "content": text}]
    with toll.operation(
        meter, customer=user, id=id, quantity=read + LONGEST_ANSWER, estimate=call, dimensions={"resume": title}
    ) as operation:
        try:
            said = client.chat.completions.parse(
                model=model, messages=prompt, response_format=form, max_completion_tokens=LONGEST_ANSWER
            )
        finally:
            told = [call.get("usage", {}).get("total_tokens", 0) for call in operation.calls]
            operation.quantity = sum(told) or operation.quantity
    if (found := said.choices[0].message.parsed) is None:
        raise HTTPException(422, "The model couldn't make anything of it.")
    return found
