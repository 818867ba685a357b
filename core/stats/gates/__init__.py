"""Evidence of a gate: tests of a candidate against a control that may be read after every look, as often as wanted."""
