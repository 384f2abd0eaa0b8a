"""Jobs on another machine that is ours already, over ssh: what is asked of it, what travels, what comes back."""
