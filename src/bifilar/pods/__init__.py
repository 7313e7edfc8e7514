"""The pod network: pools of addresses, blocks of nodes, interfaces of containers. Coil's role.

==================  ======  ==============================================================================
``model``           value   pools, blocks, attachments
``pool_specs``      pure    what a pool may be, and how it is written down
``pools``           pure    blocks cut from pools; what a pool may become
``occupancy``       pure    the addresses of a block: used, free, cooling
``allocation``      pure    all addresses of a node, and the attachments that use them
``choice``          pure    which pool a pod's addresses come from, and why
``explanation``     pure    where a namespace's addresses come from, and what is left there
``store``           value   what a node needs from the outside
``sqlite``          edge    the store in a file, for labs
``sqlite_tables``   edge    its tables, read as values
``sqlite_file``     edge    an SQLite file that many processes use, and that may be gone
``cni``             pure    the rules of the Container Network Interface
``numbers``         value   by which tables, rules and interfaces are known to be ours
``observe``         edge    everything that a node's kernel knows of pods, read at once
``wiring``          edge    a container's interface made, checked and removed in the kernel
``exports``         pure,   the blocks in the tables that the routing daemon reads
                    edge
``node``            edge    all of it together: what a node does for a runtime
``server``          edge    the socket on which the plugin asks
``plugin``          edge    the plugin and its list, put where a runtime looks for them
``audit``           pure,   store, kernel, daemon and neighbours held against each other
                    edge
==================  ======  ==============================================================================
"""
