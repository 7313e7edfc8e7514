"""The verbs that few runtimes use yet, by the CNI project's own tool, with a network of version 1.1.0."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pods.runtimes.cnitool import Cnitool
from pods.runtimes.host import Host
from pods.runtimes.machine import missing_for
from pods.runtimes.network import set_up

pytestmark = [pytest.mark.lab, pytest.mark.slow]


@pytest.fixture(scope="module")
def host(make_host: Callable[[str], Host]) -> Host:
    """A server with no other pods."""
    if missing := missing_for("cnitool"):
        pytest.skip(missing)
    return make_host("rack1-server2")


@pytest.fixture(scope="module")
def cnitool(host: Host, store: Path) -> Cnitool:
    return Cnitool(host, set_up(host, store, cni_version="1.1.0", chained=()))


def test_the_network_is_ready(cnitool: Cnitool) -> None:
    cnitool.call("status")


def test_check_finds_what_somebody_has_changed(host: Host, cnitool: Cnitool) -> None:
    pod = cnitool.run("checked", {})
    address = str(pod.addresses[0])
    cnitool.call("check", "checked")
    host.run("ip", "route", "delete", address, "table", "116")
    with pytest.raises(AssertionError, match=re.escape(address)):
        cnitool.call("check", "checked")
    pod.end()


def test_garbage_is_not_collected_without_a_list_of_what_is_none(host: Host, cnitool: Cnitool) -> None:
    """``cnitool gc`` gives no list of valid attachments, which would be the end of every pod of the network.

    Those in its own cache it deletes one by one before; so that is emptied here.
    """
    pod = cnitool.run("unknown", {})
    host.run("rm", "-r", "/var/lib/cni")
    with pytest.raises(AssertionError, match="valid-attachments"):
        cnitool.call("gc")
    assert str(pod.addresses[0]) in host.run("ip", "route", "show", "table", "116")
    pod.end()
