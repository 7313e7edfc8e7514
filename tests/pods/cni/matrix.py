"""Every verb with every mistake: environments and inputs for two readers of the same specification."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

VERBS = ("ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION", "add", "UPDATE")
OWN_NAMESPACE = "/proc/self/ns/net"
"""Of whoever looks."""

_VARIABLES = {
    "CNI_CONTAINERID": "3f9c",
    "CNI_NETNS": "/run/netns/nowhere",
    "CNI_IFNAME": "eth0",
    "CNI_ARGS": "",
    "CNI_PATH": "/opt/cni/bin",
}
_ODD_VALUES: Mapping[str, tuple[str | None, ...]] = {
    "CNI_COMMAND": (None, ""),
    "CNI_CONTAINERID": (
        None,
        "",
        "a",
        "-a",
        ".a",
        "_a",
        "a.b-c_D",
        "a/b",
        "a b",
        "ä",
        "a:b",
        "a\n",
        "x" * 300,
    ),
    "CNI_NETNS": (None, "", "relative", OWN_NAMESPACE),
    "CNI_IFNAME": (
        *(
            None,
            "",
            "e",
            "-",
            ".",
            "..",
            "...",
            "a/b",
            "a:b",
            "a b",
            "a\tb",
            "a\u00a0b",
            "a\u2003b",
            "ä",
            "%d",
        ),
        *("123456789012345", "1234567890123456", "1234567890123ä", "12345678901234ä"),
    ),
    "CNI_ARGS": (
        None,
        "IgnoreUnknown=1",
        "IgnoreUnknown=TRUE",
        "IgnoreUnknown=0",
        "IgnoreUnknown=yes",
        "IgnoreUnknown=",
        "ignoreunknown=1;IP=10.0.0.1",
        "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0",
        "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;",
        "IP=10.0.0.1",
        "IP=10.0.0.1;IgnoreUnknown=true",
        "IgnoreUnknown=1;IP=10.0.0.1;IgnoreUnknown=0",
        "nothing",
        "IgnoreUnknown=1;nothing",
        "IgnoreUnknown=1;A=B=C",
        "IgnoreUnknown=1;=x",
        "IgnoreUnknown=1;x=",
        ";",
        "K8S_POD_NAME=\u00fc",
    ),
    "CNI_PATH": (None, ""),
}
_VERSIONS: tuple[Any, ...] = (
    *("0.3.1", "0.4.0", "1.0.0", "1.1.0"),
    *(
        "0.1.0",
        "0.2.0",
        "0.3.0",
        "0.3.2",
        "0.4.1",
        "1.0",
        "1.2.0",
        "1.1.0-rc1",
        "2",
        "",
        " 1.0.0",
        "new",
        "1.0.0.0",
    ),
    *(None, 1, 1.1, True, ["1.0.0"]),
)
_OLD_RESULT = {
    "interfaces": [
        {"name": "veth1", "mac": "02:00:00:00:00:01"},
        {"name": "net1", "sandbox": "/run/netns/nowhere"},
    ],
    "ips": [{"version": "4", "address": "10.1.0.2/24", "gateway": "10.1.0.1", "interface": 1}],
    "routes": [{"dst": "0.0.0.0/0", "gw": "10.1.0.1"}, {"dst": "10.2.0.0/16"}],
    "dns": {
        "nameservers": ["10.0.0.53"],
        "domain": "shop",
        "search": ["shop", "example"],
        "options": ["ndots:1"],
    },
}
_NEW_RESULT = {
    "interfaces": [{"name": "net1", "mtu": 1400, "socketPath": "/run/vhost", "pciID": "0000:00:1f.6"}],
    "ips": [{"address": "fd00::2/64", "interface": 0}],
    "routes": [
        {"dst": "::/0", "gw": "fe80::1", "mtu": 1300, "advmss": 1240, "priority": 7, "table": 0, "scope": 253}
    ],
}
PREVIOUS: Mapping[str, Any] = {
    "null": None,
    "empty": {},
    "old": _OLD_RESULT,
    "new": _NEW_RESULT,
    "null everywhere": {"interfaces": None, "ips": None, "routes": None, "dns": None, "cniVersion": None},
    **{
        f"of version {version}": {"cniVersion": version}
        for version in ("0.3.1", "0.4.0", "1.0.0", "1.1.0", "0.2.0", "")
    },
    "of a version that is a number": {"cniVersion": 1},
    "unknown keys": {"more": 1, "interfaces": [{"name": "a", "more": []}]},
    "a string": "x",
    "a list": [],
    "interfaces an object": {"interfaces": {}},
    "an interface a string": {"interfaces": ["eth0"]},
    "an interface null": {"interfaces": [None]},
    "a name a number": {"interfaces": [{"name": 1}]},
    "a name missing": {"interfaces": [{"mac": ""}]},
    "an MTU a string": {"interfaces": [{"name": "a", "mtu": "1500"}]},
    "an MTU true": {"interfaces": [{"name": "a", "mtu": True}]},
    "an address without a length": {"ips": [{"address": "10.0.0.1"}]},
    "an address with a mask": {"ips": [{"address": "10.0.0.1/255.0.0.0"}]},
    "an address too long": {"ips": [{"address": "10.0.0.1/33"}]},
    "an address with a zone": {"ips": [{"address": "fe80::1%eth0/64"}]},
    "an address with zeros": {"ips": [{"address": "010.0.0.1/8"}]},
    "an address with a space": {"ips": [{"address": "10.0.0.1/8 "}]},
    "an address missing": {"ips": [{"gateway": "10.0.0.1"}]},
    "an address in capitals": {"ips": [{"address": "FD00::A/64", "gateway": "FD00::1"}]},
    "a gateway empty": {"ips": [{"address": "10.0.0.1/8", "gateway": ""}]},
    "a gateway wrong": {"ips": [{"address": "10.0.0.1/8", "gateway": "10.0.0"}]},
    "an index a fraction": {"ips": [{"address": "10.0.0.1/8", "interface": 0.5}]},
    "an index outside": {"ips": [{"address": "10.0.0.1/8", "interface": 7}]},
    "a route wrong": {"routes": [{"dst": "default"}]},
    "a route without a destination": {"routes": [{"gw": "10.0.0.1"}]},
    "a route with host bits": {"routes": [{"dst": "10.0.0.1/8"}]},
    "a route's gateway wrong": {"routes": [{"dst": "10.0.0.0/8", "gw": "x"}]},
    "a scope a string": {"routes": [{"dst": "10.0.0.0/8", "scope": "link"}]},
    "resolvers a string": {"dns": {"nameservers": "10.0.0.53"}},
    "a resolver a number": {"dns": {"nameservers": [53]}},
    "dns a list": {"dns": []},
}
_VALID: Mapping[str, Any] = {
    "null": None,
    "none": [],
    "one": [{"containerID": "3f9c", "ifname": "eth0"}],
    "with more keys": [{"containerID": "3f9c", "ifname": "eth0", "x": 1}],
    "without an interface": [{"containerID": "3f9c"}],
    "without a container": [{"containerID": "", "ifname": "eth0"}],
    "an object": {},
    "a string": "3f9c",
    "strings": ["3f9c"],
    "a number for a name": [{"containerID": 3, "ifname": "eth0"}],
}
_NAMES: tuple[Any, ...] = (
    *("a", "A.b-c_9", "-a", ".a", "a b", "a/b", "ä", "a\n", "", None, 1, True, [], {}, "x" * 300, "\ud800"),
)
_TEXTS = (
    *(b"", b" ", b"{", b"null", b"[]", b"1", b'"x"', b"true", b"{}x", b"{}{}", b"\xff", b"\xef\xbb\xbf{}"),
    b'{"name":"net","cniVersion":"1.0.0"',
    b'{"name":"net","cniVersion":"1.0.0"}}',
    b'{"name":"net","cniVersion":"1.0.0",}',
    b"{'name':'net','cniVersion':'1.0.0'}",
    b'{"name":"net","cniVersion":"1.0.0","x":NaN}',
    b'{"name":"net","cniVersion":"1.0.0","x":-Infinity}',
    b'{"name":"net","cniVersion":"1.0.0","x":01}',
    b'{"name":"net","cniVersion":"1.0.0","x":"a\tb"}',
    b'{"name":"net","cniVersion":"1.0.0","x":"\xff"}',
    b'{"name":"net","cniVersion":"1.0.0","x":1e9999}',
    b'{"name":"net","cniVersion":"1.0.0"} // comment',
    b' \n{"name":"net","cniVersion":"1.0.0"}\n ',
    b'{"name":"","name":"net","cniVersion":"1.0.0"}',
    b'{"name":"net","name":"","cniVersion":"1.0.0"}',
    b'{"name":"net","cniVersion":"9","cniVersion":"1.0.0"}',
    b'{"x":{"name":"net","cniVersion":"1.0.0"}}',
    b'{"name":"net","cniVersion":"1.0.0","x":' + b"[" * 500 + b"]" * 500 + b"}",
    b'{"name":"net","cniVersion":"1.0.0","x":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    b'{"NAME":"net","cniVersion":"1.0.0"}',
    b'{"name":"net","cniversion":"1.0.0"}',
    '{"name":"net","cniVersion":"1.0.0"}'.encode("utf-16"),
)


@dataclass(frozen=True, slots=True)
class Case:
    """One call of a plugin."""

    name: str
    environment: Mapping[str, str]
    stdin: bytes

    @property
    def verb(self) -> str:
        """What is asked for."""
        return self.environment.get("CNI_COMMAND", "")


def cases() -> Iterator[Case]:
    """All of them; each has a name of its own."""
    for verb in VERBS:
        yield _case(verb, "as it should be")
        for variable, values in _ODD_VALUES.items():
            for value in values:
                yield _case(verb, f"{variable} {value!r}", {variable: value})
        for version in _VERSIONS:
            yield _case(verb, f"version {version!r}", cniVersion=version)
        for name in _NAMES:
            yield _case(verb, f"network {name!r}", name=name)
        for place, text in enumerate(_TEXTS):
            yield _case(verb, f"text {place} {text[:60]!r}", stdin=text)
        for version, (what, previous) in product(("0.3.1", "0.4.0", "1.0.0", "1.1.0"), PREVIOUS.items()):
            yield _case(
                verb, f"version {version}, prevResult {what}", cniVersion=version, prevResult=previous
            )
        for what, valid in _VALID.items():
            yield _case(verb, f"valid attachments {what}", **{"cni.dev/valid-attachments": valid})
        yield from _two_mistakes(verb)


def _two_mistakes(verb: str) -> Iterator[Case]:
    """Which of several is told first?"""
    environments: tuple[dict[str, str | None], ...] = (
        {"CNI_CONTAINERID": None, "CNI_IFNAME": None, "CNI_NETNS": None},
        {"CNI_CONTAINERID": "a/b", "CNI_IFNAME": None},
        {"CNI_CONTAINERID": None, "CNI_IFNAME": "a/b"},
        {"CNI_NETNS": None},
        {"CNI_ARGS": "nothing"},
        {},
    )
    members: tuple[dict[str, Any], ...] = (
        {"name": "a b", "cniVersion": "9"},
        {"name": "a b", "cniVersion": 9},
        {"cniVersion": "9", "prevResult": "x"},
        {"cniVersion": "0.3.1", "prevResult": "x"},
        {"cniVersion": "0.3.1", "prevResult": None},
        {"prevResult": None},
        {"prevResult": "x"},
    )
    for changes, changed in product(environments, members):
        yield _case(verb, f"{changes} {changed}", changes, **changed)


def _case(
    verb: str,
    what: str,
    changes: Mapping[str, str | None] | None = None,
    *,
    stdin: bytes | None = None,
    **members: Any,
) -> Case:
    """A good call of the newest version that its verb is there for, but for these variables and keys."""
    environment = {"CNI_COMMAND": verb, **_VARIABLES, **(changes or {})}
    configuration = {
        "cniVersion": "1.1.0" if verb in {"GC", "STATUS"} else "1.0.0",
        "name": "net",
        "type": "bifilar",
        "prevResult": {} if verb == "CHECK" else None,
        **({"cni.dev/valid-attachments": []} if verb == "GC" else {}),
        **members,
    }
    return Case(
        f"{verb}: {what}",
        {name: value for name, value in environment.items() if value is not None},
        json.dumps(configuration).encode() if stdin is None else stdin,
    )
