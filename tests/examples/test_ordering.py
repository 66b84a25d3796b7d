"""The ordering example over HTTP: what each operation records, quotas and overage, refusals, the documented JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from examples.running import Running
from tests.examples.conftest import SignIn, Start
from tests.examples.restaurants import CHAT, PASSWORD, Restaurant, bills, script, used, wav

from tollkeeper import Tollkeeper

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def running(start: Start) -> Running:
    return start("ordering")


@pytest.fixture(scope="module")
def toll(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tollkeeper]:
    with Tollkeeper(running.tollkeeper_url, running.key, spool=tmp_path_factory.mktemp("spool") / "spool") as client:
        yield client


@pytest.fixture
def restaurant(running: Running, sign_in: SignIn) -> Restaurant:
    return Restaurant(running, sign_in)


def test_the_documents_figures_in_the_documents_form(running: Running, sign_in: SignIn, toll: Tollkeeper) -> None:
    """Its example, paid as it goes; but for the sum, which it gives as 12.75, and for the day, which is long ago."""
    restaurant = Restaurant(running, sign_in, "payg")
    used(toll, restaurant.id, "api_call", *["1"] * 150)
    used(toll, restaurant.id, "voice_minute", "2.1", "23.4")
    used(toll, restaurant.id, "ai_query", *["1"] * 50)
    used(toll, restaurant.id, "storage_mb", "100")
    today = datetime.now(UTC).date().isoformat()
    expected = f"""{{
      "success": true,
      "data": {{
        "billingUsage": {{
          "apiCalls": 150,
          "minutesUsed": 25.5,
          "cost": 4.61,
          "breakdown": {{
            "apiCalls": {{ "count": 150, "cost": 1.50 }},
            "voiceMinutes": {{ "count": 25.5, "cost": 0.51 }},
            "aiQueries": {{ "count": 50, "cost": 2.50 }},
            "storage": {{ "count": 100, "cost": 0.10 }}
          }}
        }},
        "trends": [
          {{
            "date": "{today}",
            "apiCalls": 150,
            "voiceMinutes": 25.5,
            "cost": 4.61
          }}
        ]
      }}
    }}"""
    asked = {"businessId": restaurant.id, "period": "current_month", "days": 30}
    answer = restaurant.http.get("/api/billing/analytics", params=asked)
    assert answer.headers["content-type"] == "application/json"
    # Numbers, not strings; exactly these; in this order.
    said, told = (json.loads(text, object_pairs_hook=list, parse_float=Decimal) for text in (answer.text, expected))
    assert said == told
    assert restaurant.usage() == json.loads(expected, parse_float=Decimal)["data"]["billingUsage"]


def test_a_number_keeps_all_its_digits(running: Running, sign_in: SignIn, toll: Tollkeeper) -> None:
    restaurant = Restaurant(running, sign_in, "payg")
    used(toll, restaurant.id, "storage_mb", "123456789012.000001")
    cost = restaurant.usage()["cost"]
    assert (cost, type(cost)) == (Decimal("123456789.012000001"), Decimal)


def test_a_chat_is_an_api_call_and_an_ai_query(running: Running, restaurant: Restaurant) -> None:
    before = len(bills(running))
    reply = json.dumps({"intent": "change_order", "complexity": "medium", "reply": "One more, gladly."})
    first = restaurant.says("Two margheritas, please")
    script(running, path="/v1/chat/completions", content=reply)
    second = restaurant.says("And one more", first["sessionId"])
    assert (second["reply"], second["intent"]) == ("One more, gladly.", "change_order")
    assert second["sessionId"] == first["sessionId"]
    made = [bill["usage"] for bill in bills(running)[before:]]
    assert len(made) == 2
    # The conversation goes along: the question and its answer are in the second prompt.
    assert made[1]["prompt_tokens"] > made[0]["prompt_tokens"] + made[0]["completion_tokens"] // 2
    call, query = restaurant.events("api_call")[0], restaurant.events("ai_query")[0]
    tokens = made[1]["total_tokens"]
    assert call["metadata"] == {
        "operation": "chat_completion",
        "model": "gpt-4o-mini-2024-07-18",
        "tokens": tokens,
        "intent": "change_order",
        "sessionId": first["sessionId"],
    }
    assert query["metadata"] == {"queryType": "order_taking", "complexity": "medium", "tokens": tokens}
    # The completion is one of ours once: it costs what the provider bills, with the API call.
    assert Decimal(call["cost"]) == Decimal(bills(running)[-1]["cost"])
    assert query["cost"] == "0"
    usage = restaurant.usage()
    assert (usage["apiCalls"], usage["breakdown"]["aiQueries"]["count"]) == (2, 2)


def test_sessions_are_each_businesss_own(running: Running, sign_in: SignIn, restaurant: Restaurant) -> None:
    session = restaurant.says("I am allergic to nuts, remember that well")["sessionId"]
    Restaurant(running, sign_in).says("Hello", session)
    restaurant.says("Hello")
    other, new = bills(running)[-2:]
    assert other["usage"]["prompt_tokens"] == new["usage"]["prompt_tokens"]
    # However long a session's id is, what has happened in it is recorded.
    assert len(restaurant.says("Hello", "s" * 20_000)["sessionId"]) == 200
    assert restaurant.usage()["apiCalls"] == 3


@pytest.mark.parametrize(
    ("name", "audio", "minutes", "estimated"),
    [
        ("order.wav", wav(90), "1.5", False),
        ("order.webm", b"\x1aE\xdf\xa3" + bytes(479_996), "0.5", True),
        # A header that makes 90 seconds a hundredth of one isn't believed.
        ("order.wav", wav(90)[:40] + (160).to_bytes(4, "little") + wav(90)[44:], "1.5", True),
    ],
    ids=["measured", "estimated", "a lie"],
)
def test_voice_is_measured_or_marked_as_estimated(
    running: Running, restaurant: Restaurant, name: str, audio: bytes, minutes: str, estimated: bool
) -> None:
    heard = restaurant.data("POST", "/api/voice-to-text", files={"audio": (name, audio)}, data={"sessionId": "s1"})
    assert (heard["minutes"], heard["estimated"], heard["sessionId"]) == (Decimal(minutes), estimated, "s1")
    (event,) = restaurant.events("voice_minute")
    assert event["metadata"] == {
        "operation": "voice_to_text",
        "audioSize": len(audio),
        "transcriptionLength": len(heard["text"]),
        "sessionId": "s1",
        "estimated": estimated,
    }
    assert (event["quantity"], event["dimensions"]) == (minutes, {"length": "estimated" if estimated else "measured"})
    bill = bills(running)[-1]
    assert (bill["endpoint"], Decimal(bill["cost"])) == ("audio_transcriptions", Decimal(event["cost"]))
    assert restaurant.usage()["minutesUsed"] == Decimal(minutes)


def test_storage_is_exact_to_the_byte(restaurant: Restaurant) -> None:
    kept = restaurant.uploads(1_234_567)
    assert (kept["name"], kept["type"], kept["size"], kept["megabytes"]) == (
        "menu.pdf", "application/pdf", 1_234_567, Decimal("1.234567"),
    )  # fmt: skip
    stored = restaurant.running.data / "app" / kept["id"]
    assert stored.read_bytes() == b"x" * 1_234_567
    restaurant.uploads(1, "../../escape.exe")
    newest, first = restaurant.events("storage_mb")
    assert first["metadata"] == {"fileType": "application/pdf", "size": 1_234_567, "operation": "file_upload"}
    assert (first["quantity"], newest["quantity"]) == ("1.234567", "0.000001")
    for size in (0, 25_000_001):
        refused = restaurant.http.post("/api/files", files={"file": ("big", b"x" * size)})
        assert (refused.status_code, refused.json()["code"]) == (422, "file_size")


def test_what_is_beyond_a_quota_is_charged_and_seen(restaurant: Restaurant, toll: Tollkeeper) -> None:
    used(toll, restaurant.id, "api_call", *["1"] * 999)
    used(toll, restaurant.id, "ai_query", *["1"] * 99)
    used(toll, restaurant.id, "voice_minute", "59.5")
    used(toll, restaurant.id, "storage_mb", "999.5")
    restaurant.says("The last one that is included")
    assert restaurant.usage()["cost"] == 0
    restaurant.says("The first one beyond")
    restaurant.data("POST", "/api/voice-to-text", files={"audio": ("order.wav", wav(60))})
    restaurant.uploads(1_500_000)
    usage = restaurant.usage()
    costs = {name: str(part["cost"]) for name, part in usage["breakdown"].items()}
    assert costs == {"apiCalls": "0.01", "voiceMinutes": "0.01", "aiQueries": "0.05", "storage": "0.001"}
    assert usage["cost"] == Decimal("0.071")
    explained = toll.explanation(restaurant.events("storage_mb")[0]["id"], customer=restaurant.id)
    beyond = "The first 1,000 MB of the month are included: 999.5 already used, 0.5 of these 1.5 free, 1 charged"
    assert explained.steps[0].text == beyond


def test_a_plan_without_overage_refuses_before_anything_happens(
    running: Running, sign_in: SignIn, toll: Tollkeeper
) -> None:
    restaurant = Restaurant(running, sign_in, "starter")
    used(toll, restaurant.id, "api_call", *["1"] * 100)
    used(toll, restaurant.id, "voice_minute", "9")
    used(toll, restaurant.id, "storage_mb", "49")
    before, files = len(bills(running)), list((running.data / "app").iterdir())
    for answer, detail in (
        (
            restaurant.http.post(CHAT, json={"message": "One more"}),
            "The limit 'Calls' allows 100 per month: 100 used, 1 more needed.",
        ),
        (
            restaurant.http.post("/api/voice-to-text", files={"audio": ("order.wav", wav(90))}),
            "The limit 'Minutes' allows 10 per month: 9 used, 1.5 more needed.",
        ),
        (
            restaurant.http.post("/api/files", files={"file": ("menu.pdf", bytes(2_000_000))}),
            "The limit 'Storage' allows 50 per month: 49 used, 2 more needed.",
        ),
    ):
        assert (answer.status_code, answer.json()["code"]) == (429, "limit_exceeded"), answer.text
        assert answer.json()["detail"].startswith(detail)
    assert len(bills(running)) == before
    assert list((running.data / "app").iterdir()) == files
    usage = restaurant.usage()
    # The AI query that was reserved along with the refused API call is free again.
    assert (usage["cost"], usage["breakdown"]["aiQueries"]["count"]) == (0, 0)
    assert toll.check("ai_query", customer=restaurant.id).limits[0].held == 0
    restaurant.uploads(1_000_000)


def test_the_last_one_is_had_by_one(running: Running, sign_in: SignIn, toll: Tollkeeper) -> None:
    """However many guests write at the same moment."""
    restaurant = Restaurant(running, sign_in, "starter")
    used(toll, restaurant.id, "api_call", *["1"] * 99)
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: restaurant.http.post(CHAT, json={"message": "One more"}), range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, *[429] * 5]
    assert restaurant.usage()["apiCalls"] == 100


def test_a_model_that_fails_costs_nothing(running: Running, restaurant: Restaurant) -> None:
    script(running, path="/v1/chat/completions", status=400)
    failed = restaurant.http.post(CHAT, json={"message": "Hello"})
    assert (failed.status_code, failed.json()["code"]) == (503, "model_unavailable")
    usage = restaurant.usage()
    assert (usage["apiCalls"], usage["breakdown"]["aiQueries"]["count"]) == (0, 0)


def test_trends_and_months_are_of_the_businesss_own_calendar(
    running: Running, sign_in: SignIn, toll: Tollkeeper
) -> None:
    restaurant = Restaurant(running, sign_in, "payg")  # until now it was on the default plan
    now = datetime.now(UTC)
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    used(toll, restaurant.id, "api_call", "1", "1", time=month - timedelta(seconds=1))
    used(toll, restaurant.id, "voice_minute", "62.5", time=month - timedelta(seconds=1))
    used(toll, restaurant.id, "api_call", "1")
    assert restaurant.analytics(period="last_month")["billingUsage"]["cost"] == Decimal("0.05")
    assert restaurant.usage()["apiCalls"] == 1
    long, short = restaurant.analytics(days=40)["trends"], restaurant.analytics(days=1)["trends"]
    last = {"date": str((month - DAY).date()), "apiCalls": 2, "voiceMinutes": Decimal("62.5"), "cost": Decimal("0.05")}
    today = {"date": str(now.date()), "apiCalls": 1, "voiceMinutes": 0, "cost": Decimal("0.01")}
    assert (long, short) == ([last, today], [today])
    ago = (now.date() - (month - DAY).date()).days  # so many days end before that one: today is the first of them
    assert (restaurant.analytics(days=ago)["trends"], restaurant.analytics(days=ago + 1)["trends"]) == (short, long)
    for wrong in ({"period": "yesterday"}, {"days": 0}, {"days": 366}):
        asked = restaurant.http.get("/api/billing/analytics", params={"businessId": restaurant.id, **wrong})
        assert asked.status_code == 422


def test_businesses_see_their_own_alone(running: Running, sign_in: SignIn, restaurant: Restaurant) -> None:
    other = Restaurant(running, sign_in)
    for id in (other.id, "nobody", ""):
        answer = restaurant.http.get("/api/billing/analytics", params={"businessId": id})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_business")
    token = restaurant.http.get("/billing-token")
    assert token.headers["cache-control"] == "no-store"
    headers = {"Authorization": f"Bearer {token.json()['token']}"}
    session = httpx.get(f"{running.tollkeeper_url}/v1/portal/session", headers=headers, trust_env=False).json()
    assert (session["customer"], session["permissions"]) == (restaurant.id, ["read", "change_plan"])


def test_who_is_not_signed_in_gets_nothing(running: Running, restaurant: Restaurant, sign_in: SignIn) -> None:
    forged = {"ordering": restaurant.http.cookies["ordering"][:-4] + "AAAA"}
    for cookies in ({}, forged):
        with httpx.Client(base_url=running.url, cookies=cookies, trust_env=False) as stranger:
            for method, path in (
                ("GET", "/api/dashboard-simple"),
                ("GET", f"/api/billing/analytics?businessId={restaurant.id}"),
                ("GET", "/billing-token"),
                ("POST", CHAT),
                ("POST", "/api/voice-to-text"),
                ("POST", "/api/files"),
            ):
                answer = stranger.request(method, path)
                assert answer.status_code in (401, 422), path
                assert answer.status_code == 401 or method == "POST"
            assert stranger.get("/billing").headers["location"] == "/sign-in"
    wrong = httpx.post(f"{running.url}/sign-in", data={"email": restaurant.email, "password": "x"}, trust_env=False)
    assert wrong.headers["location"] == "/sign-in?wrong"
    taken = {"name": "Thief", "email": restaurant.email.upper(), "password": "another"}
    assert httpx.post(f"{running.url}/sign-in", data=taken, trust_env=False).headers["location"] == "/sign-in?wrong"
    again = sign_in(running, email=restaurant.email, password=PASSWORD)
    assert again.get("/api/dashboard-simple").json()["data"]["businessId"] == restaurant.id
