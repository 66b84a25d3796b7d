-- What a version declares is told to the views of `reports` anew by each Tollkeeper that runs: versions that were applied before
-- there were any have nothing there. The source, which decides, stays out of reach.

grant update (declared) on catalog_versions to tollkeeper_app;
