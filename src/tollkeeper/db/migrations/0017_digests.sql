-- Digests: what usage_days says of whole local days and months that are over, summed up by meter, and by meter and one
-- dimension. Made in the background, and only where they are much fewer rows than what they sum up; ADR 18 has more of it.
--
-- They're always right: a batch with usage of a day that may be in a digest marks the day as late, in its own transaction.
-- Such a day is read from usage_days until it's summed up anew. This migration makes empty tables and locks nothing; the
-- digests of the usage so far are made in the background afterwards.

-- Customers with digests. Those without are read from usage_days, which has few rows of theirs.
create table digests (
    customer_id uuid primary key,
    -- Days before this one may be in a digest: usage of them that is recorded now is late.
    until date not null,
    -- Days before this one have been summed up, or were found to be too small for it.
    done date not null
);
comment on table digests is 'owner: events. How far each customer''s days have been summed up';

create table digest_spans (
    customer_id uuid not null,
    -- Empty: by meter alone. `member` is a dimension here. A text, since row-level security lets comparisons of arrays
    -- go along no index.
    dimension text collate "C" not null,
    grain text not null check (grain in ('day', 'month')),
    -- The days and the whole months that are summed up so.
    spans datemultirange not null,
    primary key (customer_id, dimension, grain)
);
comment on table digest_spans is 'owner: events. Which days and months are summed up by what';

create table digest_rows (
    customer_id uuid not null,
    dimension text collate "C" not null,
    grain text not null,
    -- The day, or the first of the month.
    start date not null,
    meter text collate "C" not null,
    -- The unit of value of the charges. Empty where no price was in force: a key has no nulls.
    unit text collate "C" not null,
    -- The value of the dimension, if there is one; null for usage without it.
    labels text[] collate "C" not null,
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
    primary key (customer_id, dimension, grain, start, meter, unit, labels)
);
comment on table digest_rows is 'owner: events. Usage by day or month and meter, in all or by one dimension';

create table late_days (
    customer_id uuid not null,
    day date not null,
    -- Of the batch: each one adds rows of its own, so no batch waits for another, nor for who sums up.
    transaction_id uuid not null,
    primary key (customer_id, day, transaction_id)
);
comment on table late_days is 'owner: events. Days that got usage after they may have been summed up';

grant select, insert, update on digests to tollkeeper_app;
grant select, insert, update on digest_spans to tollkeeper_app;
grant select, insert, delete on digest_rows, late_days to tollkeeper_app;

alter table digests enable row level security;
create policy isolation on digests to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table digest_spans enable row level security;
create policy isolation on digest_spans to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table digest_rows enable row level security;
create policy isolation on digest_rows to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table late_days enable row level security;
create policy isolation on late_days to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
