import httpx, pytest, json
from datetime import timedelta
from tollkeeper import clock
from .prepaid import begin, grant, hold, settle, wallet, receivable
from .test_holds_repeated import Clock, later
from tollkeeper.gate import sweep, Tills
pytestmark = pytest.mark.anyio
async def test_x(admin, app, later):
    await begin(admin, credits="3")
    await hold(admin, "a")
    await admin.post("/v1/events", json={"id": "e", "customer": "acme", "meter": "interview"})
    answer = await settle(admin, "a", events=[{"id": "e", "meter": "interview"}])
    print("DUP", answer.status_code, answer.text)
    print(await wallet(admin))
    await hold(admin, "d", expires_in=60)
    await admin.post("/v1/holds/d/in-doubt", json={"customer":"acme","expires_in":60})
    later.ahead=timedelta(seconds=100)
    books=app.state.books
    import inspect; print(inspect.signature(sweep)); 
    print([m for m in dir(books) if not m.startswith('__')])
    async def work(tx): return await sweep(tx, books.desk, ["acme"], now=clock.now())
    print(await books.database.run(work, pipelined=True))
    if 1:
        print("D", (await admin.get("/v1/holds/d", params={"customer":"acme"})).text, await wallet(admin))
        bad = await settle(admin,"d",events=[{"id":"x","meter":"nothing"}])
        print("BAD", bad.status_code, bad.text, await wallet(admin))
        good = await settle(admin,"d")
        print("GOOD", good.status_code, good.text, await wallet(admin))
        again = await settle(admin,"d")
        print("AGAIN", again.status_code, again.text, await wallet(admin))
