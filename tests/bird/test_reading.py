"""What real daemons answered, read: as golden files, and held against what they were configured to be."""

import pprint
from collections.abc import Callable
from datetime import date, datetime, time
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from pathlib import Path

import pytest

from bifilar.bird import (
    NextHop,
    Reply,
    ReplyLine,
    Route,
    RouteCounts,
    RouteKind,
    networks,
    read_bfd_sessions,
    read_memory,
    read_protocols,
    read_routes,
    read_status,
)
from bifilar.bird.reading.fields import read_moment
from bifilar.errors import DaemonError

GOLDEN = Path(__file__).parent / "golden"
ReplyTo = Callable[[str], Reply]
READERS: dict[str, Callable[[Reply], object]] = {
    "node-*-show-status": read_status,
    "node-*-show-memory": read_memory,
    "node-*-show-protocols": read_protocols,
    "node-*-show-protocols-all": read_protocols,
    "node-*-show-bfd-sessions": read_bfd_sessions,
    "node-*-show-route": read_routes,
    "node-*-show-route-all": read_routes,
    "node-*-show-route-primary": read_routes,
    "node-*-show-route-table-all": read_routes,
    "node-*-show-route-table-exports-all": read_routes,
    "node-*-show-route-table-vacant": read_routes,
    "node-*-show-route-export-kernel4": read_routes,
    "node-*-show-route-filtered": read_routes,
    "tor0-*-show-status": read_status,
    "tor0-*-show-protocols-all": read_protocols,
    "tor0-*-show-bfd-sessions": read_bfd_sessions,
    "tor0-*-show-route-all": read_routes,
}


@pytest.mark.parametrize("name", READERS)
def test_a_recorded_reply_reads_as_its_golden_file(
    name: str, version: str, reply_to: ReplyTo, golden: Callable[[Path, str], None]
) -> None:
    value = READERS[name](reply_to(name))
    golden(GOLDEN / version / f"{name.replace('-*', '')}.txt", f"{pprint.pformat(value, width=110)}\n")


def routes_of(reply: Reply, network: str) -> list[Route]:
    return networks(read_routes(reply))[ip_network(network)]


def test_two_routes_to_one_network(reply_to: ReplyTo) -> None:
    first, second = routes_of(reply_to("node-*-show-route"), "192.0.2.0/24")
    assert (first.best, second.best) == (True, False)
    assert {first.protocol, second.protocol} == {"tor0", "tor1"}
    assert {first.next_hops, second.next_hops} == {
        (NextHop(IPv4Address("10.9.0.0"), "eth0"),),
        (NextHop(IPv4Address("10.9.1.0"), "eth1"),),
    }
    assert first.preference == 100
    assert first.table == "master4"


def test_weights_of_a_multipath_route(reply_to: ReplyTo) -> None:
    (route,) = routes_of(reply_to("node-*-show-route"), "172.16.0.0/16")
    assert route.next_hops == (
        NextHop(IPv4Address("10.9.0.0"), "eth0", 3),
        NextHop(IPv4Address("10.9.1.0"), "eth1", 2),
    )


def test_merged_paths_of_an_export(reply_to: ReplyTo) -> None:
    (route,) = routes_of(reply_to("node-*-show-route-export-kernel4"), "10.8.0.3/32")
    assert {hop.interface for hop in route.next_hops} == {"eth0", "eth1"}


@pytest.mark.parametrize(
    ("network", "kind"),
    [
        ("172.17.0.0/16", RouteKind.BLACKHOLE),
        ("172.18.0.0/16", RouteKind.UNREACHABLE),
        ("172.19.0.0/16", RouteKind.PROHIBITED),
    ],
)
def test_kinds_without_next_hops(network: str, kind: RouteKind, reply_to: ReplyTo) -> None:
    (route,) = routes_of(reply_to("node-*-show-route"), network)
    assert (route.kind, route.next_hops) == (kind, ())


def test_a_network_on_an_interface_has_no_next_hop_address(reply_to: ReplyTo) -> None:
    (route,) = routes_of(reply_to("node-*-show-route"), "10.8.0.1/32")
    assert route.next_hops == (NextHop(None, "node0"),)


