"""The page: all of Gradio lives here."""
