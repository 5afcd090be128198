import pytest

from connector.access import passwords
from connector.errors import Refused


def test_a_password_is_kept_as_a_hash_that_nothing_else_fits():
    kept = passwords.hashed("correct horse battery")
    assert kept.startswith("$argon2id$")
    assert "horse" not in kept
    assert passwords.hashed("correct horse battery") != kept
    assert passwords.fits("correct horse battery", kept)
    assert not passwords.fits("correct horse batterY", kept)


def test_the_same_characters_fit_however_they_are_put_together():
    assert passwords.fits(
        "Zoe\N{COMBINING DIAERESIS} and the whale", passwords.hashed("Zo\N{LATIN SMALL LETTER E WITH DIAERESIS} and the whale")
    )


@pytest.mark.parametrize("password", ["", "eleven char", "x" * 201])
def test_what_is_too_short_or_too_long_is_refused(password):
    with pytest.raises(Refused):
        passwords.hashed(password)


@pytest.mark.parametrize("password", ["", "\0", "x" * 100_000, "correct horse battery"])
def test_nothing_fits_where_there_is_no_password(password):
    assert not passwords.fits(password, None)
    assert not passwords.fits(password, "no hash at all")
