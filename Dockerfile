# Llama UI in a container, for this machine alone:
#   docker build -t llama-ui . && docker run -p 127.0.0.1:7860:7860 llama-ui
FROM python:3.11.14-slim-bookworm

# A Hugging Face Docker Space runs as user 1000.
RUN useradd --create-home --uid 1000 llama \
  && install --directory --owner llama /models
WORKDIR /app

COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt

# Of root, and so not to be changed by the user that runs it.
COPY app.py ./
COPY llama_ui llama_ui
COPY assets assets

# Downloaded models stay in a volume: -v llama-models:/models
VOLUME /models
USER 1000
ENV HF_HOME=/models LLAMA_UI_HOST=0.0.0.0 LLAMA_UI_PORT=7860 PYTHONDONTWRITEBYTECODE=1
EXPOSE 7860
# Of the port that is set, and through no proxy.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import os; from urllib.request import ProxyHandler, build_opener; build_opener(ProxyHandler({})).open('http://127.0.0.1:%s/health' % (os.environ.get('LLAMA_UI_PORT') or 7860), timeout=4)"]
CMD ["python", "app.py"]
