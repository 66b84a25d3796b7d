create view questions as
select customer, event, charge from reports.usage_events where meter = 'question';
