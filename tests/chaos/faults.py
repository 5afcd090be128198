"""What can happen to the ring, by kind: each fault begins, lasts, and ends. Its details are drawn from the schedule's seed."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tests.chaos.rig import LEASE_S, WORKERS, Rig, pause

#: Longer than a lease: the batch of whoever is frozen for so long is given to somebody else.
_FREEZE_S: Final = LEASE_S + 1.5
_HOUR_S: Final = 3600


class Finding(AssertionError):
    """The product did not answer a fault as it must."""


@dataclass(frozen=True)
class Fault:
    """One fault of a schedule. Equal seeds make equal faults."""

    kind: str
    seed: int

    @property
    def choice(self) -> random.Random:
        return random.Random(self.seed)

    @property
    def victim(self) -> str:
        """Two faults at once have different ones."""
        return self.link if self.kind in _NETWORK else KINDS[self.kind].victim

    @property
    def link(self) -> str:
        return self.choice.choice(("dispatcher", "worker", "aos"))

    def __str__(self) -> str:
        return f"{self.kind} ({self.link} link)" if self.kind in _NETWORK else self.kind


@dataclass(frozen=True)
class Kind:
    """The victim, and what happens to it: a context that is the fault."""

    victim: str
    strike: Callable[[Rig, Fault], Iterator[None]]


def strike(rig: Rig, fault: Fault) -> contextmanager:  # type: ignore[valid-type]
    """A context: the fault has begun inside, and has ended after it. Raises Finding."""
    return contextmanager(KINDS[fault.kind].strike)(rig, fault)  # type: ignore[return-value]


def _killed(*names: str) -> Callable[[Rig, Fault], Iterator[None]]:
    def kill(rig: Rig, fault: Fault) -> Iterator[None]:
        name = fault.choice.choice(names)
        rig.kill(name)
        yield
        pause(fault.choice.uniform(0, 1))
        rig.revive(name)

    return kill


def _frozen(*names: str) -> Callable[[Rig, Fault], Iterator[None]]:
    def freeze(rig: Rig, fault: Fault) -> Iterator[None]:
        name = fault.choice.choice(names)
        rig.freeze(name)
        yield
        pause(_FREEZE_S)
        rig.thaw(name)

    return freeze


def _broker_back(prepare: Callable[[Rig], None]) -> Callable[[Rig, Fault], Iterator[None]]:
    def replace(rig: Rig, fault: Fault) -> Iterator[None]:
        rig.kill_broker()
        prepare(rig)
        yield
        pause(fault.choice.uniform(0, 2))
        rig.revive_broker()

    return replace


def _flushed(rig: Rig, fault: Fault) -> Iterator[None]:
    rig.broker.client.flushall()
    yield


def _dropped(rig: Rig, fault: Fault) -> Iterator[None]:
    rig.links[fault.link].drop()
    yield


def _refused(rig: Rig, fault: Fault) -> Iterator[None]:
    link = rig.links[fault.link]
    link.refuse()
    yield
    pause(fault.choice.uniform(0.5, 3))
    link.heal()


def _delayed(rig: Rig, fault: Fault) -> Iterator[None]:
    link = rig.links[fault.link]
    link.delay(fault.choice.uniform(0.1, 0.6))
    yield
    pause(3)
    link.heal()


def _half_open(rig: Rig, fault: Fault) -> Iterator[None]:
    link = rig.links[fault.link]
    link.fall_silent()
    yield
    pause(fault.choice.uniform(1, 6))
    link.heal(forget=fault.choice.random() < 0.5)


def _cut(rig: Rig, fault: Fault) -> Iterator[None]:
    link = rig.links[fault.link]
    link.cut(fault.choice.randint(1, 4))
    yield
    pause(1)
    link.heal()


def _full(name: str) -> Callable[[Rig, Fault], Iterator[None]]:
    def fill(rig: Rig, fault: Fault) -> Iterator[None]:
        rig.limit_files(name, 0)
        yield
        pause(fault.choice.uniform(1, 3))
        rig.limit_files(name, -1)

    return fill


def _clock(rig: Rig, fault: Fault) -> Iterator[None]:
    whose = fault.choice.choice(("dispatcher", "dispatcher", "worker"))
    rig.clocks[whose].jump(fault.choice.choice((-_HOUR_S, _HOUR_S)))
    yield
    pause(2)
    if fault.choice.random() < 0.5:  # else it stays where it is until the next jump
        rig.clocks[whose].jump(0)


def _replayed(rig: Rig, fault: Fault) -> Iterator[None]:
    rig.tap.replay(fault.choice)
    yield


def _twice(rig: Rig, fault: Fault) -> Iterator[None]:
    code, said = rig.second_dispatcher()
    if code in (None, 0):
        raise Finding("a second dispatcher in the same home was not refused")
    if "Traceback" in said or "another dispatcher" not in said:
        raise Finding(f"a second dispatcher was not refused in plain words: {said[-500:]}")
    yield


KINDS: Final = {
    "worker killed": Kind("worker", _killed(*WORKERS)),
    "worker frozen": Kind("worker", _frozen(*WORKERS)),
    "dispatcher killed": Kind("dispatcher", _killed("dispatcher")),
    "dispatcher frozen": Kind("dispatcher", _frozen("dispatcher")),
    "broker killed": Kind("broker", _broker_back(lambda rig: None)),
    "broker frozen": Kind("broker", _frozen("broker")),
    "AOS killed": Kind("aos process", _killed("aos")),
    "AOS frozen": Kind("aos process", _frozen("aos")),
    "broker flushed": Kind("broker", _flushed),
    "broker back empty": Kind("broker", _broker_back(lambda rig: rig.broker.empty())),
    "broker back with an old file": Kind("broker", _broker_back(lambda rig: rig.broker.age())),
    "broker at another address": Kind("broker", _broker_back(lambda rig: rig.broker.move())),
    "connections dropped": Kind("", _dropped),
    "connections refused": Kind("", _refused),
    "network slow": Kind("", _delayed),
    "network half-open": Kind("", _half_open),
    "message cut": Kind("", _cut),
    "disk full at the ledger": Kind("dispatcher", _full("dispatcher")),
    "disk full at the broker": Kind("broker", _full("broker")),
    "disk full at the worker": Kind("worker", _full("worker")),
    "clock jumps": Kind("clock", _clock),
    "reports again, late, out of order": Kind("broker", _replayed),
    "second dispatcher": Kind("dispatcher", _twice),
}
_NETWORK: Final = frozenset({"connections dropped", "connections refused", "network slow", "network half-open", "message cut"})


def schedule(count: int, *, seed: int, kinds: tuple[str, ...] = tuple(KINDS)) -> list[list[Fault]]:
    """So many faults, every kind as often as every other, in an order that the seed decides; some come two at once."""
    choice = random.Random(seed)
    every, more = divmod(count, len(kinds))
    drawn = [*kinds] * every + choice.sample(kinds, more)
    choice.shuffle(drawn)
    turns: list[list[Fault]] = []
    for kind in drawn:
        fault = Fault(kind, choice.randrange(2**32))
        alone = turns and len(turns[-1]) == 1 and turns[-1][0].victim != fault.victim
        if alone and choice.random() < 0.4:
            turns[-1].append(fault)
        else:
            turns.append([fault])
    return turns
