"""The application as it is started in particular places."""

from gradio_client import Client


def test_on_zero_gpu_it_says_so_and_pocket_llama_answers(start_app):
    app = start_app("--model", "7b", SPACES_ZERO_GPU="true")
    client = Client(app.url, verbose=False)
    assert client.predict("Hello!", api_name="/chat")
    assert "This Space runs on ZeroGPU" in app.log()
    assert "Pocket Llama is ready" in app.log()
