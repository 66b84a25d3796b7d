"""Runs an example with all that it needs: PostgreSQL, Tollkeeper, a simulated AI provider, and the app itself."""

from examples.running.children import ExampleFailed
from examples.running.manifest import Example, names
from examples.running.start import Running, started

__all__ = ["Example", "ExampleFailed", "Running", "names", "started"]
