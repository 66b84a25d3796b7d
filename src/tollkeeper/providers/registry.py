"""The providers that the bundled book knows: a line here, and a file of prices in `data/`, make one more."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provider:
    """What sets a provider apart from the others besides its prices."""

    key: str
    """How calls, prices and pages name it; `data/<key>.toml` has its prices."""
    name: str
    aliases: tuple[str, ...] = ()
    """Other words for it: OpenTelemetry's, LiteLLM's, genai-prices'."""
    resells: str | None = None
    """Another provider's key: models without rows here cost what they cost there."""
    model_prefix: str = ""
    """What a model's name may begin with before the name that prices go by; a pattern of `re`."""
    place_prefix: str = ""
    """What in a model's name says where it's answered; a pattern of `re` whose group is the region."""


PROVIDERS: tuple[Provider, ...] = (
    Provider("openai", "OpenAI", ("open_ai", "openai_realtime", "text_completion_openai")),
    Provider("anthropic", "Anthropic", ("claude",)),
    Provider(
        "google",
        "Google Gemini and Vertex AI",
        (
            *("gemini", "google_ai_studio", "google_genai", "google_gla", "gcp", "gcp.gemini", "gcp.gen_ai"),
            *("gcp.vertex_ai", "google_vertex", "vertex", "vertex_ai", "vertexai"),
        ),
        model_prefix=r"(?:.*/)?models/|google/|anthropic/",
    ),
    Provider("mistral", "Mistral", ("mistral_ai", "mistralai")),
    Provider("deepseek", "DeepSeek", ("deep_seek",)),
    Provider("groq", "Groq", ("groqcloud",)),
    Provider(
        "azure",
        "Azure OpenAI",
        ("azure_openai", "azure.ai.openai", "azure.ai.inference", "azure.openai", "az.ai.openai", "azure_ai"),
        resells="openai",
    ),
    Provider(
        "bedrock",
        "Amazon Bedrock",
        ("aws", "aws.bedrock", "aws_bedrock", "amazon_bedrock", "bedrock_converse"),
        model_prefix=r".*/",
        place_prefix=r"(global|us-gov|us|eu|apac|au|jp|in|ca)\.",
    ),
)

_BY_KEY = {provider.key: provider for provider in PROVIDERS}
_BY_ALIAS = {alias: provider.key for provider in PROVIDERS for alias in provider.aliases}


def provider_key(name: str) -> str:
    """The one word for a provider: "azure" for "Azure-OpenAI". Unknown ones are the operator's own, in lower case."""
    key = name.strip().lower().replace("-", "_").replace(" ", "_")
    return _BY_ALIAS.get(key, key)


def provider_of(key: str) -> Provider:
    """The provider called `key`; one that nobody knows has nothing special."""
    return _BY_KEY.get(key) or Provider(key, key)


_DATED = re.compile(r"(?:[-@](?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4})|-latest)$")


def undated(model: str) -> str:
    """The name of a model without the date of its version: "gpt-4o" for "gpt-4o-2024-08-06"."""
    return _DATED.sub("", model)


def model_key(provider: str, model: str, region: str | None) -> tuple[str, str | None]:
    """The name that prices go by, and where the call was answered: "us.anthropic.claude-3" is Bedrock's in "us"."""
    known = provider_of(provider)
    name = model.strip().lower()
    if known.model_prefix:
        name = re.sub(rf"^(?:{known.model_prefix})", "", name)
    if known.place_prefix and (place := re.match(known.place_prefix, name)):
        name, region = name[place.end() :], region or place[1]
    return name, None if region is None else region.strip().lower()
