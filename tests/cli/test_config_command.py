import pytest


def test_every_setting_is_told_with_its_source(run, monkeypatch, tmp_path):
    home = tmp_path / "cli-home"
    home.mkdir()
    (home / "rapidstart.toml").write_text('batch_rows = 50\nendpoint = "FROM-FILE"\n')
    monkeypatch.setenv("RAPIDSTART_ENDPOINT", "FROM-ENV")
    monkeypatch.setenv("RAPIDSTART_BROKER_URL", "redis://me:hunter2@broker:6379/0")
    ran = run("config", "--json")

    told = {line["setting"]: line for line in ran.lines}
    assert (told["RAPIDSTART_BATCH_ROWS"]["value"], told["RAPIDSTART_BATCH_ROWS"]["source"]) == (
        50,
        str(home / "rapidstart.toml"),
    )
    assert (told["RAPIDSTART_ENDPOINT"]["value"], told["RAPIDSTART_ENDPOINT"]["source"]) == ("FROM-ENV", "environment")
    assert told["RAPIDSTART_LEASE_S"]["source"] == "default"
    assert told["RAPIDSTART_BROKER_URL"]["value"] == "redis://me:***@broker:6379/0"
    assert all(line["description"] for line in told.values())
    assert "hunter2" not in ran.out + run("config").out


def test_a_setting_that_cannot_be_read_is_a_usage_error(run, monkeypatch):
    monkeypatch.setenv("RAPIDSTART_BATCH_ROWS", "many")
    ran = run("job", "list")
    assert (ran.code, "RAPIDSTART_BATCH_ROWS" in ran.err) == (2, True)


@pytest.mark.parametrize("command", ["dispatcher", "flower", "doctor"])
def test_a_broker_that_cannot_be_one_is_a_usage_error(run, monkeypatch, command):
    monkeypatch.setenv("RAPIDSTART_BROKER_URL", "http://me:secret@broker")
    ran = run(command)
    assert (ran.code, "RAPIDSTART_BROKER_URL" in ran.err) == (2, True)
    assert "secret" not in ran.err


def test_a_settings_file_that_cannot_be_read_is_a_usage_error(run, tmp_path):
    (tmp_path / "cli-home").mkdir()
    (tmp_path / "cli-home" / "rapidstart.toml").write_text("= nonsense")
    ran = run("job", "list")
    assert (ran.code, "rapidstart.toml" in ran.err) == (2, True)
