"""How worker services are told apart."""

from workers.wishes import Talk


def test_two_services_of_an_endpoint_on_one_computer_have_two_names():
    one, two = (Talk("redis://127.0.0.1:1/0", endpoint="AOSTEST", most=2)._sender["worker"] for _ in range(2))
    assert one != two
    assert one.startswith("AOSTEST.")
    assert one.partition("@")[2] == two.partition("@")[2]
