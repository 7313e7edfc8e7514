"""Value module: the numbers by which the kernel's tables, rules and interfaces are known to be ours; and its settings.

They are Coil's where Coil has one, so that its users recognise them, and a routing daemon that reads Coil's tables
reads ours.
"""

POD_TABLE = 116
"""Kernel table with the routes to this node's pods, and the guards of its blocks."""
POD_RULE_PRIORITY = 2000
"""Of the rule that has every packet look there first."""
EXPORT_TABLE = 119
"""Kernel table whose routes the routing daemon announces."""
ROUTE_PROTOCOL = 30
"""Who put a route or a rule there: we."""
INTERFACE_GROUP = 116
"""Group of the host's ends of pods' interfaces. They are in it from the first moment, the alias comes later."""
GUARD_METRIC = 4096
"""Larger than that of any pod's route: a block of one address has the same prefix as its pod."""
FORWARDING = {4: "net.ipv4.ip_forward", 6: "net.ipv6.conf.all.forwarding"}
"""The setting by which a node forwards, by version of IP."""
