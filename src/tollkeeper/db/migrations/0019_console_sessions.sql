-- Sessions of the console that are long over are forgotten, as those of billing pages are.

grant delete on console_sessions to tollkeeper_app;
