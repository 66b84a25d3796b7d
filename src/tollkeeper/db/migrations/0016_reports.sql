-- For people who read with SQL: views that stay as docs/reference/reports.md describes them, whatever becomes of the tables.
-- They run with the rights of the tables' owner, who sees all customers. tollkeeper_reader may read them and nothing else;
-- the application has no use for them.

-- What a version declares beside its prices, as JSON: the source is TOML, which SQL can't read. Null: applied before this.
alter table catalog_versions add column declared jsonb;

create schema reports;
grant usage on schema reports to tollkeeper_reader;

create view reports.meters as
select m.key as meter, m.name, m.unit, m.aggregation, array(select jsonb_array_elements_text(m.dimensions)) as dimensions
from (select declared from catalog_versions order by version desc limit 1) as latest,
     jsonb_to_recordset(latest.declared -> 'meters') as m (key text, name text, unit text, aggregation text, dimensions jsonb);
comment on view reports.meters is 'What is counted, as the catalog in force has it';

create view reports.plans as
select p.key as plan, p.name, p.description, p.listed,
       p.key is not distinct from latest.declared ->> 'default_plan' as is_default
from (select declared from catalog_versions order by version desc limit 1) as latest,
     jsonb_to_recordset(latest.declared -> 'plans') as p (key text, name text, description text, listed boolean);
comment on view reports.plans is 'The plans of the catalog in force';

create view reports.customers as
select c.key as customer, c.name, c.currency, c.timezone,
       coalesce(chosen.plan, (select p.plan from reports.plans p where p.is_default)) as plan,
       chosen.effective_from as plan_since, c.metadata, c.created_at, c.archived_at, c.suspended_at
from customers c
left join lateral (
    select pc.plan, pc.effective_from
    from plan_changes pc
    where pc.customer_id = c.customer_id and pc.withdrawn_at is null and pc.effective_from <= now()
    order by pc.effective_from desc
    limit 1) as chosen on true;
comment on view reports.customers is 'Who pays, and on which plan now';

create view reports.usage_events as
select c.key as customer, c.name as customer_name, e.event_id as event, s.meter, coalesce(m.name, s.meter) as meter_name,
       s.member, e.quantity, e.billed, e.amount, e.charge, s.unit, e.cost, e.cost_source, e.estimated,
       e.charge is not null as priced, e.time, e.recorded_at, s.dimensions, e.metadata, e.corrects,
       coalesce(e.cost_only, false) as cost_only, e.transaction_id, e.price_id
from events e
join customers c on c.customer_id = e.customer_id
join series s on s.customer_id = e.customer_id and s.series_id = e.series_id
left join reports.meters m on m.meter = s.meter;
comment on view reports.usage_events is 'One row for each event; corrections are rows of their own, so that sums are net of them';

create view reports.usage_days as
select c.key as customer, c.name as customer_name, d.day, s.meter, coalesce(m.name, s.meter) as meter_name, s.member,
       s.dimensions, d.events, d.quantity, d.peak, d.latest, d.charge, s.unit, d.cost, d.unpriced, d.uncosted, d.estimated
from usage_days d
join customers c on c.customer_id = d.customer_id
join series s on s.customer_id = d.customer_id and s.series_id = d.series_id
left join reports.meters m on m.meter = s.meter;
comment on view reports.usage_days is 'Usage by local day, meter, member and dimensions, net of corrections';

create view reports.provider_calls as
select c.key as customer, c.name as customer_name, p.event_id as event, p.provider, p.call_id as call, p.model, p.at as time,
       p.recorded_at, p.project, p.api_key as api_key_id, p.service_tier, p.batch, p.region, p.quantities, p.cost,
       p.cost_source, p.missing, p.adjusts, p.transaction_id
from provider_calls p
join customers c on c.customer_id = p.customer_id;
comment on view reports.provider_calls is 'One row for each call to an AI provider, with its cost; adjustments are rows of their own';

create view reports.ledger as
select c.key as customer, c.name as customer_name, p.transaction_id, p.line, p.kind, p.debit, p.credit, p.unit, p.amount,
       p.booked_at, p.booked_by, p.service_from, p.service_to, p.events
from postings p
join customers c on c.customer_id = p.customer_id;
comment on view reports.ledger is 'One row for each posting: amount moves from the account credit to the account debit';

create view reports.balances as
select c.key as customer, c.name as customer_name, side.account, p.unit, sum(side.amount) as balance
from postings p
join customers c on c.customer_id = p.customer_id
cross join lateral (values (p.debit, p.amount), (p.credit, -p.amount)) as side (account, amount)
group by c.customer_id, c.key, c.name, side.account, p.unit;
comment on view reports.balances is 'What the postings of each customer come to, by account; what it owes is positive';

create view reports.wallets as
select c.key as customer, c.name as customer_name, w.unit, w.balance, w.held, w.balance - w.held as available
from wallets w
join customers c on c.customer_id = w.customer_id;
comment on view reports.wallets is 'Prepaid value, by unit';

create view reports.wallet_entries as
select c.key as customer, c.name as customer_name, w.unit, w.at as time, w.kind, w.amount, w.balance, w.grant_id,
       g.reference, g.note, w.booked_at, w.transaction_id
from wallet_entries w
join customers c on c.customer_id = w.customer_id
left join grants g on g.customer_id = w.customer_id and g.grant_id = w.grant_id;
comment on view reports.wallet_entries is 'Each change of a wallet, with the balance that it left';

