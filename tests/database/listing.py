"""What the tests of the console's list sell."""

CATALOG = """
currency = "USD"
[units.credit]
decimals = 0
[meters.minute]
unit = "minute"
[prices.minute]
model = "unit"
amount = "0.50"
[meters.interview]
aggregation = "count"
unit = "interview"
[prices.interview]
model = "unit"
unit = "credit"
amount = "1"
[meters.question]
unit = "question"
"""
