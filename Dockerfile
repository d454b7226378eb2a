FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements-run.lock ./
RUN python -m venv /opt/crm && \
    /opt/crm/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements-run.lock
COPY . .
RUN crmkit/graph/graphiql/npm/fetch python3 && \
    /opt/crm/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --system --create-home --home-dir /var/lib/crm crm
COPY --from=build /opt/crm /opt/crm
ENV PATH=/opt/crm/bin:$PATH \
    CRMKIT_PROFILE=production \
    PYTHONUNBUFFERED=1
USER crm
WORKDIR /var/lib/crm
VOLUME /var/lib/crm
CMD ["sh", "-c", "crmkit db upgrade && exec crmkit serve"]