def test_ipv6_routes_say_who_told_them(reply_to: ReplyTo) -> None:
    for route in routes_of(reply_to("node-*-show-route"), "2001:db8:f::/48"):
        index = int(route.protocol[-1])
        assert route.table == "master6"
        assert route.from_ == IPv4Address(f"10.9.{index}.0")
        assert route.next_hops == (NextHop(IPv6Address(f"2001:db8:a{index}::1"), f"eth{index}"),)


def test_a_route_that_the_kernel_refused_is_still_the_best() -> None:
    line = "2001:db8::3/128      unicast [tor0 11:52:07.161 from 10.9.0.0] ! (100/?) [i]"
    (route,) = read_routes(
        Reply((ReplyLine(1007, "Table master6:"), ReplyLine(1007, line), ReplyLine(0, "")))
    )
    assert (route.best, route.refused_by_kernel, route.preference) == (True, True, 100)


def test_bgp_attributes(reply_to: ReplyTo) -> None:
    for route in routes_of(reply_to("node-*-show-route-all"), "192.0.2.0/24"):
        index = int(route.protocol[-1])
        assert route.source == "BGP"
        assert route.attributes == ()
        assert route.bgp is not None
        assert route.bgp.origin == "IGP"
        assert route.bgp.as_path == (4200000001, 65010)
        assert route.bgp.next_hop == IPv4Address(f"10.9.{index}.0")
        assert (route.bgp.med, route.bgp.local_pref) == (77, 100)
        assert route.bgp.communities == ((64601, index), (65535, 0))
        assert route.bgp.extended_communities == (("rt", "64601", "5"),)
        assert route.bgp.large_communities == ((4200000001, 1, index),)


def test_a_reflected_route_names_originator_and_clusters(reply_to: ReplyTo) -> None:
    for route in routes_of(reply_to("node-*-show-route-all"), "10.8.0.3/32"):
        assert route.bgp is not None
        assert route.bgp.originator_id == IPv4Address("10.8.0.2")
        assert len(route.bgp.cluster_list) == 1
        assert route.bgp.as_path == ()


def test_a_list_that_fills_several_lines_is_one_attribute(reply_to: ReplyTo) -> None:
    for route in routes_of(reply_to("node-*-show-route-all"), "198.51.100.0/24"):
        assert route.bgp is not None
        assert route.bgp.communities == tuple((64700, value) for value in range(1000, 1100))


def test_a_kernel_route_keeps_the_attributes_of_its_version(reply_to: ReplyTo) -> None:
    routes = read_routes(reply_to("node-*-show-route-table-exports-all"))
    assert [route.source for route in routes] == ["inherit", "inherit"]
    assert [route.attribute("krt_source", "Kernel.source") for route in routes] == ["30", "30"]
    assert {len(route.next_hops) for route in routes} == {1, 2}


def test_an_attribute_of_the_operator_is_kept(reply_to: ReplyTo) -> None:
    (route,) = routes_of(reply_to("node-*-show-route-all"), "172.16.0.0/16")
    assert route.attributes == (("rack_number", "7"),)


def test_a_known_attribute_in_an_unknown_form_is_kept_as_text() -> None:
    lines = (
        ReplyLine(1007, "192.0.2.0/24         unicast [tor0 11:52:07.161] * (100) [i]"),
        ReplyLine(1012, "\tbgp_community: (graceful-shutdown)"),
        ReplyLine(1012, "\tbgp_path: 64601 {65001 65002} 7 (65100 65101)"),
        ReplyLine(1012, "\tbgp_next_hop: 2001:db8::1 fe80::1"),
        ReplyLine(0, ""),
    )
    (route,) = read_routes(Reply(lines))
    assert route.attributes == (("bgp_community", "(graceful-shutdown)"),)
    assert route.bgp is not None
    assert route.bgp.as_path == (64601, frozenset({65001, 65002}), 7, 65100, 65101)
    assert (route.bgp.next_hop, route.bgp.link_local_next_hop) == (
        IPv6Address("2001:db8::1"),
        IPv6Address("fe80::1"),
    )


def test_labels_and_onlink() -> None:
    lines = (
        ReplyLine(1007, "192.0.2.0/24         unicast [static1 11:52:07.161] * (200)"),
        ReplyLine(1007, "\tvia fe80::1 on eth0 mpls 100/200 onlink weight 256"),
        ReplyLine(1007, "\tdev eth1 weight 1"),
        ReplyLine(0, ""),
    )
    (route,) = read_routes(Reply(lines))
    assert route.next_hops == (
        NextHop(IPv6Address("fe80::1"), "eth0", 256, onlink=True, labels=(100, 200)),
        NextHop(None, "eth1"),
    )


