"""What alerts were worth: volume, precision, recall, what was missed, and how many pages a week were agreed on."""
