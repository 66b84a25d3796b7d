"""Settings: read once from the environment, in the composition roots only; immutable afterwards.

Each field is an environment variable with the prefix `TOLLKEEPER_`, and is listed in `docs/reference/settings.md`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:\d+)?|https?://\[[0-9A-Fa-f:]+\](:\d+)?")
_ANCESTOR = re.compile(rf"'self'|'none'|https?:|(https?://)?(\*\.)?[A-Za-z0-9.-]+(:(\d+|\*))?|{_ORIGIN.pattern}")


class Settings(BaseSettings):
    """How this process runs. Amounts of time are seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="TOLLKEEPER_", frozen=True, extra="ignore", populate_by_name=True)

    database_url: str | None = Field(
        default=None,
        description="PostgreSQL 15 or newer to use, as a libpq URL. Unset: the embedded server is started.",
    )
    data: Path | None = Field(
        default=None, description="Folder of the embedded server's data. Unset: tollkeeper/ in the user's data folder."
    )
    pool_size: int = Field(default=16, ge=1, le=200, description="Most database connections of one process.")
    host: str = Field(default="127.0.0.1", description="Address that `tollkeeper serve` listens on.")
    port: int = Field(default=8377, ge=0, le=65535, description="Port that `tollkeeper serve` listens on.")
    workers: int = Field(default=1, ge=1, le=64, description="Server processes of `tollkeeper serve`.")
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto", description="`json` lines, `console` for people, or `auto`: console on a terminal, else json."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe level that is logged."
    )
    max_body_bytes: int = Field(
        default=8 * 1024 * 1024, ge=1024, description="Largest request body; a larger one is refused with 413."
    )
    max_events: int = Field(
        default=10_000, ge=1, le=100_000, description="Most events in one request; more are refused with 413."
    )
    hold_seconds: int = Field(
        default=900, ge=1, le=86_400, description="How long a hold lasts that doesn't say how long itself."
    )
    sweep_seconds: int = Field(
        default=5, ge=1, le=3600, description="How often a server process looks for holds and grants that expire."
    )
    margin_percent: Decimal = Field(
        default=Decimal(25),
        ge=0,
        decimal_places=12,
        description="Margin of `cost_plus` prices that say none, when a catalog is applied.",
    )
    usd_rate: Decimal | None = Field(
        default=None,
        gt=0,
        description="Units of the catalog's currency for 1 USD: the price book is in dollars. Unset: no exchange.",
    )
    prices: Path | None = Field(
        default=None, description="The operator's own prices of AI providers, as TOML. Unset: the bundled ones only."
    )
    reconcile_seconds: int | None = Field(
        default=None,
        ge=0,
        le=86_400,
        description="How often a server process reads what providers report. Unset: each hour, if an admin key is set.",
    )
    reconcile_stable_reads: int = Field(
        default=3, ge=1, le=100, description="So many reads in a row that find the same close a provider's day."
    )
    reconcile_tolerance: Decimal = Field(
        default=Decimal(0),
        ge=0,
        description="A difference of at most so much is called a match; it's booked all the same.",
    )
    allocate: Literal["none", "price_gap"] = Field(
        default="none", description="Whether a price gap stays with the operator, or goes to the calls it's about."
    )
    openai_admin_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("TOLLKEEPER_OPENAI_ADMIN_KEY", "OPENAI_ADMIN_KEY"),
        description="OpenAI admin key, for reading usage and costs. Never a key for inference.",
    )
    openai_url: str = Field(
        default="https://api.openai.com/v1", description="Where OpenAI's usage and costs are read from."
    )
    anthropic_admin_key: SecretStr | None = Field(
        default=None, description="Anthropic admin key, for reading usage and costs. Never a key for inference."
    )
    anthropic_url: str = Field(
        default="https://api.anthropic.com", description="Where Anthropic's usage and costs are read from."
    )
    payments: str = Field(
        default="none",
        description="How customers pay for what they buy on the billing page: `none`, `link` or, pretended, `test`.",
    )
    checkout_url: str | None = Field(
        default=None,
        description="With payments `link`: your checkout, as a link in which `{id}` stands for the top-up's id.",
    )
    max_future_seconds: int = Field(
        default=300, ge=0, description="How far an event's time may lie ahead of the server's clock."
    )
    public_url: str | None = Field(
        default=None,
        description="Where customers reach this server, as `https://billing.example.com`. Unset: as each caller does.",
    )

    live_streams: int = Field(
        default=5_000,
        ge=0,
        description="Most live streams of one process; pages beyond them ask every 15 seconds. 0: no page is live.",
    )
    portal_shows_cost: bool = Field(
        default=False,
        description="Whether a charge's explanation on the billing page tells what AI providers take for the usage.",
    )

    frame_ancestors: str = Field(
        default="'self'",
        description="Which pages may show the billing page in a frame: the sources of CSP's `frame-ancestors`.",
    )
    embed_origins: str = Field(
        default="*",
        description="Which sites' pages may call the billing page's API from a browser: origins, or `*` for any.",
    )

    @field_validator("frame_ancestors")
    @classmethod
    def _sources(cls, value: str) -> str:
        found = value.split()
        if not found or not all(_ANCESTOR.fullmatch(each) for each in found):
            raise ValueError("'self', 'none', or addresses such as https://app.example.com are needed")
        if "'none'" in found and len(found) > 1:
            raise ValueError("'none' stands alone")
        return " ".join(found)

    @field_validator("embed_origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        found = value.replace(",", " ").split()
        if not all(each == "*" or _ORIGIN.fullmatch(each) for each in found):
            raise ValueError("origins such as https://app.example.com are needed, without a path; or *")
        return " ".join(found)

    @field_validator("public_url")
    @classmethod
    def _http_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("an address such as https://billing.example.com is needed")
        return value.rstrip("/")

    @property
    def reached_at(self) -> str:
        """`public_url`, or else the address that the server listens on."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"
