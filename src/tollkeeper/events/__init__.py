"""Usage facts: what arrives, what is refused, what is stored, and what it adds up to."""

from tollkeeper.events.check import check, check_net, quantity_of, unique_value, unknown_customer, unknown_meter
from tollkeeper.events.imports import Import, advance_import, finish_import, start_import
from tollkeeper.events.model import CallIn, CostSource, EventIn, Key, Reason, Refused, Status, StoredEvent
from tollkeeper.events.quarantine import (
    Quarantined,
    QuarantineStatus,
    count_quarantine,
    find_quarantined,
    get_quarantined,
    list_quarantine,
    lock_quarantined,
    quarantine,
    resolve_quarantined,
)
from tollkeeper.events.read import read_body, read_json, read_lines, read_ndjson, read_object
from tollkeeper.events.same import same_event, same_item
from tollkeeper.events.series import Series, SeriesIndex
from tollkeeper.events.store import (
    Corrected,
    EventFilter,
    Net,
    find_corrected,
    find_events,
    get_event,
    get_net_before,
    has_usage,
    list_events,
    used_meters,
)
from tollkeeper.events.write import NewEvent, insert_series, store_events

__all__ = [
    "CallIn",
    "Corrected",
    "CostSource",
    "EventFilter",
    "EventIn",
    "Import",
    "Key",
    "Net",
    "NewEvent",
    "QuarantineStatus",
    "Quarantined",
    "Reason",
    "Refused",
    "Series",
    "SeriesIndex",
    "Status",
    "StoredEvent",
    "advance_import",
    "check",
    "check_net",
    "count_quarantine",
    "find_corrected",
    "find_events",
    "find_quarantined",
    "finish_import",
    "get_event",
    "get_net_before",
    "get_quarantined",
    "has_usage",
    "insert_series",
    "list_events",
    "list_quarantine",
    "lock_quarantined",
    "quantity_of",
    "quarantine",
    "read_body",
    "read_json",
    "read_lines",
    "read_ndjson",
    "read_object",
    "resolve_quarantined",
    "same_event",
    "same_item",
    "start_import",
    "store_events",
    "unique_value",
    "unknown_customer",
    "unknown_meter",
    "used_meters",
]
