-- What is sold. Small and global: reference tables where the database is distributed. Append-only.

create table catalog_versions (
    version integer primary key,
    source text not null,
    checksum text not null,
    applied_at timestamptz not null,
    applied_by text not null,
    summary jsonb not null
);
comment on table catalog_versions is 'owner: catalog. Every catalog that was applied, as its source text';

create table prices (
    -- Computed from the content (ids.content_id): the same price that comes back in a later version keeps its id, and
    -- the running totals that go with it.
    price_id uuid not null,
    version integer not null references catalog_versions (version),
    meter text not null,
    customer_key text,
    effective_from timestamptz not null,
    -- none: from this instant on there is no price. withdrawn: what was to begin at this instant doesn't.
    kind text not null check (kind in ('price', 'none', 'withdrawn')),
    content jsonb,
    check ((kind = 'price') = (content is not null)),
    primary key (price_id, version),
    -- A price that hasn't begun may be replaced: for the same instant the latest version counts.
    unique nulls not distinct (meter, customer_key, effective_from, version)
);
comment on table prices is 'owner: catalog. Every price that was ever applied, and from when; never edited';