def test_all_tables_and_an_empty_one(reply_to: ReplyTo) -> None:
    tables = {route.table for route in read_routes(reply_to("node-*-show-route-table-all"))}
    assert tables == {"master4", "master6", "exports"}
    assert read_routes(reply_to("node-*-show-route-table-vacant")) == ()


def test_both_versions_read_alike(recorded: Callable[[str, str], bytes]) -> None:
    """The same network was recorded with both: except for times and the choice between equals it is the same."""
    found = []
    for version in ("2.0.12", "3.3.2"):
        reply = _reply(recorded(version, "node-*-show-route-all"))
        found.append(
            {
                (r.table, r.network, r.kind, r.next_hops, r.protocol, r.source, r.bgp)
                for r in read_routes(reply)
            }
        )
    assert found[0] == found[1]
    assert len(found[0]) == 26


def _reply(stream: bytes) -> Reply:
    from bifilar.bird import ReplyParser  # noqa: PLC0415 - only this helper needs it

    parser = ReplyParser()
    parser.feed(stream)
    reply = parser.next_event()
    assert isinstance(reply, Reply)
    return reply


def test_bgp_sessions(reply_to: ReplyTo) -> None:
    protocols = {
        protocol.name: protocol for protocol in read_protocols(reply_to("node-*-show-protocols-all"))
    }
    tor0, absent, drained, speaker = (
        protocols[name].bgp for name in ("tor0", "absent", "drained", "speaker")
    )
    assert tor0 is not None
    assert tor0.is_established
    assert tor0.is_internal
    assert not tor0.is_route_reflector
    assert (tor0.local_as, tor0.neighbour_as) == (64601, 64601)
    assert (tor0.neighbour_address, tor0.source_address) == (IPv4Address("10.9.0.0"), IPv4Address("10.9.0.1"))
    assert tor0.neighbour_id == IPv4Address("10.8.0.3")
    assert (tor0.hold_s, tor0.keepalive_s) == (90, 30)
    assert absent is not None
    assert (absent.state, absent.hold_s) == ("Active", None)
    assert absent.last_error == "Socket: Network is unreachable"
    assert drained is not None
    assert drained.state == "Down"
    assert speaker is not None
    assert speaker.state == "Passive"
    assert protocols["kernel4"].bgp is None


def test_channels_of_a_bgp_session(reply_to: ReplyTo) -> None:
    (tor0,) = read_protocols(reply_to("node-*-show-protocols-all-tor0"))
    ipv4, ipv6 = tor0.channels
    assert tor0.description == "to a ToR"
    assert (ipv4.name, ipv4.state, ipv4.table, ipv4.preference) == ("ipv4", "UP", "master4", 100)
    assert ipv4.routes == RouteCounts(imported=5, filtered=1, exported=7, preferred=ipv4.routes.preferred)
    assert ipv4.next_hop == (IPv4Address("10.9.0.1"),)
    assert ipv4.changes["Import updates"].accepted == 5
    assert ipv4.changes["Import updates"].filtered == 1
    assert ipv4.changes["Import withdraws"].filtered is None
    assert ipv6.next_hop == (IPv6Address("2001:db8:a0::2"),)
    assert tor0.channel("ipv6") is ipv6
    assert tor0.channel("vpn4") is None


def test_a_route_reflector_and_its_dynamic_neighbour(reply_to: ReplyTo) -> None:
    protocols = {
        protocol.name: protocol for protocol in read_protocols(reply_to("tor0-*-show-protocols-all"))
    }
    waiting, born = protocols["second"].bgp, protocols["second1"].bgp
    assert waiting is not None
    assert (waiting.neighbour_address, waiting.neighbour_range) == (None, IPv4Network("10.9.0.2/31"))
    assert born is not None
    assert born.is_route_reflector
    assert born.neighbour_address == IPv4Address("10.9.0.3")
    assert isinstance(protocols["second1"].since, datetime)


