import ssl

import pytest
from kombu import Connection

from connector.wire import routes, sentinels

URL = "sentinel://aos:se%2Fcret@one:26380,two/mymaster/3"


def test_a_url_names_sentinels_a_master_a_database_and_a_login():
    assert sentinels.parse(URL) == sentinels.Sentinels(
        hosts=(("one", 26380), ("two", 26379)), master="mymaster", db=3, username="aos", password="se/cret"
    )


def test_a_login_may_be_a_password_alone_or_missing():
    assert sentinels.parse("sentinel://:p@one/m").password == "p"
    assert sentinels.parse("sentinel://:p@one/m").username is None
    bare = sentinels.parse("sentinel://one/m")
    assert (bare.username, bare.password, bare.db) == (None, None, 0)
    assert bare.celery_url == "sentinel://one:26379/0"


@pytest.mark.parametrize("url", ["redis://one:6379/0", "rediss://:p@one/0"])
def test_the_url_of_a_server_names_none(url):
    assert sentinels.parse(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "sentinel://one",
        "sentinel:///m/0",
        "sentinel://:secret@one/m/x",
        "sentinel://:secret@one:x/m",
        "sentinel://:secret@[::1]:1/m",
    ],
)
def test_a_url_that_lacks_something_is_refused_without_showing_its_password(url):
    with pytest.raises(ValueError, match="sentinel") as caught:
        routes.broker_url(url)
    assert "secret" not in str(caught.value)


def test_celery_is_told_of_all_of_them():
    """As its transport reads them: a list of URLs of which the first has the login, and the master's name."""
    settings = routes.celery_settings(URL)
    connection = Connection(settings["broker_url"], transport_options=settings["broker_transport_options"])
    assert (connection.userid, connection.password, connection.virtual_host) == ("aos", "se/cret", "3")
    assert connection.alt == ["sentinel://aos:se%2Fcret@one:26380/3", "sentinel://aos:se%2Fcret@two:26379/3"]
    assert connection.transport_options["master_name"] == "mymaster"


def test_by_tls_all_of_them_are_asked_with_the_files_that_the_url_names():
    found = sentinels.parse("sentinels://aos:p@one,two/m/1?ssl_ca_certs=/c/ca.pem&ssl_certfile=/c/me.pem&timeout=3")
    assert found.files == {"ssl_ca_certs": "/c/ca.pem", "ssl_certfile": "/c/me.pem"}
    assert found.celery_tls == found.files | {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    assert found.tls_options == found.celery_tls | {"ssl": True}
    assert found.celery_url == "sentinel://aos:p@one:26379/1;sentinel://aos:p@two:26379/1"
    settings = routes.celery_settings("sentinels://one/m?ssl_ca_certs=/c/ca.pem")
    assert settings["broker_use_ssl"]["ssl_ca_certs"] == "/c/ca.pem"
    assert settings["broker_transport_options"]["sentinel_kwargs"]["ssl"] is True


def test_without_it_nothing_is_said_of_tls():
    assert (sentinels.parse(URL).celery_tls, sentinels.parse(URL).tls_options) == (None, {})
    assert routes.celery_settings(URL)["broker_use_ssl"] is None
