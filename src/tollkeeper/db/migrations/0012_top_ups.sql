-- What customers buy ahead: each top-up is begun once, ends once, and gives its grants in the transaction that makes it paid.

create table top_ups (
    customer_id uuid not null,
    top_up_id uuid not null,
    -- One that isn't paid by `open_until` has expired; nothing needs to be written for that.
    state text not null check (state in ('pending', 'paid', 'failed', 'cancelled')),
    -- What is bought and what it costs, copied from the catalog: a later catalog changes nothing.
    unit text collate "C" not null,
    amount numeric not null check (amount > 0),
    price numeric not null check (price > 0),
    currency text collate "C" not null,
    pack text collate "C",
    bonus numeric not null default 0 check (bonus >= 0),
    -- How long it can be spent once it's paid: "12 months".
    expires_after text,
    -- Who takes the money, where the customer pays, and what the payment is called there.
    processor text collate "C" not null,
    checkout_url text,
    reference text,
    grant_id uuid,
    bonus_grant_id uuid,
    created_at timestamptz not null,
    created_by text not null,
    open_until timestamptz not null,
    ended_at timestamptz,
    ended_by text,
    -- How it had ended before the money came all the same: failed, cancelled or expired.
    late text check (late in ('failed', 'cancelled', 'expired')),
    primary key (customer_id, top_up_id),
    foreign key (customer_id) references customers (customer_id),
    check ((state = 'pending') = (ended_at is null)),
    check ((state = 'paid') = (grant_id is not null)),
    check (late is null or state = 'paid')
) with (fillfactor = 80);
comment on table top_ups is 'owner: payments. What customers buy ahead: each ends once, and gives its grants with being paid';
create index top_ups_by_time on top_ups (customer_id, created_at, top_up_id);
-- The operator's list of all customers, newest first.
create index top_ups_by_age on top_ups (created_at, top_up_id);

grant select, insert, update on top_ups to tollkeeper_app;
alter table top_ups enable row level security;
create policy isolation on top_ups to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
