"""Showing: what open pages are told while they are open."""

from tollkeeper.notify.feed import STOPPING, Feed, Pace, Ticked
from tollkeeper.notify.look import look
from tollkeeper.notify.model import Look, State
from tollkeeper.notify.page import Page

__all__ = ["STOPPING", "Feed", "Look", "Pace", "Page", "State", "Ticked", "look"]
