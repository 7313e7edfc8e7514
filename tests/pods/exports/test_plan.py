from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from bifilar.kernel.routes import BLACKHOLE, UNICAST, UNREACHABLE, KernelNextHop, KernelRoute
from bifilar.pods.exports import Changes, plan
from bifilar.pods.model import Prefix

BLOCKS: tuple[Prefix, ...] = tuple(
    map(ip_network, ("10.64.0.0/27", "10.64.0.32/27", "fd64::/123", "fd64::20/123"))
)
A, B = BLOCKS[:2]
LO, ELSEWHERE = KernelNextHop(None, "lo"), KernelNextHop(None, "node0")


def export(prefix: Prefix, hop: KernelNextHop = LO) -> KernelRoute:
    return KernelRoute(prefix, 119, 30, 253, UNICAST, 0, (hop,))


def guard(prefix: Prefix, kind: str = UNREACHABLE, metric: int = 4096) -> KernelRoute:
    return KernelRoute(prefix, 116, 30, 0, kind, metric, ())


blocks = st.frozensets(st.sampled_from(BLOCKS))
exports_seen = st.frozensets(
    st.builds(export, st.sampled_from(BLOCKS), st.sampled_from([LO, ELSEWHERE])), max_size=6
)
guards_seen = st.lists(
    st.builds(
        guard, st.sampled_from(BLOCKS), st.sampled_from([UNREACHABLE, BLACKHOLE]), st.sampled_from([0, 4096])
    ),
    unique_by=lambda route: (route.prefix, route.metric),  # as in every kernel
).map(frozenset)


def applied(
    changes: Changes, exports: frozenset[KernelRoute], guards: frozenset[KernelRoute]
) -> tuple[frozenset[KernelRoute], frozenset[KernelRoute]]:
    """What is there afterwards: a route takes the place of one with the same prefix and metric."""
    new_guards = {guard(prefix) for prefix in changes.guard}
    places = {(route.prefix, route.metric) for route in new_guards}
    kept = {route for route in guards if (route.prefix, route.metric) not in places} | new_guards
    exported = {route for route in exports if route.prefix not in changes.export}
    exported |= {export(prefix) for prefix in changes.export}
    return frozenset(exported.difference(changes.withdraw)), frozenset(kept.difference(changes.unguard))


@given(blocks, blocks, exports_seen, guards_seen)
def test_a_plan_leads_to_what_should_be_and_then_there_is_nothing_to_do(
    exported: frozenset[Prefix],
    guarded: frozenset[Prefix],
    exports: frozenset[KernelRoute],
    guards: frozenset[KernelRoute],
) -> None:
    then = applied(plan(exported, guarded, exports, guards), exports, guards)
    assert then[0] == {export(prefix) for prefix in exported}
    assert then[1] == {guard(prefix) for prefix in exported | guarded}
    assert not plan(exported, guarded, *then)


def test_a_new_block() -> None:
    assert plan([A], [], [], []) == Changes(guard=(A,), export=(A,))


def test_a_block_that_is_given_back_is_guarded_for_longer() -> None:
    withdrawing = plan([B], [A], [export(A), export(B)], [guard(A), guard(B)])
    assert withdrawing == Changes(withdraw=(export(A),))
    assert plan([B], [], [export(B)], [guard(A), guard(B)]) == Changes(unguard=(guard(A),))


def test_a_stray_route_to_a_pod_goes() -> None:
    stray = KernelRoute(ip_network("10.64.0.1/32"), 116, 30, 253, UNICAST, 0, (ELSEWHERE,))
    assert plan([A], [], [export(A)], [guard(A), stray]) == Changes(unguard=(stray,))
