"""AI providers as data: what their usage objects mean, and what their units cost. Pure."""
