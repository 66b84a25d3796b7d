"""A stand-in for AI providers that speaks their wire formats: for tests, the demo, and development without a key."""
