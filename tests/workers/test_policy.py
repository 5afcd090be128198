"""The policy file: what no message can widen."""

import platform

import pytest

from connector.wire.jobs import (
    Column,
    ImportDictionary,
    Layout,
    LoadClasses,
    LoadFiles,
    LoadFlatFile,
    LoadServices,
    LoadTables,
    Mode,
    Reference,
    SurveyConnection,
    SurveyMetadata,
    Target,
)
from connector.wire.reports import BatchRef, Intent
from workers import policy
from workers.errors import GiveUp

ADDRESS = "http://aos01:80/MicrosoftDynamicsAXAif60/RapidStart/xppservice.svc"
REF = BatchRef(job="JB-2222", step=1, batch=1)
GROUPS = policy.Policy(
    addresses=("http://aos01:80/*",), companies=("USMF",), operations=("CustGroupService.*",), folders=("customers",)
)
CALLS = policy.Policy(addresses=("*",), companies=("*",), operations=("*",), classes=("CustPost.*",))


def target(service="CustGroupService", operation="", **more) -> Target:
    return Target(**{"address": ADDRESS, "port": "P", "service": service, "operation": operation, "contract": "c"} | more)


def order(kind=LoadTables, *, to=None, columns=(), constants=None, children=(), **more):
    layout = Layout(
        step=1, entity="e", file="f", table="T", columns=columns, constants=constants or {}, children=children
    )  # fmt: skip
    said = {"endpoint": "A1", "ref": REF, "company": "USMF", "target": to or target(), "layout": layout, "rows": ""}
    return kind(**said | more)


def class_call(**more):
    constants = {"_class": "CustPost", "_method": "run"} | more.pop("constants", {})
    to = more.pop("to", target("RapidStartTableService", "invoke"))
    return order(LoadClasses, to=to, constants=constants, parameters="_parameters", **more)


def refused(rules: policy.Policy, message) -> str:
    with pytest.raises(GiveUp) as error:
        rules.check(message)
    assert error.value.code == "RSC-5981"
    assert platform.node() in error.value.message
    return error.value.message


INTENT = Intent(message_id="m", operation="delete", documents=(0,), digest="d", time_limit_s=1)
REFERENCE = Reference(step=1, field="f", target=target(address="http://other/x"), table="T", key="k", ask=())


def test_what_the_file_names_is_allowed() -> None:
    GROUPS.check(order())
    GROUPS.check(order(company="usmf", mode=Mode.DELETE))
    GROUPS.check(order(LoadFiles, folder="Customers"))
    GROUPS.check(SurveyMetadata(endpoint="A1", ref=REF, addresses=(ADDRESS,), company="USMF"))
    CALLS.check(class_call(columns=(Column(name="n", field="_parameters.Customer"),)))


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (order(company="DEMF"), "the company DEMF"),
        (order(to=target("VendGroupService")), "VendGroupService.create"),
        (order(to=target(address="http://aos01:80@evil/x")), "the address"),
        (order(to=target(address="http://aos01:8080/x")), "the address"),
        (order(to=target(given=True)), "a contract that the dispatcher brings"),
        (order(references=(REFERENCE,), preview=True), "the address http://other/x"),
        (order(marker=target(address="http://other/x")), "the address http://other/x"),
        (order(LoadServices, to=target("PostService", "run")), "PostService.run"),
        (class_call(to=target("RapidStartTableService", "invoke")), "class calls"),
        (order(LoadFiles, folder="vendors"), "the folder vendors"),
        (order(LoadFiles), "the folder"),
        (order(LoadFlatFile), "dixf"),
        (SurveyMetadata(endpoint="A1", ref=REF, addresses=("http://evil/x",)), "the address http://evil/x"),
        (ImportDictionary(endpoint="A1", ref=REF, addresses=("net.tcp://x:1/S",)), "the address net.tcp://x:1/S"),
        (SurveyMetadata(endpoint="A1", ref=REF, addresses=(ADDRESS,), contract="UEs="), "a contract"),
        (SurveyConnection(endpoint="A1", ref=REF, addresses=(ADDRESS,), companies=("DEMF",)), "the company DEMF"),
    ],
)
def test_what_it_does_not_name_is_refused(message, named: str) -> None:
    assert named in refused(GROUPS, message)


def test_who_tells_the_mark_of_the_database_must_be_allowed_whatever_is_loaded() -> None:
    rules = GROUPS.model_copy(update={"folders": ("dixf",)})
    rules.check(order(LoadFlatFile, marker=target("RapidStartTableService")))
    assert "the address http://other/x" in refused(rules, order(LoadFlatFile, marker=target(address="http://other/x")))
    assert "a contract" in refused(rules, order(LoadFlatFile, marker=target(given=True)))


def test_each_operation_that_a_mode_may_lead_to_must_be_allowed() -> None:
    creating = GROUPS.model_copy(update={"operations": ("CustGroupService.create",)})
    creating.check(order(mode=Mode.CREATE))
    assert "CustGroupService.update" in refused(creating, order(mode=Mode.UPSERT))


