"""Which alerts are worth acting on, learned from what people answered; it sorts and explains, and hides nothing."""
