"""The activation page: who asks is shown, what is replaced is named, and nobody else's page decides."""

import re

import pytest
import requests

from tests.web.registering import MINE, OTHER, approved, ask, begin


@pytest.fixture
def admin(clerk):
    """A browser in which an administrator has signed in."""
    with requests.Session() as session:
        session.headers.update({"Accept": "text/html", "Sec-Fetch-Site": "same-origin"})
        link = clerk.accounts.link_person("Anna", role="administrator")["url"]
        session.post(link, data={"password": "correct horse battery"}, timeout=10)
        yield session


def test_the_page_leads_through_the_sign_in_and_back(clerk):
    begun = begin(clerk)
    clerk.accounts.link_person("Anna", role="administrator")
    with requests.Session() as session:
        session.headers.update({"Accept": "text/html", "Sec-Fetch-Site": "same-origin"})
        asked = session.get(begun["verification_uri_complete"], timeout=10, allow_redirects=False)
        assert asked.status_code == 303
        assert asked.headers["Location"] == f"/signin?next=%2Factivate%2F{begun['user_code']}"


def test_an_administrator_approves_on_the_page(clerk, admin):
    begun = begin(clerk, account="<script>alert(1)</script>")
    found = admin.get(begun["verification_uri"], params={"code": begun["user_code"].lower()}, timeout=10)
    assert begun["user_code"].lower() in found.text
    page = admin.get(begun["verification_uri_complete"], timeout=10).text
    for told in (begun["user_code"], "aosprod01.contoso.com", MINE.fingerprint, "Did you start this?", "127.0.0.1"):
        assert told in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    done = admin.post(begun["verification_uri_complete"], data={"decision": "approve", "service_instance": "North"}, timeout=10)
    assert "Endpoint updated successfully." in done.text
    assert ask(clerk, begun).json()["service_instance"] == "North"


def test_the_page_says_which_key_is_replaced(clerk, admin):
    approved(clerk)
    begun = begin(clerk, key=OTHER.text)
    page = admin.get(begun["verification_uri_complete"], timeout=10).text
    assert "USMF, DEMF" in page
    assert f"This replaces the key <code>{MINE.fingerprint}</code> of AOSPROD01" in page
    refused = admin.post(begun["verification_uri_complete"], data={"decision": "approve"}, timeout=10)
    assert refused.status_code == 409
    assert "Did you start this?" in refused.text
    sent = {"decision": "approve", "replaces": re.search(r'name="replaces" value="([^"]+)"', page)[1]}
    assert "Endpoint updated successfully." in admin.post(begun["verification_uri_complete"], data=sent, timeout=10).text


def test_the_page_says_what_becomes_of_companies_that_are_not_told(clerk, admin):
    """What a machine does not say stays as it is; of a new endpoint it means all of them."""
    new = begin(clerk, companies=[])
    assert "not told: any may be loaded into" in admin.get(new["verification_uri_complete"], timeout=10).text
    approved(clerk)
    again = begin(clerk, companies=[])
    assert "<td>as they are</td>" in admin.get(again["verification_uri_complete"], timeout=10).text


def test_a_page_of_another_site_approves_nothing(clerk, admin):
    begun = begin(clerk)
    answer = admin.post(
        begun["verification_uri_complete"],
        data={"decision": "approve"},
        headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"},
        timeout=10,
    )
    assert answer.status_code == 403
    assert clerk.client.endpoints() == []
