"""A stand-in for AI providers that speaks their wire formats: for tests, the demo, and development without a key."""

from __future__ import annotations

from tollkeeper.simulator.app import create_app
from tollkeeper.simulator.keys import key_id, project_of
from tollkeeper.simulator.model import Bill, Discrepancy, Provider, SimulatorSettings
from tollkeeper.simulator.running import Simulator, config, running
from tollkeeper.simulator.script import Step

__all__ = [
    "Bill",
    "Discrepancy",
    "Provider",
    "Simulator",
    "SimulatorSettings",
    "Step",
    "config",
    "create_app",
    "key_id",
    "project_of",
    "running",
]
