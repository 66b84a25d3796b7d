"""The data of genai-prices: its data.json, or the package as it's installed (https://github.com/pydantic/genai-prices)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib import import_module, metadata
from typing import Any

from tollkeeper.errors import InvalidInput
from tollkeeper.providers.importing.offers import MILLION, Offer, OtherBook, not_that, number
from tollkeeper.providers.model import Unit
from tollkeeper.providers.registry import PROVIDERS, model_key, provider_key

_THOUSAND, _HOUR = Decimal(1000), Decimal(3600)
_UNITS: Mapping[str, tuple[Unit, Decimal]] = {
    "input_mtok": (Unit.INPUT_TOKENS, MILLION),
    "cache_read_mtok": (Unit.CACHED_INPUT_TOKENS, MILLION),
    "cache_write_mtok": (Unit.CACHE_WRITE_TOKENS, MILLION),
    "cache_write_5m_mtok": (Unit.CACHE_WRITE_5M_TOKENS, MILLION),
    "cache_write_1h_mtok": (Unit.CACHE_WRITE_1H_TOKENS, MILLION),
    "input_audio_mtok": (Unit.INPUT_AUDIO_TOKENS, MILLION),
    "cache_audio_read_mtok": (Unit.CACHED_INPUT_AUDIO_TOKENS, MILLION),
    "input_image_mtok": (Unit.INPUT_IMAGE_TOKENS, MILLION),
    "cache_image_read_mtok": (Unit.CACHED_INPUT_IMAGE_TOKENS, MILLION),
    "input_video_mtok": (Unit.INPUT_VIDEO_TOKENS, MILLION),
    "output_mtok": (Unit.OUTPUT_TOKENS, MILLION),
    "output_reasoning_mtok": (Unit.REASONING_TOKENS, MILLION),
    "output_audio_mtok": (Unit.OUTPUT_AUDIO_TOKENS, MILLION),
    "output_image_mtok": (Unit.OUTPUT_IMAGE_TOKENS, MILLION),
    "output_video_mtok": (Unit.OUTPUT_VIDEO_TOKENS, MILLION),
    "input_mchars": (Unit.CHARACTERS, MILLION),
    "audio_hours": (Unit.SECONDS, _HOUR),
    "input_document_kpages": (Unit.PAGES, _THOUSAND),
    "web_searches_kcount": (Unit.WEB_SEARCHES, _THOUSAND),
    "storage_searches_kcount": (Unit.FILE_SEARCHES, _THOUSAND),
}
_FORMS = {"equals": "{}", "starts_with": "{}*", "contains": "{}*", "ends_with": "{}"}
_DATE = re.compile(r"\\d\{4\}-\\d\{2\}-\\d\{2\}|\\d\{8\}")
_SPECIAL = re.compile(r"[\\^$()\[\]?|+]")
_SEARCHES = (Unit.WEB_SEARCHES, Unit.FILE_SEARCHES)
_KNOWN = frozenset(provider.key for provider in PROVIDERS)


def installed_genai() -> OtherBook:
    """The book of the installed package. Raises InvalidInput `genai_prices_missing`."""
    try:
        found = import_module("genai_prices.data").providers
    except ImportError:
        told = "genai-prices isn't installed: give the file data.json of its repository, or install it."
        raise InvalidInput("genai_prices_missing", told, field="file") from None
    return genai_book(_plain(found), source=f"genai-prices {metadata.version('genai-prices')}")


def genai_book(document: Any, *, source: str) -> OtherBook:
    """The book in its JSON. Models whose price goes by the hour of day have no offers: it can't say when such a price
    began. Raises InvalidInput `invalid_price_file`.
    """
    if not isinstance(document, list) or not all(isinstance(each, Mapping) and "id" in each for each in document):
        raise not_that(source, "it isn't the data.json of genai-prices")
    offers: list[Offer] = []
    names: dict[str, frozenset[str]] = {}
    for each in document:
        provider = provider_key(str(each["id"]))
        if provider in _KNOWN:
            models = each.get("models") or []
            names[provider] = frozenset(n for m in models for of in _by_region(provider, m).values() for n in of)
            offers += [offer for model in models for offer in _of_model(provider, model)]
    return OtherBook(source, offers, names)


def _of_model(provider: str, model: Mapping[str, Any]) -> Iterator[Offer]:
    places = _by_region(provider, model)
    lists: list[tuple[dict[str, Any], Mapping[str, Any]]] = []
    prices = model.get("prices")
    for each in prices if isinstance(prices, list) else [{"prices": prices}]:
        lists.append(({}, each))
    for variant in model.get("price_variants") or ():
        if (how := _how(variant.get("when") or {})) is not None:
            lists.append((how, variant))
    if any("start_time" in (each.get("constraint") or {}) for _, each in lists):
        return
    for how, each in lists:
        start = _start((each.get("constraint") or {}).get("start_date"))
        for region, names in places.items():
            for offer in _of_prices(each.get("prices") or {}, how):
                yield Offer(provider, names, region=region, start=start, **offer)


def _of_prices(prices: Mapping[str, Any], how: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for key, price in prices.items():
        unit, per = _UNITS.get(key, (None, MILLION))
        if unit is None or (how and unit in _SEARCHES):
            continue
        base, tiers = (price.get("base"), price.get("tiers") or []) if isinstance(price, Mapping) else (price, [])
        told = {"unit": unit, "per": per, **how}
        if (amount := number(base)) is not None:
            yield {**told, "amount": amount, "input_up_to": tiers[0]["start"] if tiers else None}
        for i, tier in enumerate(tiers):
            if (amount := number(tier["price"])) is not None:
                most = tiers[i + 1]["start"] if i + 1 < len(tiers) else None
                yield {**told, "amount": amount, "input_above": tier["start"], "input_up_to": most}


def _how(when: Mapping[str, str]) -> dict[str, Any] | None:
    """The way of calling that a variant is for; None for one that we have no word for, or that is the standard."""
    match dict(when):
        case {"processing": "batch"}:
            return {"batch": True}
        case {"speed": str(tier)} | {"service_tier": str(tier)} if tier != "default":
            return {"service_tier": tier}
    return None


def _start(value: object) -> datetime | None:
    if value is None:
        return None
    day = value if isinstance(value, date) else date.fromisoformat(str(value))
    return datetime.combine(day, time.min, tzinfo=UTC)


def _by_region(provider: str, model: Mapping[str, Any]) -> dict[str | None, tuple[str, ...]]:
    """The names of a model by the region that they stand for ("global.anthropic.claude…")."""
    places: dict[str | None, list[str]] = {}
    for name in dict.fromkeys(_names(model.get("match") or {})):
        key, region = model_key(provider, name, None)
        if provider == "bedrock" and "." not in key.split("-")[0]:
            continue  # A name without its maker's: Bedrock's own ids have it.
        # What a geography costs is what a region costs, so only the global endpoint has a price of its own.
        places.setdefault("global" if region == "global" else None, []).append(key)
    return {region: tuple(dict.fromkeys(names)) for region, names in places.items()}


def _names(match: Mapping[str, Any]) -> Iterator[str]:
    """Names and patterns of a match; of what must be said together, the first: the rest are exceptions from it."""
    for each in match.get("or") or match.get("or_") or (match.get("and") or match.get("and_") or [])[:1]:
        yield from _names(each)
    for key, form in _FORMS.items():
        if key in match:
            yield form.format(str(match[key]).lstrip("/"))
    if "regex" in match:
        yield from _of_expression(str(match["regex"]))


def _of_expression(regex: str) -> Iterator[str]:
    """ "gpt-6-sol-20*" for an expression that stands for dates; nothing for one that says more."""
    dated = _DATE.sub("20*", regex.strip("^$")).replace("\\.", ".").replace("\\d", "*")
    for name in (dated.replace("[-@]", sign) for sign in "-@") if "[-@]" in dated else (dated,):
        if not _SPECIAL.search(name):
            yield name


def _plain(value: Any) -> Any:
    """The package's objects as their JSON has them."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if hasattr(value, "__dict__") and not isinstance(value, date | time):
        return {key: _plain(each) for key, each in vars(value).items() if each is not None and not key.startswith("_")}
    return value
