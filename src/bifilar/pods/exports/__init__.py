"""The blocks of a node in the kernel's tables, from which the routing daemon announces them.

=============  =====  ====================================================================
``plan``       pure   what is to be changed, of what is there
``kernel``     edge   the changes made
``daemon``     edge   whether the routing daemon has told everybody
=============  =====  ====================================================================

Each held block has a guard: an ``unreachable`` route in the table of pods, which a pod's own route is better than. It
is there before the block is announced, and until nobody can think any more that the block is here. Without it a packet
for an address that no pod has would follow the node's default route back to the router it came from, and so on until
its time to live is over.
"""

from bifilar.pods.exports.daemon import announced, withdrawn
from bifilar.pods.exports.kernel import apply
from bifilar.pods.exports.plan import Changes, plan

__all__ = ["Changes", "announced", "apply", "plan", "withdrawn"]
