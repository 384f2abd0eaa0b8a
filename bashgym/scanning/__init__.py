"""What sanitizers share: rules compiled once, shapes of secrets, values this machine is known by, improbability."""
