-- For people who read with SQL. They stand in the schema `interviews`, and are made of Tollkeeper's `reports` alone.

create view credits as
select customer as team, customer_name as team_name, available as credits, held
from reports.wallets
where unit = 'interview_credit';
comment on view credits is 'What each team has; who has never had any isn''t here';

create view credit_usage as
select customer as team, customer_name as team_name, member as email, day, sum(quantity) as interviews, sum(charge) as credits
from reports.usage_days
where meter = 'interview'
group by customer, customer_name, member, day;
comment on view credit_usage is 'Who has used how many credits on which day';

create view credit_history as
select customer as team, time, kind, amount as credits, balance as credits_then, reference
from reports.wallet_entries
where unit = 'interview_credit';
comment on view credit_history is 'Every change of a team''s credits, with what was left of them';

create view interviews as
select customer as team, member as email, event as interview, metadata ->> 'position' as position, dimensions ->> 'kind' as kind,
       (metadata ->> 'minutes')::integer as minutes, quantity = 1 as created, charge as credits, cost as model_cost, time as at
from reports.usage_events
where meter = 'interview' and corrects is null;
comment on view interviews is 'Interviews whose model was called, failed ones among them: they cost no credit';

create view purchases as
select customer as team, created_at as at, pack, amount + bonus as credits, price, currency, state, reference as payment
from reports.top_ups
where unit = 'interview_credit';
comment on view purchases is 'What teams have bought, or begun to buy';
