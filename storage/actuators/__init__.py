"""What makes a rollback true in the world, and what reads the world back: plan, execute, verify."""
