import pytest
import requests
from requests.adapters import HTTPAdapter

from connector import client as clients
from connector.access import local
from connector.client import Client
from connector.errors import NotReachable


class Losing(HTTPAdapter):
    """Carries every request out and loses the answers to the first submissions, as a broken connection does."""

    def __init__(self, answers):
        super().__init__()
        self.answers = answers
        self.submitted = 0

    def send(self, request, **more):
        answer = super().send(request, **more)
        if request.method == "POST" and request.path_url.endswith("/jobs"):
            self.submitted += 1
            if self.submitted <= self.answers:
                raise requests.exceptions.ConnectionError("the connection broke")
        return answer


@pytest.fixture
def losing(desk, tmp_path, monkeypatch):
    """A client that loses answers, and what it would submit."""
    monkeypatch.setattr(clients, "_SUBMIT_PAUSES", (0.0, 0.0))
    desk.client.add_endpoint("A1", addresses=["http://aos.test/port.svc"])
    file = tmp_path / "CustGroup.csv"
    file.write_text("CustGroup,Name\n10,A\n")
    sha256 = desk.client.upload(file, name=file.name)["sha256"]
    adapter = Losing(0)
    client = Client(desk.url, token=local.read(desk.home))
    client._session.mount("http://", adapter)
    yield adapter, lambda: client.submit(idempotency_key="k", endpoint="A1", company="USMF", package=sha256)
    client.close()


@pytest.mark.parametrize("answers", [0, 1, 2])
def test_a_submission_whose_answer_was_lost_is_one_job(desk, losing, answers):
    adapter, submit = losing
    adapter.answers = answers
    job = submit()

    assert adapter.submitted == answers + 1
    assert [found["id"] for found in desk.client.jobs()] == [job["id"]]


def test_a_dispatcher_that_stays_silent_is_not_asked_forever(losing):
    adapter, submit = losing
    adapter.answers = 99
    with pytest.raises(NotReachable, match="does not answer"):
        submit()
    assert adapter.submitted == 3


def test_a_workbook_that_breaks_off_leaves_the_old_file(desk, tmp_path):
    file = tmp_path / "old.xlsx"
    file.write_bytes(b"old")
    with pytest.raises(clients.errors.NotFound):
        desk.client.workbook("JB-NONE", file)
    assert [path.read_bytes() for path in tmp_path.glob("*.xlsx*")] == [b"old"]


def test_a_proxy_of_the_environment_is_no_way_to_this_computer(desk, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert Client(desk.url, token=local.read(desk.home)).jobs() == []
