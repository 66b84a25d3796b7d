-- What all customers' figures come to: the console's summary reads these few rows instead of a row for each customer.

create table figure_sums (
    -- The customers', with the calendar month and the day that their figures are of: a summary leaves out what is of
    -- another month, or day, than the zone's present one.
    timezone text not null,
    month date not null,
    day date not null,
    -- Of the charges: the customers' currency, or whatever else they were charged in.
    unit text collate "C" not null,
    -- Whose currency that is; 0 where it's but another unit, of whose charges no day's part is known.
    customers bigint not null,
    events bigint not null,
    day_events bigint not null,
    charge numeric not null,
    day_charge numeric not null,
    cost numeric not null,
    day_cost numeric not null,
    -- Of the customers whose margin is known.
    margin numeric not null,
    day_margin numeric not null,
    unpriced bigint not null,
    primary key (timezone, month, day, unit)
);
comment on table figure_sums is 'owner: console. The sums of customer_figures, made anew by each round that changes any';

grant select, insert, delete on figure_sums to tollkeeper_app;
alter table figure_sums enable row level security;
create policy isolation on figure_sums to tollkeeper_app using (
    (select current_setting('tollkeeper.scope', true) = 'operator'));

insert into figure_sums
select timezone, month, day, unit, sum(customers), sum(events), sum(day_events), sum(charge), sum(day_charge), sum(cost),
       sum(day_cost), coalesce(sum(margin) filter (where margin <> '-Infinity'), 0),
       coalesce(sum(day_margin) filter (where day_margin <> '-Infinity'), 0), sum(unpriced)
from (
    select c.timezone, f.month, f.day, c.currency as unit, 1 as customers, f.events, f.day_events, f.charge, f.day_charge,
           f.cost, f.day_cost, f.margin, f.day_margin, f.unpriced
    from customer_figures f join customers c on c.customer_id = f.customer_id
    union all
    select c.timezone, f.month, f.day, other.unit, 0, 0, 0, other.charge::numeric, 0, 0, 0, 0, 0, 0
    from customer_figures f
    join customers c on c.customer_id = f.customer_id
    cross join lateral jsonb_each_text(f.other_charges) as other (unit, charge)
    where f.other_charges is not null
) figures
group by timezone, month, day, unit;

-- The list by balance leaves them out, and the list of archived customers begins with them: a few of many.
create index customers_archived on customers (customer_id) where archived_at is not null;

-- A text that few names have is looked for in all of them. With all that's asked of a customer here, the names needn't be
-- looked up all over the table. (The index by name has no room for a long one twice.)
drop index customers_by_key;
create index customers_by_key on customers (key) include (name, customer_id, archived_at);
