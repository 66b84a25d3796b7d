"""Reports a usage event, and repeats it until there is an answer. The id makes that safe: it's charged once."""

import os
import time

import httpx

api = httpx.Client(base_url=os.environ["TOLL_URL"], headers={"Authorization": f"Bearer {os.environ['TOLL_KEY']}"})
event = {"id": "parse-4711", "customer": "brightline", "meter": "cv_parse", "quantity": "3"}
for pause in (0.2, 1, 5, 30):
    try:
        answer = api.post("events", json=event)
        if answer.status_code < 500:  # committed, or refused for good with a reason
            print(answer.json()["results"])
            break
    except httpx.TransportError as error:
        print(f"No answer ({error}); once more in {pause} seconds.")
    time.sleep(pause)
