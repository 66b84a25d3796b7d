"""Provider calls: stored once, each with its cost and how that is known."""
