-- Days whose calls have changed since they were compared are compared again, also when nobody reads them any more.

-- A run looks for what was recorded since the last one. A block range index costs an insert next to nothing.
create index provider_calls_by_age on provider_calls using brin (recorded_at);

-- Whether calls of the day have changed since it was compared; until then it's noted here, so that no stop loses it.
alter table reported_days add column outdated boolean not null default false;
