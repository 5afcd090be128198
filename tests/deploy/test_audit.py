"""What an audit of the dependencies says is what it has seen."""

from tests.deploy.audit import EXPLAINED, OURS, verdict

CLEAN = {"name": "lxml", "version": "6.0.0", "vulns": []}
WEAK = {"name": "jinja2", "version": "3.1.2", "vulns": [{"id": "PYSEC-2024-1", "fix_versions": ["3.1.3"]}]}
UNSEEN = {"name": "celery", "skip_reason": "Dependency not found on PyPI and could not be audited: celery (5.7.0)"}


def test_a_weakness_fails_and_says_what_mends_it():
    code, text = verdict({"dependencies": [CLEAN, WEAK, UNSEEN]})
    assert code == 1
    assert "jinja2 3.1.2: PYSEC-2024-1, mended in 3.1.3" in text


def test_clean_is_what_was_looked_at():
    ours = {"name": OURS, "skip_reason": "not published"}
    assert verdict({"dependencies": [ours, CLEAN]}) == (0, "no known weakness in 1 packages")
    assert verdict({"dependencies": [CLEAN, UNSEEN]}) == (0, "no known weakness in 1 packages; not looked at: celery")


def test_where_nothing_can_be_reached_nothing_is_called_clean():
    assert "nothing was looked at" in verdict({"dependencies": [UNSEEN]})[1]
    assert "nothing was looked at" in verdict({"dependencies": []})[1]


def test_what_is_explained_has_a_reason():
    assert all(len(reason) > 20 for reason in EXPLAINED.values())
