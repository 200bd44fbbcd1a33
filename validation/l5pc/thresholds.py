"""What counts as success in the published comparison."""

TIGHT, LOOSE = 0.55, 0.9
