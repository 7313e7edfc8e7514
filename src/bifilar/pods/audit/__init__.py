"""What everybody knows of a node's share of the pod network, held against each other: observe, compare, repair.

::

    store -- kernel: interfaces, tables 116 and 119, rules -- each pod's namespace
      |         |
      |      daemon of the node -- daemons of its neighbours
      '------- blocks -------'

=================  =====  ===============================================================
``findings``       value  what is found, and what would mend it
``seen``           value  what was read
``seats``          pure   which addresses each interface of a pod has, in spite of contradictions
``rules``          pure   the rules that lead to the table of pods
``attachments``    pure   the host's ends
``ways``           pure   the routes to pods
``containers``     pure   the pods' ends
``blocks``         pure   blocks, in the store and in the tables
``daemons``        pure   blocks, in the daemons
``pools``          pure   the store by itself
``compare``        pure   all of it, in order
``reading``        edge   store, kernel and daemons, read
``repairing``      edge   repairs, made
``audit``          edge   all of it together
=================  =====  ===============================================================
"""

from bifilar.pods.audit.audit import PATIENCE_S, Outcome, Report, audit
from bifilar.pods.audit.findings import Finding, Kind, Repair, Severity
from bifilar.pods.audit.reading import AuditedStore
from bifilar.pods.audit.seen import AuditedNode, Neighbour

__all__ = [
    "PATIENCE_S",
    "AuditedNode",
    "AuditedStore",
    "Finding",
    "Kind",
    "Neighbour",
    "Outcome",
    "Repair",
    "Report",
    "Severity",
    "audit",
]
