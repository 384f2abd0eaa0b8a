"""Rented machines: which GPU is called what where, the task SkyPilot would launch, and what it would cost."""
