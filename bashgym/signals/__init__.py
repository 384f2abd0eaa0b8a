"""What a trace shows of its own outcome: commands as the shell would split them, test runs, changes, files, words.

Read by judges now and by features later. Everything here treats a trace as hostile text: nothing is executed."""
