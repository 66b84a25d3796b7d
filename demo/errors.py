"""What ends the demo early, told in one sentence."""


class DemoFailed(Exception):
    """The demo can't go on; its text says why and what to do."""
