"""What a runtime asks for, once it is read. What is refused, and in which words of the specification: ``test_skel``."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifilar.pods.cni import CniError, Code, Interface, Request, Verb, Version, parse
from bifilar.pods.model import Key

CONTAINER = {
    "CNI_CONTAINERID": "3f9c",
    "CNI_NETNS": "/run/netns/a",
    "CNI_IFNAME": "eth0",
    "CNI_ARGS": "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;IP=10.0.0.1",
}
POD = {"IgnoreUnknown": "1", "K8S_POD_NAMESPACE": "shop", "K8S_POD_NAME": "web-0", "IP": "10.0.0.1"}
NETWORK = {"cniVersion": "1.1.0", "name": "net", "type": "bifilar", "socket": "/run/x"}


def read(verb: str, variables: Mapping[str, str] = CONTAINER, **members: object) -> Request:
    return parse({"CNI_COMMAND": verb, **variables}, json.dumps({**NETWORK, **members}).encode())


def test_an_add_has_everything_of_its_container() -> None:
    assert read("ADD") == Request(
        Verb.ADD, Version.V1_1_0, "net", "3f9c", "eth0", "/run/netns/a", POD, NETWORK, previous=None
    )
    assert read("ADD").key == Key("3f9c", "eth0")


@pytest.mark.parametrize("text", ["0.3.1", "0.4.0", "1.0.0", "1.1.0"])
def test_the_version_is_the_network_configuration_s(text: str) -> None:
    assert read("ADD", cniVersion=text).version.text == text


def test_what_was_before_us_in_the_chain_is_known() -> None:
    previous = read("ADD", prevResult={"interfaces": [{"name": "net1", "mtu": 1400}]}).previous
    assert previous is not None
    assert previous.interfaces == (Interface("net1", mtu=1400),)


@pytest.mark.parametrize("gone", [{"CNI_NETNS": ""}, {"CNI_ARGS": "not a pair;A=1"}])
def test_a_del_goes_on_where_an_add_does_not(gone: Mapping[str, str]) -> None:
    variables = {**CONTAINER, **gone}
    with pytest.raises(CniError):
        read("ADD", variables)
    request = read("DEL", variables, prevResult={"interfaces": "broken"})
    assert (request.key, request.previous) == (Key("3f9c", "eth0"), None)
    assert request.namespace == variables["CNI_NETNS"]


def test_a_collection_keeps_what_is_listed_and_needs_no_container() -> None:
    listed = [{"containerID": "3f9c", "ifname": "eth0"}, {"containerID": "3f9c", "ifname": "net1"}]
    request = read("GC", {}, **{"cni.dev/valid-attachments": listed})
    assert request.valid_attachments == {Key("3f9c", "eth0"), Key("3f9c", "net1")}


def test_a_collection_without_a_list_frees_nothing() -> None:
    """An empty list frees everything; none at all is a mistake, and not the same."""
    assert read("GC", {}, **{"cni.dev/valid-attachments": []}).valid_attachments == frozenset()
    with pytest.raises(CniError) as refused:
        read("GC", {})
    assert refused.value.code is Code.INVALID_CONFIGURATION


def test_a_status_needs_a_network_alone() -> None:
    assert read("STATUS", {}) == Request(Verb.STATUS, Version.V1_1_0, "net", configuration=NETWORK)


def test_missing_variables_are_named() -> None:
    with pytest.raises(CniError) as refused:
        parse({"CNI_COMMAND": "ADD"}, b"")
    assert "CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME" in refused.value.message


@given(
    st.dictionaries(
        st.sampled_from(["CNI_COMMAND", *CONTAINER, "CNI_PATH"]),
        st.sampled_from([*Verb, *CONTAINER.values()]) | st.text(max_size=8),
    ),
    st.binary(max_size=40)
    | st.dictionaries(
        st.sampled_from([*NETWORK, "prevResult", "cni.dev/valid-attachments"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("1.1.0"),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(
                    st.sampled_from(["interfaces", "ips", "routes", "dns", "name", "dst"]), inner
                )
            ),
        ),
    ).map(lambda members: json.dumps({**NETWORK, **members}).encode()),
)
def test_anything_is_either_a_request_or_an_error_of_the_specification(
    environment: Mapping[str, str], stdin: bytes
) -> None:
    try:
        parsed, code = parse(environment, stdin).verb, None
    except CniError as error:
        parsed, code = None, error.code
    assert parsed == environment["CNI_COMMAND"] if code is None else code in {1, 4, 6, 7}
