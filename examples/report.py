"""Reports usage. The id makes repeating it safe; without an answer it's kept on this machine, and sent later."""

from tollkeeper import Tollkeeper

with Tollkeeper() as toll:  # TOLLKEEPER_URL, TOLLKEEPER_API_KEY
    recorded = toll.record("cv_parse", customer="brightline", id="parse-4711", quantity=3)
    print(recorded.status, recorded.charge, recorded.unit)
