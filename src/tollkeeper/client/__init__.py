"""The SDK: `Tollkeeper`, `AsyncTollkeeper`, `wrap`, `operation`. Imports nothing of the engine."""
