-- Who may look at one customer's billing page: sessions that the operator opens, each for one customer and a while.

create table portal_sessions (
    customer_id uuid not null,
    session_id uuid not null,
    -- SHA-256 of a token of 256 random bits beside the ids: nothing to guess, so nothing to slow down.
    token_hash bytea not null,
    -- The link to the page, which is exchanged for a session of its own. A session that came of one has no link.
    link_hash bytea,
    link_expires_at timestamptz,
    -- The session whose link was exchanged; what ends that one ends this one.
    opened_from uuid,
    permissions text[] not null
        check ('read' = any(permissions) and permissions <@ array['read', 'top_up', 'change_plan']),
    return_url text,
    created_at timestamptz not null,
    created_by text not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    primary key (customer_id, session_id),
    foreign key (customer_id) references customers (customer_id),
    check ((link_hash is null) = (link_expires_at is null) and (link_hash is null) = (opened_from is not null)),
    check (link_expires_at <= expires_at)
);
comment on table portal_sessions is 'owner: customers. Who may look at one customer''s billing page, and until when';
-- Those that ended long ago are looked for with each new one.
create index portal_sessions_by_end on portal_sessions (customer_id, expires_at);

grant select, insert, update, delete on portal_sessions to tollkeeper_app;

alter table portal_sessions enable row level security;
create policy isolation on portal_sessions to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
