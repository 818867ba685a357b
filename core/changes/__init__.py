"""What was altered: the feed, and what tells it."""
