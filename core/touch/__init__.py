"""How the fault of an alert would touch the model: its predictions, its decisions, its metric."""
