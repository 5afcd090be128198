"""What tests of the web's rooms start from."""

import pytest

from connector.dispatch.letters import Letters
from connector.wire import keys


@pytest.fixture
def clerk(desk):
    """The desk of a dispatcher that has a key of its own; its broker is away, so that logins wait."""
    desk.dispatcher.outbox.letters = Letters((keys.generate(),))
    return desk
