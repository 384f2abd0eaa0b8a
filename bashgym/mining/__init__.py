"""What synthesizers share: finding pairs, feedback and credit in a trace, and making examples of them."""
