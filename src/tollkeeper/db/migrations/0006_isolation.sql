-- Who may do what. All work runs as tollkeeper_app, which owns nothing: it can't edit or delete facts, and it sees the
-- rows of one customer, or of all in a transaction that says so (db/pool.py).

grant select, insert, update on
    epochs, customers, members, api_keys, series, usage_hours, usage_days, running_totals, quarantine, imports
    to tollkeeper_app;
grant select, insert on catalog_versions, prices, events, postings, unique_values to tollkeeper_app;
grant select on schema_migrations, entries to tollkeeper_app;

-- The settings are read in sub-selects: once for a query instead of once for each row.
alter table customers enable row level security;
create policy isolation on customers to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table members enable row level security;
create policy isolation on members to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table series enable row level security;
create policy isolation on series to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table events enable row level security;
create policy isolation on events to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table usage_hours enable row level security;
create policy isolation on usage_hours to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table usage_days enable row level security;
create policy isolation on usage_days to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table postings enable row level security;
create policy isolation on postings to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table running_totals enable row level security;
create policy isolation on running_totals to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table unique_values enable row level security;
create policy isolation on unique_values to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));

-- What belongs to no customer but may hold anybody's data: only for transactions of the operator.
alter table quarantine enable row level security;
create policy isolation on quarantine to tollkeeper_app using (
    (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table imports enable row level security;
create policy isolation on imports to tollkeeper_app using (
    (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table api_keys enable row level security;
create policy isolation on api_keys to tollkeeper_app using (
    (select current_setting('tollkeeper.scope', true) = 'operator'));
