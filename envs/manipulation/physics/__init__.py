"""Physics of one world of bodies: the contract, and the engines behind it."""
