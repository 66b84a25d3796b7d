"""HTTP: routes, keys, errors, paging. Translates between JSON and the domain; decides nothing about money."""
