"""What a machine tells the dispatcher of itself by letter, apart from its work. Each letter is sealed."""

from typing import Final

from connector.wire.codec import Message


class MachineLeaves(Message):
    """The machine that signed this is one of its endpoint's no more."""

    KIND = "machine.leaves"

    endpoint: str
    machine: str
    """the name of its computer"""


class LoginWanted(Message):
    """The machine that signed this wants a new password at the broker; the one before counts until it has that one in use."""

    KIND = "login.wanted"

    endpoint: str


class LoginKept(Message):
    """The machine that signed this uses its new password: the one before is worth nothing any more."""

    KIND = "login.kept"

    endpoint: str


class Login(Message):
    """The broker's URL with the new login."""

    KIND = "login"

    broker_url: str


#: What a machine may say by letter.
LETTERS: Final[dict[str, type[Message]]] = {each.KIND: each for each in (MachineLeaves, LoginWanted, LoginKept)}
#: What it is answered.
LETTER_ANSWERS: Final[dict[str, type[Message]]] = {Login.KIND: Login}
