FROM node:22-slim AS web
WORKDIR /web/graphiql
COPY web/graphiql/package.json web/graphiql/package-lock.json web/graphiql/.npmrc ./
RUN npm ci
COPY web/graphiql ./
RUN npm run build

FROM python:3.12-slim AS packages
RUN pip install --no-cache-dir uv
COPY requirements.lock ./
RUN uv venv /venv && uv pip sync --python /venv/bin/python --require-hashes --compile-bytecode requirements.lock

FROM python:3.12-slim
# A fixed number, so that an administrator can give a mounted volume to it.
RUN useradd --uid 10001 --create-home bart && install --directory --owner bart /var/lib/bart
WORKDIR /app
COPY --from=packages /venv /venv
COPY --from=web /web/graphiql/dist web/graphiql/dist
COPY migrations migrations
COPY geo geo
COPY schema schema
COPY api api
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 BART_HOST=0.0.0.0 BART_PORT=8000 BART_DATA_DIR=/var/lib/bart
USER bart
VOLUME /var/lib/bart
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
CMD ["python", "-m", "api", "serve"]
