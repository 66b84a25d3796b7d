-- name: latest_version
select version, applied_at, applied_by, source, summary from catalog_versions order by version desc limit 1

-- name: one_version
select version, applied_at, applied_by, source, summary from catalog_versions where version = %(version)s

-- name: versions
-- Newest first, without the sources: the list of what was changed when, and by whom.
select version, applied_at, applied_by, summary from catalog_versions order by version desc

-- name: price_rows
-- In the order of versions: of two rows for the same instant the later one counts.
select price_id, version, meter, customer_key, plan, effective_from, kind, content
from prices
order by version, meter, customer_key, plan, effective_from

-- name: price_row
select price_id, version, meter, customer_key, plan, effective_from, kind, content
from prices
where price_id = %(price_id)s and kind = 'price'
order by version
limit 1

-- name: insert_version
insert into catalog_versions (version, source, checksum, applied_at, applied_by, summary, declared)
values (%(version)s, %(source)s, %(checksum)s, %(applied_at)s, %(applied_by)s, %(summary)s, %(declared)s)

-- name: declare
update catalog_versions set declared = %(declared)s where version = %(version)s and declared is distinct from %(declared)s

-- name: insert_prices
-- All rows of a version as one parameter: {price_id, meter, customer_key, plan, effective_from, kind, content}.
insert into prices (price_id, version, meter, customer_key, plan, effective_from, kind, content)
select price_id, %(version)s, meter, customer_key, plan, effective_from, kind, content
from jsonb_to_recordset(%(rows)s) as added (
    price_id uuid, meter text, customer_key text, plan text, effective_from timestamptz, kind text, content jsonb
)
