"""What a script's own init() does, found out by following its code: see `read`."""
