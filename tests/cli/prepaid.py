"""A catalog with credits, plans and limits, on which commands about prepaid value are run."""

from __future__ import annotations

CATALOG = """\
currency = "USD"
[funding]
top_up_url = "https://shop.example/{customer}?unit={unit}"
low_balance = "2"
[units.interview_credit]
decimals = 0
[meters.cv_parse]
unit = "CV"
dimensions = ["job", "model"]
[meters.token]
unit = "token"
dimensions = ["model"]
[meters.interview]
unit = "interview"
aggregation = "count"
[meters.tokens_in]
unit = "token"
[meters.tokens_out]
unit = "token"
[meters.answer]
unit = "answer"
aggregation = "count"
[groups.tokens]
meters = ["tokens_in", "tokens_out"]
[prices.cv_parse]
model = "unit"
amount = "0.50"
[prices.token]
model = "graduated"
tiers = [{ up_to = 1000, amount = "0.01" }, { amount = "0.005" }]
[prices.interview]
model = "unit"
unit = "interview_credit"
amount = "1"
[prices.tokens_in]
model = "unit"
amount = "0.01"
included = "100"
[prices.tokens_out]
model = "unit"
amount = "0.02"
[prices.answer]
model = "cost_plus"
margin_percent = "50"
[limits.daily_tokens]
group = "tokens"
per = "day"
cap = "1000"
[limits.spend]
spend = "USD"
per = "rolling_hour"
cap = "15"
mode = "soft"
[limits.member_tokens]
group = "tokens"
per = "month"
by = "member"
cap = "500"
[limits.member_tokens.member_caps]
bob = "50"
[plans.pro]
name = "Professional"
[plans.pro.prices.interview]
model = "unit"
unit = "interview_credit"
amount = "2"
[plans.pro.limits.daily_tokens]
group = "tokens"
per = "day"
cap = "5000"
[plans.pro.grants.monthly]
unit = "interview_credit"
amount = "10"
every = "month"
[plans.basic]
"""
