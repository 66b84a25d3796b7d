-- The double-entry ledger. A posting moves a positive amount from one account of a customer to another, so every
-- transaction sums to zero per unit by construction. Accounts: ledger/README.md.

create table postings (
    customer_id uuid not null,
    transaction_id uuid not null,
    line smallint not null,
    kind text not null,
    -- The account that gains a debit, and the one that gains a credit, of `amount`.
    debit text not null,
    credit text not null check (credit <> debit),
    unit text not null,
    amount numeric not null check (amount > 0 and amount < 'infinity'),
    booked_at timestamptz not null,
    -- Who reported the usage: an API key, an import.
    booked_by text not null,
    -- The times of the first and the last event that this posting sums up: the way to its sub-ledger, the events.
    service_from timestamptz not null,
    service_to timestamptz not null,
    events integer not null,
    primary key (customer_id, transaction_id, line)
);
comment on table postings is 'owner: ledger. Append-only double entry: amount from credit to debit';

create view entries with (security_invoker = true) as
    select customer_id, transaction_id, line, kind, debit as account, unit, amount, booked_at from postings
    union all
    select customer_id, transaction_id, line, kind, credit, unit, -amount, booked_at from postings;
comment on view entries is 'Both sides of each posting: debits positive, credits negative';
