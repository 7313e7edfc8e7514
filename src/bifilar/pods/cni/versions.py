"""Value module: the versions of the specification that we speak, and what each of them has."""

from enum import Enum


class Version(Enum):
    """A version of the specification."""

    V0_3_1 = (0, 3, 1)
    V0_4_0 = (0, 4, 0)
    V1_0_0 = (1, 0, 0)
    V1_1_0 = (1, 1, 0)

    @property
    def text(self) -> str:
        """As it is written."""
        return ".".join(map(str, self.value))

    @property
    def has_check(self) -> bool:
        """Whether there is a CHECK."""
        return self.value >= (0, 4, 0)

    @property
    def has_garbage_collection(self) -> bool:
        """Whether there are a GC and a STATUS."""
        return self.value >= (1, 1, 0)

    @property
    def names_families(self) -> bool:
        """Whether an address in a result has a ``version``, "4" or "6"."""
        return self.value < (1, 0, 0)

    @property
    def has_link_details(self) -> bool:
        """Whether results tell MTU, socket and PCI address of interfaces, and more of routes than where they go."""
        return self.value >= (1, 1, 0)

    def __str__(self) -> str:
        return self.text


VERSIONS = {version.text: version for version in Version}
"""By their text, oldest first."""
NEWEST = Version.V1_1_0
