"""What a run came to, for people: the sentence, the scores, the curves as drawing; read by the report page."""
