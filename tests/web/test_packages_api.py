import hashlib
import socket
import time
from urllib.parse import urlsplit

import pytest

from connector.errors import NotFound, NotReachable, PackageRefused, Refused


def upload(desk, tmp_path, content, *, name="Currency.csv"):
    file = tmp_path / "upload"
    file.write_bytes(content)
    return desk.client.upload(file, name=name)


def test_a_package_is_known_by_its_digest(desk, tmp_path):
    content = b"CurrencyCode,Txt\r\nEUR,Euro\r\n"
    received = upload(desk, tmp_path, content)

    assert received["sha256"] == hashlib.sha256(content).hexdigest()
    assert (received["name"], received["size"], received["format"]) == ("Currency.csv", len(content), "csv")
    assert received["actions"] == [
        {"entity": "Currency", "file": "Currency.csv", "sheet": None, "columns": ["CurrencyCode", "Txt"]}
    ]
    assert desk.client.package(received["sha256"]) == received
    assert desk.http.head(f"{desk.url}/api/v1/packages/{received['sha256']}", timeout=10).status_code == 200


def test_an_unknown_package_is_none(desk):
    assert desk.client.package("0" * 64) is None
    assert desk.http.head(f"{desk.url}/api/v1/packages/{'0' * 64}", timeout=10).status_code == 404


def test_the_senders_folders_are_no_part_of_the_name(desk, tmp_path):
    received = upload(desk, tmp_path, b"A,B\n1,2\n", name=r"C:\Users\somebody\..\Currency.csv")
    assert received["name"] == "Currency.csv"


def test_a_package_that_cannot_be_read_is_refused_with_its_place(desk, tmp_path):
    with pytest.raises(PackageRefused) as refused:
        upload(desk, tmp_path, b"A,A\n1,2\n", name="Twice.csv")
    assert refused.value.place.file == "Twice.csv"
    assert str(desk.home) not in str(refused.value)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_package_over_the_ceiling_is_refused(desk, chunked):
    row = b"1" * 1000 + b",2\n"
    content = b"A,B\n" + row * 1100
    body = (content[at : at + 50_000] for at in range(0, len(content), 50_000)) if chunked else content
    answer = desk.http.post(f"{desk.url}/api/v1/packages", params={"name": "big.csv"}, data=body, timeout=10)

    assert answer.status_code == 422
    assert "over 1 MB" in answer.json()["detail"]
    assert list((desk.home / "packages").iterdir()) == []


def test_an_upload_that_breaks_off_leaves_nothing(desk):
    shelf = desk.home / "packages"
    with socket.create_connection(("127.0.0.1", urlsplit(desk.url).port), timeout=10) as sender:
        login = desk.http.headers["Authorization"]
        head = f"POST /api/v1/packages?name=a.csv HTTP/1.1\r\nHost: x\r\nAuthorization: {login}\r\n"
        head += "Content-Length: 9999\r\n\r\nA,B\n1,"
        sender.sendall(head.encode())
        await_that(lambda: list(shelf.iterdir()))
    await_that(lambda: not list(shelf.iterdir()))
    assert desk.client.jobs() == []


def await_that(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def test_a_package_is_inspected_against_an_endpoint(desk, tmp_path):
    sha256 = upload(desk, tmp_path, b"CurrencyCode,Txt\r\nEUR,Euro\r\n")["sha256"]
    desk.client.add_endpoint("A1", addresses=["http://aos.test/port.svc"])
    with pytest.raises(NotReachable, match="nothing is known of the services of A1"):
        desk.client.inspect(sha256, endpoint="A1")

    desk.know("A1")
    (entity,) = desk.client.inspect(sha256, endpoint="A1")["entities"]
    assert entity["target"].endswith("CurrencyService.Currency")
    assert entity["match_reason"]


def test_a_package_is_inspected_by_itself_with_a_mapping(desk, tmp_path):
    sha256 = upload(desk, tmp_path, b"CurrencyCode,Txt\r\nEUR,Euro\r\n")["sha256"]

    (entity,) = desk.client.inspect(sha256, mapping='[table.Currency]\nkey = ["Txt"]')["entities"]
    assert entity["key"] == ["Txt"]
    with pytest.raises(Refused):
        desk.client.inspect(sha256, mapping="not toml")
    with pytest.raises(NotFound):
        desk.client.inspect(sha256, endpoint="nowhere")
