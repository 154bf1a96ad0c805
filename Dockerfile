# Llama UI in a container: docker build -t llama-ui . && docker run -p 7860:7860 llama-ui
FROM python:3.11-slim

# A Hugging Face Docker Space runs as user 1000.
RUN useradd --create-home --uid 1000 llama
WORKDIR /home/llama/app

COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt

# Downloaded models stay in a volume: -v llama-models:/models
RUN mkdir /models && chown llama /models
VOLUME /models

COPY --chown=llama app.py ./
COPY --chown=llama llama_ui llama_ui
COPY --chown=llama assets assets

USER llama
ENV HF_HOME=/models LLAMA_UI_HOST=0.0.0.0 LLAMA_UI_PORT=7860 PYTHONUNBUFFERED=1
EXPOSE 7860
STOPSIGNAL SIGINT
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/', timeout=4)"]
CMD ["python", "app.py"]
