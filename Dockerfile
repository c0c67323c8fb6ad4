FROM python:3.12-slim AS build
WORKDIR /srv/cocoon
COPY requirements.lock pyproject.toml README.md ./
RUN pip install --no-cache-dir --require-hashes --prefix=/install -r requirements.lock
COPY . .
RUN PYTHONPATH=/install/lib/python3.12/site-packages \
    pip install --no-cache-dir --no-deps --no-build-isolation --prefix=/install .

FROM python:3.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends fonts-dejavu-core && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --create-home cocoon && install -d -o cocoon -m 700 /data
COPY --from=build /install /usr/local
USER cocoon
ENV COCOON_DATA=/data COCOON_HOST=0.0.0.0 COCOON_PORT=8765 COCOON_LOG_JSON=yes PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8765
HEALTHCHECK --interval=10s --start-period=20s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8765/healthz', timeout=3)"]
ENTRYPOINT ["cocoon"]
CMD ["up"]
