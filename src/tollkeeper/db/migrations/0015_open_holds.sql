-- The billing page shows what is on hold: of a customer with a long history of holds, the few that are open.
create index holds_open on holds (customer_id) where ended_at is null;
