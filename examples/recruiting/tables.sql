-- The product's own data. What anything costs isn't among it: that's Tollkeeper's.

create table if not exists jobs (
    id text primary key, company text, company_name text, title text, description text,
    questions text default '[]', asked text                     -- by which request
);

create table if not exists applications (
    id text primary key, company text, job text, name text, email text, resume text,
    interview text default 'invited', started_at int, ended_at int, assessment text
);

create table if not exists resumes (                            -- each file that was parsed, and paid for
    application text, file_id text, resume text, primary key (application, file_id)
);

create table if not exists turns (what text primary key, ends int);

create view if not exists openings as
    select id, company, company_name, title, description from jobs;

create view if not exists reached as
    select a.*, title, description, questions from applications a join jobs j on j.id = a.job;
