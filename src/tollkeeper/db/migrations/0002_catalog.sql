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
    price_id uuid primary key,
    meter text not null,
    customer_key text,
    effective_from timestamptz not null,
    version integer not null references catalog_versions (version),
    -- Null: from this instant on there is no price.
    terms jsonb,
    unique nulls not distinct (meter, customer_key, effective_from)
);
comment on table prices is 'owner: catalog. Every price that was ever in force, and from when; never edited';
