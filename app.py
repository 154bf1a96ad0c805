"""Llama UI: python app.py starts the chat; python app.py --help lists the flags."""

if __name__ == "__main__":
    from llama_ui.main import main

    main()
