"""Two versions beside each other: in a shadow, as arms of an experiment, and over rows that were answered already."""
