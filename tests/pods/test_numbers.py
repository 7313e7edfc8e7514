"""The pod network knows nothing of the fabric, so both write down the numbers at which they meet."""

from bifilar.fabric import model
from bifilar.pods import numbers


def test_the_fabric_and_the_pods_mean_the_same_tables() -> None:
    assert (numbers.POD_TABLE, numbers.EXPORT_TABLE) == (model.POD_TABLE, model.POD_EXPORT_TABLE)
