"""Pure package: the rules of the Container Network Interface, versions 0.3.1 to 1.1.0.

=================  ======  ================================================================
``versions``       value   what each version of the specification has
``errors``         value   the error codes, and an error as a runtime reads it
``names``          pure    what a container, a network and an interface may be called
``arguments``      pure    ``CNI_ARGS``
``configuration``  pure    the network configuration on standard input
``results``        value   interfaces, addresses, routes and resolvers of an attachment
``result_forms``   pure    results read from and written as JSON, in every version
``request``        pure    environment and standard input -> what is asked for
``answers``        pure    a request answered: exit status and standard output
=================  ======  ================================================================

The specification: https://www.cni.dev/docs/spec/. Where it leaves something open, we do what the CNI project's own
``skel`` does; the tests run both.
"""

from bifilar.pods.cni.answers import Answer, answer
from bifilar.pods.cni.errors import CniError, Code
from bifilar.pods.cni.request import Request, Verb, parse
from bifilar.pods.cni.results import AssignedAddress, Dns, Interface, Result, Route
from bifilar.pods.cni.versions import VERSIONS, Version

__all__ = [
    "VERSIONS",
    "Answer",
    "AssignedAddress",
    "CniError",
    "Code",
    "Dns",
    "Interface",
    "Request",
    "Result",
    "Route",
    "Verb",
    "Version",
    "answer",
    "parse",
]
