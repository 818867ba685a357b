"""The symptoms that come with midwatch, one file a family; docs/why.md has the format."""
