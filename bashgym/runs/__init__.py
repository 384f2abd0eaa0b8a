"""What earlier runs did and hold, read from their folders: listed, compared, removed."""
