"""Settings that the model is least sure of, tried on the real engine: what is better goes into the plan."""