def test_a_pipe_has_one_channel_without_state(reply_to: ReplyTo) -> None:
    protocols = {
        protocol.name: protocol for protocol in read_protocols(reply_to("node-*-show-protocols-all"))
    }
    (channel,) = protocols["exportpipe"].channels
    assert (channel.name, channel.state, channel.routes.imported) == ("main", "", 2)
    assert protocols["exportpipe"].info == "master4 <=> exports"


def test_bfd_sessions(reply_to: ReplyTo) -> None:
    sessions = {
        session.address: session for session in read_bfd_sessions(reply_to("node-*-show-bfd-sessions"))
    }
    up, down = sessions[IPv4Address("10.9.0.0")], sessions[IPv4Address("10.9.0.9")]
    assert (up.protocol, up.interface, up.is_up) == ("bfd1", "eth0", True)
    assert (up.interval_s, up.timeout_s) == (0.1, 0.3)
    assert (down.interface, down.state, down.timeout_s) == ("", "Down", 0)


def test_status(version: str, reply_to: ReplyTo) -> None:
    status = read_status(reply_to("node-*-show-status"))
    assert (status.version, status.router_id) == (version, IPv4Address("10.8.0.1"))
    assert not status.is_reconfiguring
    assert isinstance(status.last_reboot, time)
    assert isinstance(read_status(reply_to("tor0-*-show-status")).last_reboot, datetime)


def test_memory_in_bytes(reply_to: ReplyTo) -> None:
    memory = read_memory(reply_to("node-*-show-memory"))
    tables = {use.purpose: use for use in memory.uses}["Routing tables"]
    assert 1024 < tables.effective < tables.together < memory.total.together


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("11:52:06.196", time(11, 52, 6, 196_000)),
        ("11:52:06", time(11, 52, 6)),
        ("2026-11-24", date(2026, 11, 24)),
        ("2026-11-24 11:52:06.196", datetime(2026, 11, 24, 11, 52, 6, 196_000)),  # noqa: DTZ001 - BIRD names no zone
        ("Nov24", "Nov24"),
    ],
)
def test_times_in_each_of_birds_formats(text: str, expected: object) -> None:
    assert read_moment(text) == expected


@pytest.mark.parametrize(
    ("reader", "lines"),
    [
        (read_status, [(13, "")]),
        (read_memory, [(1018, "Total: many B")]),
        (read_protocols, [(1002, "tor0 BGP")]),
        (read_protocols, [(1006, "  BGP state: Up")]),
        (
            read_protocols,
            [(1002, "a BGP --- up 10:00:00"), (1006, "  BGP state: x"), (1006, " Neighbor address: y")],
        ),
        (read_bfd_sessions, [(1020, "10.9.0.9 --- Down")]),
        (read_bfd_sessions, [(1020, "ten --- Down 10:00:00 1.0 0.0")]),
        (read_bfd_sessions, [(1020, "10.9.0.9 --- Down 10:00:00 1_0 0.0")]),
        (read_routes, [(1007, "192.0.2.0/24 carrier-pigeon [a 10:00:00] * (1)")]),
        (read_routes, [(1007, "192.0.2.1/24 unicast [a 10:00:00] * (1)")]),
        (read_routes, [(1007, "                     unicast [a 10:00:00] * (1)")]),
        (read_routes, [(1007, "192.0.2.0/24 unicast [a] * (1)")]),
        (read_routes, [(1007, "17 of 17 routes")]),
        (read_routes, [(1007, "\tvia 192.0.2.1 on eth0")]),
        (read_routes, [(1007, "192.0.2.0/24 unicast [a 10:00:00] * (1)"), (1007, "\tvia nowhere on eth0")]),
        (read_routes, [(1012, "\tbgp_origin: IGP")]),
    ],
)
def test_what_cannot_be_read_is_said(reader: Callable[[Reply], object], lines: list[tuple[int, str]]) -> None:
    reply = Reply(tuple(ReplyLine(code, text) for code, text in [*lines, (0, "")]))
    with pytest.raises(DaemonError, match="cannot read"):
        reader(reply)


def test_networks_of_ipv6_are_ipv6(reply_to: ReplyTo) -> None:
    primary = read_routes(reply_to("node-*-show-route-primary"))
    assert IPv6Network("2001:db8::3/128") in networks(primary)
    assert all(route.best for route in primary)
