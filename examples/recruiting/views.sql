-- The tables of the product as it was, as views over Tollkeeper's: nothing is summed up by triggers, and nothing is stored twice.
-- A correction belongs to the event that it corrects, so a row is what an event came to with all of them.

create view billed as
select
  customer as company_id,
  coalesce(corrects, event) as event,
  meter,
  min(time) as created_at,
  sum(quantity) as quantity,
  sum(billed) as billed,
  sum(charge) as cost,
  sum(cost) as provider_cost,
  (array_agg(estimated order by recorded_at desc))[1] as estimated, -- until a correction knows better
  (array_agg(dimensions order by corrects nulls first))[1] as dimensions,
  (array_agg(metadata order by corrects nulls first))[1] as metadata
from reports.usage_events
group by customer, coalesce(corrects, event), meter;

create view cv_parsing_usage as
select
  company_id,
  dimensions ->> 'job' as job_id,
  dimensions ->> 'candidate' as candidate_id,
  metadata ->> 'file_id' as file_id,
  (metadata ->> 'file_size_kb')::int as file_size_kb,
  (metadata ->> 'parse_successful')::boolean as parse_successful,
  cost / nullif(billed, 0) as unit_price,
  cost,
  (metadata ->> 'success_rate')::int as success_rate,
  created_at,
  provider_cost,
  estimated,
  event as id
from billed
where meter = 'cv_parse';

create view question_generation_usage as
select
  company_id,
  dimensions ->> 'job' as job_id,
  (metadata ->> 'prompt_tokens')::bigint as prompt_tokens,
  (metadata ->> 'completion_tokens')::bigint as completion_tokens,
  billed as total_tokens,
  (metadata ->> 'question_count')::int as question_count,
  cost * 1000 / nullif(billed, 0) as token_price_per_1k,
  cost,
  metadata ->> 'model' as model_used,
  created_at,
  (metadata ->> 'tokens_estimated')::boolean as tokens_estimated,
  provider_cost,
  estimated,
  event as id
from billed
where meter = 'question_tokens';

create view video_interview_usage as
select
  company_id,
  dimensions ->> 'job' as job_id,
  metadata ->> 'interview_id' as interview_id,
  dimensions ->> 'candidate' as candidate_id,
  billed as duration_minutes,
  metadata ->> 'video_quality' as video_quality,
  cost / nullif(billed, 0) as minute_price,
  cost,
  (metadata ->> 'completed_questions')::int as completed_questions,
  (metadata ->> 'total_questions')::int as total_questions,
  created_at,
  provider_cost,
  estimated,
  event as id
from billed
where meter = 'interview_minute';

create view job_usage_summary as
select
  company_id,
  dimensions ->> 'job' as job_id,
  max(metadata ->> 'job_title') as job_title,
  coalesce(sum(billed) filter (where meter = 'cv_parse'), 0) as cv_count,
  coalesce(sum(cost) filter (where meter = 'cv_parse'), 0) as cv_cost,
  coalesce(sum(billed) filter (where meter = 'question_tokens'), 0) as question_tokens,
  coalesce(sum((metadata ->> 'question_count')::int) filter (where meter = 'question_tokens'), 0) as question_count,
  coalesce(sum(cost) filter (where meter = 'question_tokens'), 0) as question_cost,
  count(*) filter (where meter = 'interview_minute') as interview_count,
  coalesce(sum(billed) filter (where meter = 'interview_minute'), 0) as video_minutes,
  coalesce(sum(cost) filter (where meter = 'interview_minute'), 0) as video_cost,
  coalesce(sum(cost), 0) as total_cost,
  max(created_at) as last_used_at
from billed
where dimensions ? 'job'
group by company_id, dimensions ->> 'job';

-- Each charge as it stands in the ledger, with the transaction that booked it, and maybe others. Corrections are entries of their own.
create view usage_ledger as
select
  customer || '/' || event as id,
  transaction_id,
  customer as company_id,
  case meter
    when 'cv_parse' then 'cv_parsing'
    when 'question_tokens' then 'question_generation'
    when 'interview_minute' then 'video_interview'
    else meter
  end as usage_type,
  event as reference_id,
  corrects,
  dimensions ->> 'job' as job_id,
  billed as quantity,
  charge as amount,
  unit as currency,
  time as used_at,
  recorded_at as created_at
from reports.usage_events
where priced;
