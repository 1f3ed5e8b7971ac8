"""One compiled epoch: the events on the device, their order, the step, and the programs that are kept."""
