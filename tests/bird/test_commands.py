from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from bifilar.bird import Direction, Export, RouteQuery
from bifilar.bird.commands import configure, quoted, reload, single_line
from bifilar.errors import InputError


@pytest.mark.parametrize(
    ("query", "command"),
    [
        (RouteQuery(), "show route"),
        (RouteQuery(table="master4", primary=True), "show route table 'master4' primary"),
        (RouteQuery(table="all", all_attributes=True), "show route table all all"),
        (RouteQuery(exported_to="tor0"), "show route export 'tor0'"),
        (RouteQuery(exported_to="tor0", export=Export.REJECTED), "show route noexport 'tor0'"),
        (RouteQuery(covering=ip_address("192.0.2.9")), "show route for 192.0.2.9"),
        (RouteQuery(within=ip_network("2001:db8::/32")), "show route in 2001:db8::/32"),
        (RouteQuery(protocol="node-1", filtered=True), "show route protocol 'node-1' filtered"),
        (RouteQuery(where="net ~ [10.0.0.0/8+]"), "show route where net ~ [10.0.0.0/8+]"),
    ],
)
def test_a_query_is_one_command(query: RouteQuery, command: str) -> None:
    assert query.command() == command


def test_configure() -> None:
    assert configure() == "configure"
    assert configure(Path("/etc/bird/new one.conf"), check=True) == 'configure check "/etc/bird/new one.conf"'
    assert configure(soft=True, undo_after_s=30) == "configure soft timeout 30"


@pytest.mark.parametrize(
    ("version", "direction", "command"),
    [
        ((2, 0, 12), Direction.BOTH, "reload 'tor0'"),
        ((2, 0, 12), Direction.IMPORT, "reload in 'tor0'"),
        ((3, 3, 2), Direction.BOTH, "reload filters 'tor0'"),
        ((3, 3, 2), Direction.EXPORT, "reload filters out 'tor0'"),
    ],
)
def test_reload_speaks_the_language_of_the_version(
    version: tuple[int, ...], direction: Direction, command: str
) -> None:
    assert reload("tor0", direction, version) == command


@pytest.mark.parametrize("name", ["", "a b", "tor0'", "tor0\ndown", 'tor"0', "tor*"])
def test_a_name_cannot_be_a_second_command(name: str) -> None:
    with pytest.raises(InputError, match="no name of a BIRD protocol"):
        quoted(name)


@pytest.mark.parametrize("text", ["true\ndown", "true\x00", "a\rb"])
def test_a_command_is_one_line(text: str) -> None:
    with pytest.raises(InputError, match="one line"):
        single_line(text)
    with pytest.raises(InputError, match="one line"):
        RouteQuery(where=text).command()


def test_a_path_with_a_quotation_mark_is_refused() -> None:
    with pytest.raises(InputError, match="quotation mark"):
        configure(Path('/tmp/"x.conf'))  # noqa: S108 - never opened
