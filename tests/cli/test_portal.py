"""`tollkeeper portal`: links to a customer's billing page from the command line."""

from __future__ import annotations

from .conftest import Toll


def test_a_link_is_printed_listed_and_revoked(toll: Toll) -> None:
    url = toll("portal", "open", "acme").out.strip()
    assert url.startswith("http://127.0.0.1:8377/billing#link=tollx_")
    opened = toll("portal", "open", "acme", "--permission", "top_up", "--expires-in", "600", "--json").json
    assert opened["token"].startswith("tollp_")
    listed = toll("portal", "list", "acme", "--json").json
    assert [sorted(each["permissions"]) for each in listed] == [["read", "top_up"], ["read"]]
    assert listed[0]["session_id"] == opened["id"]
    assert "toll" not in toll("portal", "list", "acme").out.replace("tollkeeper", "")

    assert toll("portal", "revoke", "acme", opened["id"]).out == f"Revoked session {opened['id']} of acme.\n"
    assert toll("portal", "list", "acme", "--json").json[0]["revoked_at"] is not None
    assert toll("portal", "list", "globex").out == "No sessions. Open one: tollkeeper portal open globex\n"


def test_what_cant_be_is_told(toll: Toll) -> None:
    assert toll("portal", "open", "nobody", "--json").error == "unknown_customer"
    assert toll("portal", "open", "acme", "--expires-in", "5", "--json").error == "invalid_expires_in"
    gone = toll("portal", "revoke", "acme", "01a1f9d4-1e45-7055-9bb9-4d38f8d013f0", "--json")
    assert gone.error == "unknown_portal_session"
