"""Pure mathematics: arrays in, frozen results out; no storage, no clock, no randomness of its own."""
