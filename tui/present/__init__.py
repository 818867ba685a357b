"""Pure presentation: a record and a moment in, Rich text out."""
