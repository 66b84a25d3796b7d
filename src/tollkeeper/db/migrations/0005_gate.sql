-- Where cumulative prices stand. A row is locked while an event is rated against it.

create table running_totals (
    customer_id uuid not null,
    price_id uuid not null,
    period_start timestamptz not null,
    -- The period's quantity so far, or, for a price that rates each event alone under a cap, the spend so far.
    value numeric not null,
    -- For meters that aggregate by latest: the time of the event that `value` came from.
    latest_at timestamptz,
    primary key (customer_id, price_id, period_start)
) with (fillfactor = 70);
comment on table running_totals is 'owner: gate. How far each cumulative price has been used up in each period';

create table unique_values (
    customer_id uuid not null,
    price_id uuid not null,
    period_start timestamptz not null,
    value text collate "C" not null,
    primary key (customer_id, price_id, period_start, value)
);
comment on table unique_values is 'owner: gate. The distinct values that a unique_count price has already counted';
