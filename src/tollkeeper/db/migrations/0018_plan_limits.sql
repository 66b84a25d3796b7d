-- The limits that the catalog in force has, before it's known who is on which plan: for price lists, and tables of quotas.

create view reports.plan_limits as
select offered.plan, offered.terms ->> 'name' as name, offered.terms ->> 'meter' as meter, offered.terms ->> 'group' as "group",
       offered.terms ->> 'spend' as spend, offered.terms ->> 'per' as per, coalesce(offered.terms ->> 'by', 'customer') as by,
       coalesce(offered.terms ->> 'mode', 'hard') as mode, coalesce((offered.terms ->> 'enabled')::boolean, true) as enabled,
       (offered.terms ->> 'cap')::numeric as cap, offered.terms -> 'member_caps' as member_caps
from (
    select declared from catalog_versions order by version desc limit 1) as latest,
     lateral (
    select null as plan, l.value as terms from jsonb_array_elements(latest.declared -> 'limits') as l
    union all
    select p.key, l.value
    from jsonb_to_recordset(latest.declared -> 'plans') as p (key text, limits jsonb), jsonb_array_elements(p.limits) as l
    ) as offered;
comment on view reports.plan_limits is 'The limits of the catalog in force: of each plan, and of everyone where plan is null';

grant select on reports.plan_limits to tollkeeper_reader;
