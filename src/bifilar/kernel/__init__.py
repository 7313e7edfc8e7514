"""Thin typed edges over the Linux kernel: namespaces, links, addresses, routes, sysctls, counters, packets.

What is dumped is parsed by hand (:mod:`~bifilar.kernel.netlink`), because whoever verifies a large fabric reads
hundreds of thousands of routes; what is built goes through pyroute2.

A netlink or packet socket belongs to the namespace that its thread was in when it was opened, and stays there::

    from bifilar.kernel import addresses, counters, routes
    from bifilar.kernel.namespaces import run_in

    run_in(path, lambda: routes.dump(table=254, protocol=12))    # tuple[Route, ...]
    run_in(path, addresses.dump)                                 # tuple[InterfaceAddressState, ...]
    run_in(path, counters.dump)                                  # tuple[LinkCounters, ...]
    opened = run_in(path, open_my_socket)                        # use it from any thread afterwards

Every refusal of the kernel is a :class:`~bifilar.errors.MachineError` that names the object, unless a docstring
says otherwise.
"""
