"""Why: signals relative to the reference, symptoms they make up, changes suspected, and what to do or not to do."""
