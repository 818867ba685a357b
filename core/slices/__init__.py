"""Where a model fails: the search for slices, and slice and dice by hand, over the rows of logs."""
