-- name: models_called
-- What a customer has called in its own days [first, after): from the rollups.
select provider, model from call_days
where customer_id = %(customer_id)s and day >= %(first)s and day < %(after)s
group by provider, model
having sum(calls) > 0
order by provider, model

-- name: call_groups
-- Calls of a customer that the book has priced from their usage, in groups within which each price of the book holds for all
-- calls or for none: by meter and the price of its event, local day, model, tier, batch and region, and by where the rows'
-- dates, hours of the day and sizes of prompts cut. Calls whose cost was taken back aren't in it, nor those that are only guessed; those of events that
-- were taken back without their calls are by themselves: they were made, and are charged to nobody. Along events_by_time
-- and provider_calls_by_event, in parallel; keys that are numbers come first, since they're quick to sort by.
with corrected as (
    select corrects, sum(billed) as billed, sum(amount) as amount
    from events
    where customer_id = %(customer_id)s and corrects is not null and time >= %(from)s and time < %(to)s
    group by corrects
), called as (
    select s.meter, e.price_id, k.corrects is null or e.quantity = 0 or e.billed + k.billed <> 0
                    or coalesce(e.amount, 0) + coalesce(k.amount, 0) <> 0 as charged,
           width_bucket(e.time, %(days)s::timestamptz[]) as day, c.provider, c.model,
           coalesce(c.service_tier, '') as service_tier, c.batch, coalesce(c.region, '') as region,
           coalesce(c.rate, 1) as rate, width_bucket(c.at, %(instants)s::timestamptz[]) as era,
           width_bucket(extract(hour from c.at at time zone 'UTC') * 60
                        + extract(minute from c.at at time zone 'UTC'), %(minutes)s::numeric[]) as hours,
           case when %(weekdays)s then extract(isodow from c.at at time zone 'UTC') else 0 end::int as weekday,
           c.at, c.cost, q.*,
           coalesce(input_tokens, 0) + coalesce(cached_input_tokens, 0) + coalesce(cache_write_tokens, 0)
           + coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_30m_tokens, 0)
           + coalesce(cache_write_1h_tokens, 0) + coalesce(cache_write_12h_tokens, 0)
           + coalesce(input_audio_tokens, 0) + coalesce(cached_input_audio_tokens, 0)
           + coalesce(input_image_tokens, 0) + coalesce(cached_input_image_tokens, 0)
           + coalesce(input_video_tokens, 0) + coalesce(cached_input_video_tokens, 0) as whole
    from events e
    join series s on s.customer_id = e.customer_id and s.series_id = e.series_id
    join provider_calls c on c.customer_id = e.customer_id and c.event_id = e.event_id
    left join corrected k on k.corrects = e.event_id
    cross join lateral jsonb_to_record(c.quantities) as q (
        input_tokens numeric, cached_input_tokens numeric, cache_write_tokens numeric, cache_write_5m_tokens numeric,
        cache_write_30m_tokens numeric, cache_write_1h_tokens numeric, cache_write_12h_tokens numeric,
        input_audio_tokens numeric, cached_input_audio_tokens numeric, input_image_tokens numeric,
        cached_input_image_tokens numeric, input_video_tokens numeric, cached_input_video_tokens numeric,
        output_tokens numeric, reasoning_tokens numeric, output_audio_tokens numeric, output_image_tokens numeric,
        output_video_tokens numeric, other_model_tokens numeric, seconds numeric, characters numeric, images numeric,
        pages numeric, requests numeric, web_searches numeric, file_searches numeric, code_sessions numeric
    )
    where e.customer_id = %(customer_id)s and e.time >= %(from)s and e.time < %(to)s
      and c.book is not null and c.quantities is not null and c.adjusts is null and c.cost_source = 'response'
      and not exists (
          select from provider_calls a
          where a.customer_id = c.customer_id and a.provider = c.provider and a.adjusts = c.call_id
            and a.quantities is not null)
)
select meter, price_id, charged, day, provider, model, service_tier, batch, region, rate, era, hours, weekday,
       width_bucket(whole, %(sizes)s::numeric[]) as band, min(at) as at, min(whole) as whole, count(*) as calls,
       sum(cost) as cost, jsonb_strip_nulls(jsonb_build_object(
           'input_tokens', sum(input_tokens)::text, 'cached_input_tokens', sum(cached_input_tokens)::text,
           'cache_write_tokens', sum(cache_write_tokens)::text,
           'cache_write_5m_tokens', sum(cache_write_5m_tokens)::text,
           'cache_write_30m_tokens', sum(cache_write_30m_tokens)::text,
           'cache_write_1h_tokens', sum(cache_write_1h_tokens)::text,
           'cache_write_12h_tokens', sum(cache_write_12h_tokens)::text,
           'input_audio_tokens', sum(input_audio_tokens)::text,
           'cached_input_audio_tokens', sum(cached_input_audio_tokens)::text,
           'input_image_tokens', sum(input_image_tokens)::text,
           'cached_input_image_tokens', sum(cached_input_image_tokens)::text,
           'input_video_tokens', sum(input_video_tokens)::text,
           'cached_input_video_tokens', sum(cached_input_video_tokens)::text,
           'output_tokens', sum(output_tokens)::text, 'reasoning_tokens', sum(reasoning_tokens)::text,
           'output_audio_tokens', sum(output_audio_tokens)::text,
           'output_image_tokens', sum(output_image_tokens)::text,
           'output_video_tokens', sum(output_video_tokens)::text, 'other_model_tokens', sum(other_model_tokens)::text,
           'seconds', sum(seconds)::text, 'characters', sum(characters)::text, 'images', sum(images)::text,
           'pages', sum(pages)::text, 'requests', sum(requests)::text, 'web_searches', sum(web_searches)::text,
           'file_searches', sum(file_searches)::text, 'code_sessions', sum(code_sessions)::text
       )) as quantities
from called
group by day, band, era, hours, weekday, batch, charged, rate, price_id, model, meter, provider, service_tier, region

-- name: taken_back
-- The meters of events in [from, to) that cost something and were taken back wholly: their cost stays, and isn't charged.
select distinct s.meter
from events e
join series s on s.customer_id = e.customer_id and s.series_id = e.series_id
join lateral (
    select sum(billed) as billed, sum(amount) as amount from events
    where customer_id = e.customer_id and corrects = e.event_id
) k on e.billed + k.billed = 0 and coalesce(e.amount, 0) + coalesce(k.amount, 0) = 0
where e.customer_id = %(customer_id)s and e.quantity <> 0 and e.cost <> 0
  and e.event_id in (
      select corrects from events
      where customer_id = %(customer_id)s and corrects is not null and time >= %(from)s and time < %(to)s)

-- name: lapsed_grants
-- What became of the grants that a recurring grant made, of those that expired in (from, to]. What went over into the next one
-- is judged with that one, and what was taken back with none.
select count(*) as grants, coalesce(sum(amount - rolled_out - voided), 0) as amount, coalesce(sum(spent), 0) as spent,
       coalesce(sum(expired), 0) as expired
from grants
where customer_id = %(customer_id)s and recurring = %(recurring)s and expires_at > %(from)s and expires_at <= %(to)s
