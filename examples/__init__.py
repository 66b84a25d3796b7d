"""Products that bill through Tollkeeper, to look at and to copy."""
