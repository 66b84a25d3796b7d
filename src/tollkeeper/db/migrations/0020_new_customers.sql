-- Whoever is new is listed at once, whatever the list is sorted by: its figures are there, and 0, from its creation on.
-- The first round after it adds them up, as of a month that they aren't of yet.

create function list_customer() returns trigger language plpgsql as $$
begin
    insert into customer_figures
    values (new.customer_id, new.key, '-infinity', '-infinity', 0, 0, 0, 0, null, 0, 0, 0, 0, 0, 0, 0);
    return null;
end $$;
comment on function list_customer() is 'owner: console. What the list of customers sorts a new one by';

create trigger list_customer after insert on customers for each row execute function list_customer();

insert into customer_figures
select customer_id, key, '-infinity', '-infinity', 0, 0, 0, 0, null, 0, 0, 0, 0, 0, 0, 0
from customers where customer_id not in (select customer_id from customer_figures);
