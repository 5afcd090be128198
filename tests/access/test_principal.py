from connector.access.principal import Principal
from connector.rights import Role


def principal(role=Role.VIEWER, instances=None):
    return Principal(name="anna", role=role, service_instances=instances, key="k", address="10.0.0.5")


def test_each_role_may_what_those_below_it_may():
    allowed = {(role.value, needed.value) for role in Role for needed in Role if principal(role).may(needed)}
    above = {("administrator", "operator"), ("administrator", "viewer"), ("operator", "viewer")}
    assert allowed == above | {(role.value, role.value) for role in Role}


def test_service_instances_are_known_in_any_case_of_letters():
    assert principal(instances=("Contoso",)).sees("CONTOSO")
    assert not principal(instances=("Contoso",)).sees("Contoso 2")
    assert principal().sees("whatever")


def test_nobody_covers_more_than_they_see():
    some = principal(instances=("A", "B"))
    assert some.covers(("b",))
    assert not some.covers(("B", "C"))
    assert not some.covers(None)
    assert principal().covers(None)


def test_who_asks_is_told_by_name_and_address():
    assert principal().by == "anna@10.0.0.5"