def test_a_call_to_be_repeated_is_no_way_around() -> None:
    creating = GROUPS.model_copy(update={"operations": ("CustGroupService.create",)})
    assert "CustGroupService.delete" in refused(creating, order(mode=Mode.CREATE, open_intent=INTENT))


def test_a_table_of_the_table_service_is_allowed_by_its_name() -> None:
    one_table = GROUPS.model_copy(update={"operations": ("RapidStartTableService.CustGroup.*",)})
    one_table.check(order(to=target("RapidStartTableService", table="CustGroup")))
    assert "VendGroup" in refused(one_table, order(to=target("RapidStartTableService", table="VendGroup")))
    refused(one_table, order(LoadServices, to=target("RapidStartTableService", "createRows")))


CLASS, METHOD = Column(name="c", field="_class"), Column(name="m", field="_METHOD")


@pytest.mark.parametrize(
    "message",
    [
        class_call(constants={"_class": "SysDangerous"}),
        class_call(constants={"_CLASS": "SysDangerous"}),
        class_call(columns=(CLASS,)),
        class_call(columns=(METHOD,)),
        class_call(columns=(Column(name="c", field="_class.Name"),)),
        class_call(children=(Layout(step=2, entity="e", file="f", table="_class", columns=()),)),
        class_call().model_copy(update={"parameters": "_class"}),
        class_call(to=target("JournalService", "runClass")),
        order(LoadServices, to=target("RapidStartTableService", "invoke"), constants={"_class": "SysDangerous"}),
        order(LoadServices, to=target("rapidstarttableservice", "INVOKE")),
        order(LoadClasses, to=target("RapidStartTableService", "invoke")),
    ],
)
def test_no_other_class_is_called_whichever_way_it_is_named(message) -> None:
    refused(CALLS, message)


def test_nothing_is_allowed_where_a_file_is_needed_and_missing(tmp_path) -> None:
    found = policy.load(tmp_path / "policy.toml", needed=True)
    assert found is not None
    refused(found, order())
    assert policy.load(tmp_path / "policy.toml", needed=False) is None
    assert "whatever the dispatcher orders" in policy.told(None)
    assert "addresses none" in policy.told(found)


def test_what_registration_writes_is_read_as_it_was_meant(tmp_path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(policy.text(addresses=["http://aos01:80/*"], companies=['US"MF']), encoding="utf-8")
    found = policy.load(path, needed=True)
    assert found is not None
    assert (found.addresses, found.companies, found.operations) == (("http://aos01:80/*",), ('US"MF',), ("*",))
    assert "class calls" in refused(found, class_call(company='US"MF'))


@pytest.mark.parametrize(
    "text",
    [
        'adresses = ["*"]',
        'addresses = "http://aos01/*"',
        'addresses = ["http://aos01*"]',
        'addresses = ["http://*/x"]',
        'addresses = ["*/x"]',
        'identities = ["admin"]',
        "companies = [",
        '[class_callers."S.run"]\nclass = "c"',
    ],
)
def test_a_file_with_a_word_that_means_nothing_is_refused_as_a_whole(tmp_path, text: str) -> None:
    (tmp_path / "policy.toml").write_text(text, encoding="utf-8")
    with pytest.raises(GiveUp, match=r"policy\.toml cannot be used") as error:
        policy.load(tmp_path / "policy.toml", needed=True)
    assert error.value.code == "RSC-5982"
    assert str(tmp_path) not in error.value.message


def test_own_class_callers_come_on_top_of_the_known_one(tmp_path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(
        'addresses = ["*"]\ncompanies = ["*"]\noperations = ["*"]\nclasses = ["CustPost.run"]\n'
        '[class_callers."JournalService.runClass"]\nclass = "_className"\nmethod = "_methodName"\n',
        encoding="utf-8",
    )
    found = policy.load(path, needed=True)
    assert found is not None
    named = {"_className": "CustPost", "_methodName": "run"}
    found.check(order(LoadClasses, to=target("JournalService", "runClass"), constants=named))
    refused(found, order(LoadServices, to=target("JournalService", "runClass"), constants=named))
    refused(found, order(LoadServices, to=target("RapidStartTableService", "invoke"), constants=named))


def test_an_import_calls_a_service_of_its_own_which_the_policy_must_allow_too():
    port = "net.tcp://aos01:8201/DynamicsAx/Services/RapidStart"
    order = ImportDictionary(endpoint="A1", ref=REF, addresses=("http://aos01:80/p.svc", f"{port}?wsdl=8105"))
    policy.Policy(addresses=("http://aos01:80/*", "net.tcp://aos01:8201/*")).check(order)
    with pytest.raises(GiveUp, match=r"does not allow the address net\.tcp://aos01:8201/DynamicsAx/Services/MetadataService"):
        policy.Policy(addresses=("http://aos01:80/*", f"{port}*")).check(order)
