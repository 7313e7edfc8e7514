from pathlib import Path

import pytest

from bifilar.kernel import namespaces
from bifilar.kernel.netlink import RefusedError, Rtnetlink
from bifilar.kernel.removals import Removals
from bifilar.pods.wiring import Order, Wiring, WiringError
from pods.hosts import MTU, NODE, Host, ip, monitored

pytestmark = pytest.mark.lab


def detach(host: Host, order: Order) -> None:
    host.run(lambda: host.wiring.detach(order.attachment))


@pytest.mark.parametrize("families", ["4", "6", "46"])
def test_nothing_is_left(host: Host, families: str) -> None:
    other, order = host.attached(), host.attached(families)
    detach(host, order)
    seen = host.observation()
    assert (seen.attachments, seen.incomplete, seen.strays) == ((other.attachment,), (), ())
    assert "eth0" not in ip(order.namespace, "link")
    assert host.run(lambda: host.wiring.check(other)) == []


def test_the_same_container_can_be_attached_again_at_once(host: Host) -> None:
    order = host.order(pod="nginx")
    for _ in range(20):
        host.run(lambda: host.wiring.attach(order))
        detach(host, order)
    assert host.observation().interfaces == ()


def test_what_is_gone_already_is_no_error(host: Host) -> None:
    never, twice, cut, without_routes = host.order(), *(host.attached() for _ in range(3))
    detach(host, twice)
    host.ip("link", "del", cut.host_interface)
    for family in ("-4", "-6"):
        host.ip(family, "route", "flush", "table", "116")
    for order in (never, twice, cut, without_routes):
        detach(host, order)
    assert host.observation().interfaces == ()


def test_a_container_whose_namespace_is_gone(host: Host) -> None:
    order = host.attached()
    namespaces.delete(Path(order.namespace).name)
    detach(host, order)
    assert (host.observation().interfaces, host.observation().strays) == ((), ())


def test_an_attachment_of_an_agent_before(host: Host) -> None:
    """Nothing is remembered of it: it is found by its alias, also under another name."""
    order = host.attached()
    host.ip("link", "set", order.host_interface, "name", "moved")
    host.run(host.wiring.close)
    host.wiring = host.run(lambda: Wiring(NODE, MTU))
    detach(host, order)
    assert host.observation().interfaces == ()


def test_the_route_goes_before_the_interface(host: Host) -> None:
    """Otherwise an agent that is killed between the two would take it for attached."""
    order = host.attached()
    gone: list[str] = []
    with monitored(host, "link", "route") as lines:
        detach(host, order)
        for line in lines:
            if line.startswith("Deleted") and "table 116" in line:
                gone.append("route")
            elif line.startswith("Deleted") and f" {order.host_interface}" in line and "link/ether" in line:
                gone.append("interface")
                break
    assert gone == ["route", "route", "interface"]


def test_an_announcement_that_is_lost(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's answer, which comes later, does as well."""
    heard = Removals.wait
    monkeypatch.setattr(Removals, "wait", lambda removals: heard(removals)[:0])
    order = host.attached()
    detach(host, order)
    assert host.observation().interfaces == ()


def test_a_refusal_is_told_and_the_interface_stays_known(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    order = host.attached()

    def refuse(_netlink: Rtnetlink, *_given: object) -> None:
        raise RefusedError(1, 0, "no")

    monkeypatch.setattr(Rtnetlink, "request", refuse)
    with pytest.raises(WiringError, match="no"):
        detach(host, order)
    monkeypatch.undo()
    detach(host, order)
    assert host.observation().interfaces == ()
