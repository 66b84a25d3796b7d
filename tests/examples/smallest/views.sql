create view questions as select 1 as known;
