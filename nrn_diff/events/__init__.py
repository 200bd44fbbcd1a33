"""Event times of artificial cells, and the static schedule of deliveries that the fixed step consumes."""
