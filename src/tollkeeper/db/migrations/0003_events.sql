-- Usage facts and their rollups. No foreign keys here: they would cost each event a lookup, and `tollkeeper verify`
-- proves that there are no orphans.

-- One combination of meter, member, dimension values and unit of charge. Events and rollups carry its 16-byte id
-- instead of the texts; the id is computed from the content (ids.content_id).
create table series (
    customer_id uuid not null,
    series_id uuid not null,
    meter text collate "C" not null,
    member text collate "C",
    dimensions jsonb not null,
    -- The unit of value that this usage is charged in; null where no price was in force.
    unit text,
    primary key (customer_id, series_id)
);
comment on table series is 'owner: events. What usage is grouped by: meter, member, dimensions, unit of charge';

create table events (
    customer_id uuid not null,
    event_id text collate "C" not null,
    series_id uuid not null,
    time timestamptz not null,
    recorded_at timestamptz not null,
    -- The ledger transaction that this event's charge is part of.
    transaction_id uuid not null,
    -- As reported, and after the meter's quantity rules and aggregation.
    quantity numeric not null,
    billed numeric not null,
    -- The amount that the event carries, for percentage and dynamic prices.
    amount numeric,
    -- Null: unpriced. Not the same as 0.
    charge numeric,
    price_id uuid,
    -- The price's running total before and after this event, where it needs one: they make the charge explainable.
    running_before numeric,
    running_after numeric,
    estimated boolean not null,
    cost numeric,
    cost_source text,
    corrects text collate "C",
    metadata jsonb,
    calls jsonb,
    primary key (customer_id, event_id)
);
comment on table events is 'owner: events. One row for each usage event, for ever';
-- History pages by time, and exact usage at the edges of a window reads events by time.
create index events_by_time on events (customer_id, time);
-- An event shows its corrections, and a correction may take back at most what is left.
create index events_by_corrected on events (customer_id, corrects) where corrects is not null;

-- Both rollups are kept in the transaction that books the events. Hours and days are those of the customer's time
-- zone; an hour is stored as the instant at which it starts. Low fillfactor: most writes add to an existing row, and
-- an update that finds room on its page touches no index.
create table usage_hours (
    customer_id uuid not null,
    hour timestamptz not null,
    series_id uuid not null,
    events bigint not null,
    quantity numeric not null,
    -- For meters that aggregate by max and latest.
    peak numeric,
    latest numeric,
    latest_at timestamptz,
    charge numeric not null,
    cost numeric not null,
    -- Events without a charge, without a known cost although calls were made, and with an estimated charge.
    unpriced bigint not null,
    uncosted bigint not null,
    estimated bigint not null,
    primary key (customer_id, hour, series_id)
) with (fillfactor = 80);
comment on table usage_hours is 'owner: events. Usage by local hour and series';

create table usage_days (
    customer_id uuid not null,
    day date not null,
    series_id uuid not null,
    events bigint not null,
    quantity numeric not null,
    peak numeric,
    latest numeric,
    latest_at timestamptz,
    charge numeric not null,
    cost numeric not null,
    unpriced bigint not null,
    uncosted bigint not null,
    estimated bigint not null,
    primary key (customer_id, day, series_id)
) with (fillfactor = 60);
comment on table usage_days is 'owner: events. Usage by local day and series';

-- What could not be accepted, whole, with its reason. Not a customer table: the customer may be what is unknown.
create table quarantine (
    quarantine_id uuid primary key,
    -- SHA-256 of the item: a client that repeats a refused batch adds to `attempts`, not a row.
    fingerprint bytea not null unique,
    customer_key text,
    event_id text,
    code text not null,
    field text,
    detail text not null,
    item text not null,
    status text not null check (status in ('open', 'replayed', 'discarded')),
    attempts integer not null,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    resolved_at timestamptz,
    resolved_by text,
    note text
);
comment on table quarantine is 'owner: events. Events that were refused, kept until replayed or discarded';
create index quarantine_open on quarantine (quarantine_id) where status = 'open';

create table imports (
    import_id uuid primary key,
    file_name text not null,
    rows_done bigint not null,
    rows_accepted bigint not null,
    started_at timestamptz not null,
    updated_at timestamptz not null,
    finished_at timestamptz
);
comment on table imports is 'owner: events. How far each imported file has come, so that an import can go on';
