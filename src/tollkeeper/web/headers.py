"""What browsers are told about pages and files: what may run, who may frame, how long to keep."""

from __future__ import annotations

NONE = "'none'"
"""No page may frame this one."""

FOR_YEARS = "public, max-age=31536000, immutable"
"""Files whose name changes with their content."""
ASK_AGAIN = "no-cache"
"""May be kept, and is asked for again each time: its ETag says whether it has changed."""

_POLICY = {
    "default-src": NONE,
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": NONE,
    "require-trusted-types-for": "'script'",
}
_UNUSED = ("camera", "display-capture", "geolocation", "microphone", "payment", "serial", "usb")


def page_headers(ancestors: str, *, trusted_types: bool = True) -> dict[str, str]:
    """The headers of a page that `ancestors` may frame: the sources of `frame-ancestors`.

    Without `trusted_types` its scripts, which are ours all the same, may write HTML as text.
    """
    policy = _POLICY | {"frame-ancestors": ancestors}
    if not trusted_types:
        del policy["require-trusted-types-for"]
    headers = file_headers() | {
        "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in policy.items()),
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _UNUSED),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": ASK_AGAIN,
    }
    if ancestors == NONE:
        headers["X-Frame-Options"] = "DENY"
    elif ancestors == "'self'":
        headers["X-Frame-Options"] = "SAMEORIGIN"
    return headers


def file_headers(*, embedded: bool = False) -> dict[str, str]:
    """The headers of any file; one that is `embedded` may be loaded by pages of other sites."""
    return {
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin" if embedded else "same-origin",
    }
