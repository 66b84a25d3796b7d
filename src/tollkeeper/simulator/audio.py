"""OpenAI's speech and transcriptions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tollkeeper.simulator.chat import in_chunks
from tollkeeper.simulator.generation import required
from tollkeeper.simulator.model import Asked, Caller, Provider, Refused, Reply
from tollkeeper.simulator.models import answering
from tollkeeper.simulator.script import Step
from tollkeeper.simulator.simulation import Simulation
from tollkeeper.simulator.tokens import PER_AUDIO_SECOND, pieces, seconds_of
from tollkeeper.simulator.words import reply_tokens

_SPOKEN_A_SECOND = 16
"""Characters that are spoken in a second."""
_SPEECH_TOKENS_A_SECOND = 20
_LONGEST_INPUT = 4096
_TYPES = {"mp3": "mpeg", "opus": "opus", "aac": "aac", "flac": "flac", "wav": "wav", "pcm": "pcm"}


def transcribe(simulation: Simulation, asked: Asked, caller: Caller, step: Step) -> Reply:
    """POST /v1/audio/transcriptions: whisper is paid by the second, the other models by the token."""
    provider = Provider.AZURE if "/openai/" in asked.path else Provider.OPENAI
    model = step.response_model or answering(asked.model, provider)
    if not asked.audio:
        told = "Missing required parameter: 'file'."
        raise Refused(400, "invalid_request_error", told, code="missing_required_parameter", param="file")
    seconds = seconds_of(asked.audio)
    salt = f"{model} {seconds} {len(asked.audio)}"
    tokens = pieces(step.content) if step.content is not None else reply_tokens(simulation.seed, salt)
    usage = step.usage or _transcription_usage(model, seconds, tokens, str(asked.body.get("prompt", "")))
    wanted = str(asked.body.get("response_format") or "json")
    content, media_type = _transcript("".join(tokens), seconds, usage, wanted)
    if str(asked.body.get("stream")).lower() == "true" and not model.startswith("whisper"):
        content = list(_transcript_events(tokens, usage))
    return Reply("audio_transcriptions", None, model, usage, content, media_type, counted={"seconds": seconds})


def _transcription_usage(model: str, seconds: int, tokens: list[str], hint: str) -> dict[str, Any]:
    if model.startswith("whisper"):
        return {"type": "duration", "seconds": seconds}
    audio, text = seconds * PER_AUDIO_SECOND, len(pieces(hint))
    return {
        "type": "tokens",
        "input_tokens": audio + text,
        "input_token_details": {"audio_tokens": audio, "text_tokens": text},
        "output_tokens": len(tokens),
        "total_tokens": audio + text + len(tokens),
    }


def _transcript(text: str, seconds: int, usage: Mapping[str, Any], wanted: str) -> tuple[bytes | list[bytes], str]:
    if wanted == "text":
        return f"{text}\n".encode(), "text/plain; charset=utf-8"
    if wanted in ("srt", "vtt"):
        head = "WEBVTT\n\n" if wanted == "vtt" else "1\n"
        return f"{head}00:00:00,000 --> 00:00:{seconds % 60:02},000\n{text}\n".encode(), "text/plain; charset=utf-8"
    body: dict[str, Any] = {"text": text, "usage": usage}
    if wanted == "verbose_json":
        body |= {"task": "transcribe", "language": "english", "duration": seconds, "segments": []}
    return json.dumps(body).encode(), "application/json"


def _transcript_events(tokens: list[str], usage: Mapping[str, Any]) -> Iterator[bytes]:
    for text in in_chunks(tokens):
        yield f"data: {json.dumps({'type': 'transcript.text.delta', 'delta': text})}\n\n".encode()
    done = {"type": "transcript.text.done", "text": "".join(tokens), "usage": usage}
    yield f"data: {json.dumps(done)}\n\n".encode()


def speak(simulation: Simulation, asked: Asked, caller: Caller, step: Step) -> Reply:
    """POST /v1/audio/speech: bytes that are no sound, and no usage in the answer. tts-1 is paid by the character."""
    provider = Provider.AZURE if "/openai/" in asked.path else Provider.OPENAI
    model = step.response_model or answering(asked.model, provider)
    text = str(required(asked, "input"))
    required(asked, "voice")
    if len(text) > _LONGEST_INPUT:
        told = f"Invalid 'input': string too long. Expected a string with maximum length {_LONGEST_INPUT}."
        raise Refused(400, "invalid_request_error", told, code="string_above_max_length", param="input")
    seconds = -(-len(text) // _SPOKEN_A_SECOND)
    usage = step.usage or _speech_usage(model, text, seconds)
    kind = _TYPES.get(str(asked.body.get("response_format") or "mp3"), "mpeg")
    content = b"\0" * (256 * seconds)
    return Reply("audio_speeches", None, model, usage, content, f"audio/{kind}", counted={"characters": len(text)})


def _speech_usage(model: str, text: str, seconds: int) -> dict[str, Any]:
    if model.startswith("tts-"):
        return {"characters": len(text)}
    said, heard = len(pieces(text)), seconds * _SPEECH_TOKENS_A_SECOND
    return {
        "input_tokens": said,
        "output_tokens": heard,
        "total_tokens": said + heard,
        "input_token_details": {"text_tokens": said, "audio_tokens": 0},
        "output_token_details": {"text_tokens": 0, "audio_tokens": heard},
    }
