"""The demo, for `make demo`: an hour of real LLM usage, stretched over 30 days, priced, booked, checked and explained.

trace → cast → events ─┬→ client → the real server ─┬→ compare → report
                       └→ expect (its own sums) ────┘
"""
