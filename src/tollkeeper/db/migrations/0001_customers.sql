-- Who pays, who may call, and the counters that tell processes what has changed.

create table epochs (
    name text primary key,
    value bigint not null
);
comment on table epochs is 'owner: db. How often the catalog and the customers have changed; see db/epochs.py';
insert into epochs (name, value) values ('catalog', 0), ('customers', 0);

-- customer_id is computed from the key (ids.content_id), so the primary key also keeps keys unique, and no lookup is
-- needed to find a customer's rows: docs/adr/0002-customer-ids-follow-from-keys.md.
create table customers (
    customer_id uuid primary key,
    key text collate "C" not null,
    name text not null,
    currency text not null,
    timezone text not null,
    metadata jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    archived_at timestamptz
);
comment on table customers is 'owner: customers. Who pays';
-- Lists page by key.
create index customers_by_key on customers (key);

create table members (
    customer_id uuid not null,
    member text collate "C" not null,
    name text not null,
    metadata jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    archived_at timestamptz,
    primary key (customer_id, member),
    foreign key (customer_id) references customers (customer_id)
);
comment on table members is 'owner: customers. Persons and agents inside a customer';

create table api_keys (
    key_id uuid primary key,
    name text not null,
    prefix text not null,
    -- SHA-256 of a secret of 256 random bits: nothing to guess, so nothing to slow down.
    secret_hash bytea not null unique,
    scopes text[] not null check (cardinality(scopes) > 0 and scopes <@ array['admin', 'write', 'read']),
    created_at timestamptz not null,
    last_used_at timestamptz,
    revoked_at timestamptz
);
comment on table api_keys is 'owner: customers. Who may call the API';
