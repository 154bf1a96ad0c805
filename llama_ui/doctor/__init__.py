"""python app.py --check: what the chosen model needs, and whether it is there."""
