"""Thin typed edges over the Linux kernel: namespaces, links, addresses, routes, sysctls, counters, packets.

What is dumped is parsed by hand (:mod:`~bifilar.kernel.netlink`), because whoever verifies a large fabric reads
hundreds of thousands of routes; what is asked for is packed by hand (:mod:`~bifilar.kernel.requests`), because whoever
builds one asks for thousands of things.

A netlink or packet socket belongs to the namespace that its thread was in when it was opened, and stays there::

    from bifilar.kernel import addresses, counters, routes
    from bifilar.kernel.namespaces import create, run_in

    path = create("leaf1")
    run_in(path, routes.dump)                        # list[KernelRoute] of the main table
    run_in(path, addresses.dump)                     # list[KernelAddress]
    run_in(path, counters.dump)                      # {interface: packets sent}
    opened = run_in(path, lambda: Capture("eth0"))   # use it from any thread afterwards

Every refusal of the kernel is a :class:`~bifilar.errors.MachineError` that names the object, unless a docstring
says otherwise.
"""
