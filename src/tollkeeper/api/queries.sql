-- name: applied_migrations
-- Readiness: whether the database has exactly the migrations that this program knows.
select version from schema_migrations order by version
