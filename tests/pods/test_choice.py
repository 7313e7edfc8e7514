from bifilar.pods.choice import ANNOTATION, Choice, choose
from bifilar.pods.model import PoolName


def test_a_namespace_asks_for_a_pool_with_coils_annotation() -> None:
    assert choose("web", {ANNOTATION: "public", "other": "x"}) == Choice(
        PoolName("public"), "namespace web has the annotation coil.cybozu.com/pool: public"
    )


def test_a_namespace_that_does_not_ask_gets_the_default_pool() -> None:
    assert choose("web", {"other": "x"}) == Choice(
        PoolName("default"), "namespace web has no annotation coil.cybozu.com/pool"
    )


def test_an_empty_annotation_asks_for_nothing() -> None:
    assert choose("web", {ANNOTATION: ""}) == Choice(
        PoolName("default"), "annotation coil.cybozu.com/pool of namespace web is empty"
    )
