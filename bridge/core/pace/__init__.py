"""What one token may ask upstream, and when. Pure."""
