-- The product's own data. Credits aren't here: Tollkeeper has them.

create table if not exists teams (team text primary key, name text not null);

create table if not exists users (
    email text primary key,
    name text not null,
    salt blob not null,
    password blob not null,
    own text not null references teams,   -- the team that came with the account
    team text not null references teams   -- the one that it works in, at whose expense
);

create table if not exists interviews (
    id text primary key,
    team text not null references teams,
    member text not null references users,
    position text not null,
    kind text not null,
    minutes integer not null,
    state text not null default 'creating' check (state in ('creating', 'created', 'failed', 'refused')),
    questions text,
    made_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ'))
);

create view if not exists people as       -- everybody, with the team that they work in
    select email, users.name, own, team, teams.name as team_name from users join teams using (team);

create view if not exists history as      -- what teams see: not what was refused before it began
    select * from interviews where state <> 'refused' order by made_at desc;
