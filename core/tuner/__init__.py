"""Changes of checks proposed from the stored history, back-tested on it, accepted, rejected and reverted by people."""
