"""What plain settings can do: where they send data, what they spend, what they run, what privacy they take away."""
