"""What a text model comes up with: input counted and looked up in the cache, reasoning, text or a call of a tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tollkeeper.simulator.filling import shaped
from tollkeeper.simulator.model import Asked, Caller, Refused
from tollkeeper.simulator.models import charges_cache_writes, reasons
from tollkeeper.simulator.script import Step
from tollkeeper.simulator.simulation import Simulation
from tollkeeper.simulator.tokens import Prompt, automatic, pieces
from tollkeeper.simulator.words import reply_tokens

_EFFORTS = {"none": 0, "minimal": 0, "low": 32, "medium": 64, "high": 128, "xhigh": 256, "max": 512}
"""Reasoning tokens by effort; medium where nothing is said."""


@dataclass(frozen=True, slots=True)
class Generated:
    """What came of a prompt, in tokens."""

    prompt: int
    prompt_audio: int
    cached: int
    written: int
    """Newly in the cache; 0 for models whose usage doesn't tell it."""
    reasoning: int
    reply: Sequence[str]
    cut: bool
    """Whether `max_tokens` ended it."""
    tool: str | None = None
    """The function that is called, with the reply as its arguments."""

    @property
    def text(self) -> str:
        """The reply."""
        return "".join(self.reply)

    @property
    def output(self) -> int:
        """All that is billed as output."""
        return self.reasoning + len(self.reply)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request wants of its output."""

    most: int | None = None
    """Tokens at most, reasoning among them."""
    effort: str | None = None
    schema: Mapping[str, Any] | None = None
    """The JSON schema that the text has to keep."""
    tool: tuple[str, Mapping[str, Any]] | None = None
    """The function that must be called, and the schema of its arguments."""


def generate(
    simulation: Simulation,
    caller: Caller,
    step: Step,
    model: str,
    prompt: Prompt,
    wish: Wish,
) -> Generated:
    """What an OpenAI model answers to a prompt."""
    scope = f"{caller.project} {model}"
    cached, written = automatic(simulation.cache, scope, prompt.tokens, simulation.now())
    thinking = _EFFORTS.get(wish.effort or "medium", 64) if reasons(model) else 0
    reply = _reply(simulation, step, prompt, wish)
    whole = thinking + len(reply)
    if wish.most is not None:
        thinking = min(thinking, wish.most)
        reply = reply[: wish.most - thinking]
    return Generated(
        len(prompt.tokens),
        prompt.audio,
        cached,
        written if charges_cache_writes(model) else 0,
        thinking,
        reply,
        thinking + len(reply) < whole,
        wish.tool[0] if wish.tool else None,
    )


def _reply(simulation: Simulation, step: Step, prompt: Prompt, wish: Wish) -> list[str]:
    if step.content is not None:
        return pieces(step.content)
    schema = wish.tool[1] if wish.tool is not None else wish.schema
    if schema is not None:
        return shaped(schema, simulation.seed, prompt.latest)
    return reply_tokens(simulation.seed, "".join(prompt.tokens))


def positive(asked: Asked, *names: str) -> int | None:
    """The first of these limits that the request has. Raises Refused 400 unless it's at least 1."""
    for name in names:
        value = asked.body.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or value < 1:
            told = f"Invalid '{name}': integer below minimum value. Expected a value >= 1, but got {value!r} instead."
            raise Refused(400, "invalid_request_error", told, code="integer_below_min_value", param=name)
        return value
    return None


def served_tier(asked: Asked, step: Step) -> str:
    """The tier that serves a request: as asked for, `default` for `auto`, `priority` for `fast`."""
    wanted = step.service_tier or str(asked.body.get("service_tier") or "auto")
    return {"auto": "default", "fast": "priority"}.get(wanted, wanted)


def required(asked: Asked, name: str) -> Any:
    """A field that must be there. Raises Refused 400."""
    if asked.body.get(name) in (None, "", []):
        told = f"Missing required parameter: '{name}'."
        raise Refused(400, "invalid_request_error", told, code="missing_required_parameter", param=name)
    return asked.body[name]
