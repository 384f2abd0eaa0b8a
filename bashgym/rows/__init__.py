"""What the format plugins share: turns cut to length, chat templates as text, pairs, calls that are sound."""
