"""What makes a rollback true in the world, and what reads the world back: one file an actuator."""
