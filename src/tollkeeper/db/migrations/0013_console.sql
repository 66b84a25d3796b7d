-- The operator's console: who is signed in, and what its list of customers shows and sorts by.

create table console_sessions (
    -- SHA-256 of the cookie, which is stored nowhere.
    token_hash bytea primary key,
    -- The key that was signed in with: the session is its, and ends with it.
    key_id uuid not null references api_keys,
    created_at timestamptz not null,
    expires_at timestamptz not null check (expires_at > created_at),
    ended_at timestamptz
);
comment on table console_sessions is 'owner: customers. Who is signed in to the console';

-- A copy of what usage_days and grants say, one row for each customer, so that 100,000 of them can be sorted. Written by
-- the sweep alone: a batch of usage has no row in common with another one of the same customer.
create table customer_figures (
    customer_id uuid primary key,
    -- The customer's own, which never changes: the list is sorted by figure and key.
    key text collate "C" not null,
    -- The calendar month and the day, in the customer's zone, that the figures are of.
    month date not null,
    day date not null,
    events bigint not null,
    day_events bigint not null,
    -- In the customer's currency; and in other units of value, by unit.
    charge numeric not null,
    day_charge numeric not null,
    other_charges jsonb,
    -- In the catalog's currency.
    cost numeric not null,
    day_cost numeric not null,
    -- Charge - cost of the usage that is charged in the customer's currency, or not at all. -Infinity where that isn't
    -- the catalog's: the two can't be compared.
    margin numeric not null,
    day_margin numeric not null,
    unpriced bigint not null,
    -- Charges of earlier months, in the customer's currency: added up anew only where an event came late.
    charged_earlier numeric not null,
    -- All charges, without what wallets have paid of them; in the customer's currency.
    owed numeric not null
);
comment on table customer_figures is 'owner: console. This month and what is owed, by customer; a copy, as of a round';

create index customer_figures_by_charge on customer_figures (charge, key);
create index customer_figures_by_margin on customer_figures (margin, key);
create index customer_figures_by_owed on customer_figures (owed, key);

-- What runs again and again, and how far it has come.
create table rounds (
    task text primary key,
    as_of timestamptz not null,
    -- When everything was gone through, and not only what had changed.
    whole_at timestamptz not null
);
comment on table rounds is 'owner: console. How far the work has come that the console tells of';

-- A round looks for what was recorded since the last one. One index, whose blocks are summed up without waiting for a
-- vacuum, now serves both times.
drop index events_by_age;
create index events_by_age on events using brin (time, recorded_at) with (autosummarize = on);

-- Days with usage that no price was found for: few, and their updates stay where they are.
create index usage_days_unpriced on usage_days (customer_id, day, series_id) where unpriced <> 0;

-- The console's list by name.
create index customers_by_name on customers (lower(name) collate "C", key);

-- What the console sorts by. Row-level security keeps conditions such as (charge, key) > (…) from going along an index,
-- because they might tell of rows that aren't to be seen; there are none such for the operator, who sees all or nothing here.
create view operator_customers as
    select * from customers where current_setting('tollkeeper.scope', true) = 'operator';
comment on view operator_customers is 'All customers, for transactions of the operator';
create view operator_figures as
    select * from customer_figures where current_setting('tollkeeper.scope', true) = 'operator';
comment on view operator_figures is 'The figures of all customers, for transactions of the operator';
grant select on operator_customers, operator_figures to tollkeeper_app;

grant select, insert, update on console_sessions, customer_figures, rounds to tollkeeper_app;

alter table console_sessions enable row level security;
create policy isolation on console_sessions to tollkeeper_app using (
    (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table rounds enable row level security;
create policy isolation on rounds to tollkeeper_app using (
    (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table customer_figures enable row level security;
create policy isolation on customer_figures to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
