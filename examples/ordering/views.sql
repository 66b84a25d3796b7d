-- The tables of the specification, for people who read with SQL: views over Tollkeeper's reports, made anew at each start.

-- One row for each event. What a piece came to is told by its charge: nothing while the quota lasts.
create view usage_events as
select
    event as id,
    customer as business_id,
    meter as event_type,
    billed as quantity,
    charge * 100 / nullif(billed, 0) as unit_price_cents,
    charge * 100 as total_cost_cents,
    metadata,
    recorded_at as processed_at,
    time as created_at
from reports.usage_events;

-- By month of the business's own calendar.
create view usage_aggregation as
select
    customer as business_id,
    meter as event_type,
    date_trunc('month', day)::date as period_start,
    (date_trunc('month', day) + interval '1 month')::date as period_end,
    sum(quantity) as total_quantity,
    sum(charge) * 100 as total_cost_cents,
    sum(events) as event_count
from reports.usage_days
group by business_id, event_type, period_start, period_end;

-- What each plan includes, and what a piece beyond it costs; where the limit's mode is hard, nothing is beyond it.
create view usage_quotas as
select
    prices.plan as plan_id,
    prices.meter as event_type,
    limits.cap as quota_limit,
    prices.amount * 100 / prices.per as overage_price_cents,
    prices.included as included_quantity,
    limits.mode
from reports.prices
left join reports.plan_limits as limits on limits.plan = prices.plan and limits.meter = prices.meter and limits.per = 'month'
where prices.plan is not null;

-- This month of each business, with a total in dollars.
create view billing_overview as
select
    customers.customer as business_id,
    customers.name as business_name,
    coalesce(sum(total_quantity) filter (where event_type = 'api_call'), 0) as api_calls,
    coalesce(sum(total_quantity) filter (where event_type = 'voice_minute'), 0) as voice_minutes,
    coalesce(sum(total_quantity) filter (where event_type = 'ai_query'), 0) as ai_queries,
    coalesce(sum(total_quantity) filter (where event_type = 'storage_mb'), 0) as storage_mb,
    coalesce(sum(total_cost_cents), 0) / 100 as total_cost
from reports.customers
left join usage_aggregation on business_id = customers.customer
    and (now() at time zone customers.timezone)::date >= period_start
    and (now() at time zone customers.timezone)::date < period_end
group by customers.customer, customers.name;
