"""Options -> a pretend AOS that listens."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from workers.simulator import contract, definition, generate
from workers.simulator.aos import Aos, Manners
from workers.simulator.chaos import Chaos, Fault
from workers.simulator.contract import Port
from workers.simulator.definition import Definition, TableDefinition
from workers.simulator.fileport import FilePort
from workers.simulator.model import Rules, SetupError
from workers.simulator.server import Server
from workers.simulator.store import Store

_COMPANIES: Final = ("USMF", "DEMF")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the simulator was asked to be. See the command for what each means; latency is in milliseconds."""

    contracts: tuple[Path, ...] = ()
    tables: tuple[Path, ...] = ()
    tables_from: tuple[Path, ...] = ()
    tables_json: tuple[Path, ...] = ()
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    companies: tuple[str, ...] = ()
    data: Path | None = None
    latency: float = 0.0
    faults: Mapping[Fault, float] = field(default_factory=dict)
    count: bool = False
    seed: int = 0
    no_fault_detail: bool = False
    burn_failed_ids: bool = False
    not_idempotent: tuple[str, ...] = ()
    files: Path | None = None


def server(options: Options, *, host: str, port: int) -> Server:
    """A server that listens on `host` and `port` (0: a free one) and answers when it is told to. Raises SetupError."""
    aos = Aos(
        _ports(options),
        companies=options.companies or _COMPANIES,
        store=Store(options.data),
        manners=Manners(
            chaos=Chaos(options.faults, seed=options.seed),
            latency_s=options.latency / 1000,
            count=options.count,
            fault_detail=not options.no_fault_detail,
            burn_failed_ids=options.burn_failed_ids,
            not_idempotent=frozenset(options.not_idempotent),
        ),
    )
    _check_keys(aos, options.keys)
    try:
        listening = Server(aos, host=host, port=port)
    except OSError as error:
        raise SetupError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    if options.files is not None:
        FilePort(aos, options.files).start()
    return listening


def serve(options: Options, *, host: str = "127.0.0.1", port: int = 0, announce: Callable[[str], None]) -> None:
    """Serve until interrupted; `announce` is told the address once the server listens. Raises SetupError."""
    with server(options, host=host, port=port) as listening:
        announce(listening.url)
        listening.serve_forever()


def _ports(options: Options) -> list[Port]:
    given = {name: Rules(key=key, label=name) for name, key in options.keys.items()}
    ports = [contract.from_folder(folder, given) for folder in options.contracts]
    for port in _definitions(options):
        rules = _rules(port.tables, options.keys)
        ports.append(contract.from_files(generate.contract_files(port), rules, source=f"the definition of {port.port}"))
    if not ports:
        raise SetupError("there is nothing to offer: name a --contract, --tables-from or --tables")
    paths = [port.path.lower() for port in ports]
    if twice := next((path for path in paths if paths.count(path) > 1), None):
        raise SetupError(f"two ports have the address {twice}")
    return ports


def _definitions(options: Options) -> Iterator[Definition]:
    """The generated ports; definitions of the same port become one."""
    found: dict[str, Definition] = {}
    for one in (
        *(definition.from_toml(path) for path in options.tables),
        *(definition.from_package(path) for path in options.tables_from),
        *(definition.from_lines(path.read_text(encoding="utf-8").splitlines(), source=str(path)) for path in options.tables_json),
    ):
        before = found[one.port].tables if one.port in found else ()
        found[one.port] = Definition(port=one.port, tables=before + one.tables)
    for one in found.values():
        names = [table.name for table in one.tables]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise SetupError(f"the table {twice} is defined twice on the port {one.port}")
        yield one


def _rules(tables: tuple[TableDefinition, ...], keys: Mapping[str, tuple[str, ...]]) -> dict[str, Rules]:
    rules: dict[str, Rules] = {}
    for table in tables:
        rules[table.name] = replace(table.rules, key=keys.get(table.name, table.rules.key))
        rules |= _rules(table.lines, keys)
    return rules


def _check_keys(aos: Aos, keys: Mapping[str, tuple[str, ...]]) -> None:
    for name, fields in keys.items():
        if name not in aos.tables:
            raise SetupError(f"--key names the table {name}, which no port offers")
        if missing := [part for part in fields if part not in aos.tables[name].fields]:
            raise SetupError(f"--key names the field {missing[0]}, which the table {name} does not have")