create view reports.grants as
select c.key as customer, c.name as customer_name, g.grant_id, g.unit, g.kind, g.amount, g.remaining, g.spent, g.expired,
       g.voided, g.effective_at, g.expires_at, g.recurring, g.reference, g.note, g.created_at, g.created_by
from grants g
join customers c on c.customer_id = g.customer_id;
comment on view reports.grants is 'Lots of prepaid value, and what became of each';

create view reports.top_ups as
select c.key as customer, c.name as customer_name, t.top_up_id,
       case when t.state = 'pending' and t.open_until <= now() then 'expired' else t.state end as state, t.unit, t.amount,
       t.bonus, t.price, t.currency, t.pack, t.processor, t.reference, t.created_at, t.ended_at
from top_ups t
join customers c on c.customer_id = t.customer_id;
comment on view reports.top_ups is 'What customers have bought, or begun to buy';

-- Of two rows of a scope for the same instant the later version counts, and what was withdrawn never began.
create view reports.prices as
select p.meter, coalesce(m.name, p.meter) as meter_name, p.plan, p.customer_key as customer, p.content ->> 'unit' as unit,
       p.content ->> 'model' as model, (p.content #>> '{terms,amount}')::numeric as amount,
       coalesce((p.content #>> '{terms,per}')::numeric, 1) as per, (p.content ->> 'included')::numeric as included,
       p.content ->> 'period' as period, p.content -> 'terms' as terms,
       nullif(p.effective_from, '0001-01-01 00:00:00+00') as effective_from, p.price_id
from (
    select distinct on (s.meter, s.plan, s.customer_key) s.*
    from (
        select distinct on (meter, plan, customer_key, effective_from) *
        from prices
        order by meter, plan, customer_key, effective_from, version desc) as s
    where s.kind <> 'withdrawn' and s.effective_from <= now()
    order by s.meter, s.plan, s.customer_key, s.effective_from desc) as p
left join reports.meters m on m.meter = p.meter
where p.kind = 'price';
comment on view reports.prices is 'The prices in force, for everyone, by plan, and of single customers';

-- A customer's limits: the catalog's, its plan's of the same name instead, and its own, which changes some terms or, where
-- it says what is counted, all of them. What is used is summed up from the days of the window; of a rolling hour, and of
-- what each member has for itself, it isn't known here.
create view reports.limits as
with latest as (
    select declared from catalog_versions order by version desc limit 1
), offered as (
    select null as plan, l.value as terms from latest, jsonb_array_elements(latest.declared -> 'limits') as l
    union all
    select p.key, l.value
    from latest, jsonb_to_recordset(latest.declared -> 'plans') as p (key text, limits jsonb),
         jsonb_array_elements(p.limits) as l
), meter_groups as (
    select g.key as name, m.value as meter
    from latest, jsonb_to_recordset(latest.declared -> 'groups') as g (key text, meters jsonb),
         jsonb_array_elements_text(g.meters) as m
)
select c.key as customer, c.name as customer_name, held.name, held.terms ->> 'meter' as meter, held.terms ->> 'group' as "group",
       held.terms ->> 'spend' as spend, held.terms ->> 'per' as per, coalesce(held.terms ->> 'by', 'customer') as by,
       coalesce(held.terms ->> 'mode', 'hard') as mode, coalesce((held.terms ->> 'enabled')::boolean, true) as enabled,
       (held.terms ->> 'cap')::numeric as cap, held.terms -> 'member_caps' as member_caps, held.own,
       span.first as window_start, span.after as window_end,
       case when span.first is not null and coalesce(held.terms ->> 'by', 'customer') = 'customer' then (
           select coalesce(sum(case when held.terms ? 'spend' then d.charge else d.quantity end), 0)
           from usage_days d
           join series s on s.customer_id = d.customer_id and s.series_id = d.series_id
           where d.customer_id = c.customer_id and d.day >= span.first and d.day < span.after
             and (not held.terms ? 'spend' or s.unit = held.terms ->> 'spend')
             and (not held.terms ? 'meter' or s.meter = held.terms ->> 'meter')
             and (not held.terms ? 'group'
                  or s.meter in (select g.meter from meter_groups g where g.name = held.terms ->> 'group')))
       end as used
from customers c
join reports.customers known on known.customer = c.key
cross join lateral (
    select coalesce(own.name, planned.name) as name, own.name is not null as own,
           case
               when own.terms is null then planned.terms
               when own.terms ?| array['meter', 'group', 'spend'] then own.terms
               else planned.terms || own.terms
           end as terms
    from (
        select distinct on (o.terms ->> 'name') o.terms ->> 'name' as name, o.terms
        from offered o
        where o.plan is null or o.plan = known.plan
        order by o.terms ->> 'name', o.plan nulls last) as planned
    full join (
        select l.name, l.terms from customer_limits l where l.customer_id = c.customer_id) as own on own.name = planned.name
    ) as held
cross join lateral (
    select case when held.terms ->> 'per' in ('day', 'week', 'month') then held.terms ->> 'per' end as period) as calendar
cross join lateral (
    select date_trunc(calendar.period, now() at time zone c.timezone) as begun) as present
cross join lateral (
    select present.begun::date as first, (present.begun + ('1 ' || calendar.period)::interval)::date as after) as span
where held.terms is not null;
comment on view reports.limits is 'Every limit in force of each customer, with what is used of it in the present window';

grant select on all tables in schema reports to tollkeeper_reader;
