# syntax=docker/dockerfile:1
FROM python:3.11.14-slim-bookworm

# "cpu" takes PyTorch's CPU build; "auto" or e.g. "cu128" one for a GPU (4.8 GB on disk)
ARG TORCH_BACKEND=cpu
ARG UV_VERSION=0.13.9

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TRAILMIX_HOME=/data

WORKDIR /app
RUN pip install --no-cache-dir uv==${UV_VERSION} \
    && apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 trailmix \
    && mkdir /data \
    && chown trailmix:trailmix /data

# what rarely changes first: the dependencies are a layer of their own
COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN uv venv /opt/venv \
    && uv pip install --no-cache --python /opt/venv/bin/python --torch-backend ${TORCH_BACKEND} \
        --constraint constraints.txt --requirement pyproject.toml --extra sample

COPY kg kg
COPY embeddings embeddings
COPY service service
COPY scripts scripts
RUN uv pip install --no-cache --no-deps --python /opt/venv/bin/python .

USER trailmix
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=6 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["trailmix", "serve", "--host", "0.0.0.0", "--port", "8000"]
