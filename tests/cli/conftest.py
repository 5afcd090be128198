import json
from dataclasses import dataclass

import pytest

from connector.cli import app


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def run(capfd, monkeypatch, tmp_path):
    """Runs a command line in this process, as the console script does, far from this computer's own settings."""
    monkeypatch.setenv("RAPIDSTART_HOME", str(tmp_path / "cli-home"))
    monkeypatch.delenv("RAPIDSTART_ENDPOINT", raising=False)
    monkeypatch.setenv("RAPIDSTART_API_URL", "http://127.0.0.1:1")

    def command(*arguments):
        capfd.readouterr()
        code = app.run([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Ran(code, out, err)

    return command


@pytest.fixture
def office(desk, run, monkeypatch):
    """A dispatcher that the commands reach, with one endpoint whose contracts are known."""
    monkeypatch.setenv("RAPIDSTART_API_URL", desk.url)
    monkeypatch.setenv("RAPIDSTART_TOKEN_FILE", str(desk.home / "token"))
    desk.client.add_endpoint("AOS-1", addresses=["http://aos.test/port.svc"], companies=["USMF"])
    desk.know("AOS-1")
    desk.worker("AOS-1")
    return desk


@pytest.fixture
def groups(tmp_path):
    """A package of three customer groups."""
    file = tmp_path / "CustGroup.csv"
    file.write_bytes(b"CustGroup,Name\r\n10,Wholesale\r\n20,[bold]Retail\r\n30,Export\r\n")
    return file
