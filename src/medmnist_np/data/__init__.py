"""Data sets: opened by name as arrays, selected, verified and registered."""
