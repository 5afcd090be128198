"""How the tests of pages ask for them, and what they hand in."""

from lxml import html

ROWS = b"CustGroup,Name\r\n10,Wholesale\r\n20,<script>alert(1)</script>\r\n30,Export\r\n"


def submit(desk, key, **more):
    order = {"endpoint": "AOS-Test", "company": "USMF", "package": desk.package} | more
    return desk.client.submit(idempotency_key=key, **order)["id"]


def get(desk, path, *, status=200):
    answer = desk.http.get(f"{desk.url}{path}", headers={"Accept": "text/html"}, timeout=20)
    assert answer.status_code == status, answer.text[:500]
    return answer


def page(desk, path):
    return html.fromstring(get(desk, path).text)


def post(desk, path, **form):
    """Send a form; what the browser is led to is in the answer's `Location`."""
    return desk.http.post(f"{desk.url}{path}", allow_redirects=False, timeout=20, **form)
