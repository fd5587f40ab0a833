# The guide in one image: every process of compose.yaml starts from it, each with a command of its own.

FROM python:3.13.7-slim-trixie AS build
COPY requirements.txt /tmp/
RUN python -m venv /venv \
 && /venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/requirements.txt \
 && /venv/bin/python -m pip uninstall --yes --quiet pip

FROM python:3.13.7-slim-trixie
# pg_dump and pg_restore, for backups
RUN apt-get update \
 && apt-get install --yes --no-install-recommends postgresql-client \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin guide \
 && install -d -o guide -g guide /data /backups
COPY --from=build /venv /venv
WORKDIR /app
COPY . .
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/data BACKUP_DIR=/backups HOST=0.0.0.0 PORT=8000
USER guide
# A secret of no use later, so that none is made and left in the image.
RUN SECRET_KEY=while-building python manage.py collectstatic --no-input --verbosity 0
EXPOSE 8000
# Over http and by a name of the site, as nginx asks.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-c", "\
import os, urllib.request as web; \
site = os.environ.get('ALLOWED_HOSTS', 'localhost').split(',')[0].strip().lstrip('.'); \
web.urlopen(web.Request('http://127.0.0.1:' + os.environ['PORT'] + os.environ.get('URL_PREFIX', '') + '/healthz', headers={'Host': site}), timeout=4)"]
CMD ["python", "-m", "config.server"]
