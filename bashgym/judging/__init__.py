"""How a judge is asked and how it is measured: transcripts for a model, labelled sets, agreement, biases."""
