"""What a metric reads before its labels have come, and how far such estimates were off when they came."""
