# trama in a container: docker build -t trama . && docker run -p 5000:5000 -p 127.0.0.1:5080:5080 trama
#
# Options are environment variables, such as -e TRAMA_WORKERS=4: see the table in README.md. SIGTERM, which `docker stop` sends,
# answers what was received within --drain-ms (10 s), which is also docker's patience: give it more with --stop-timeout 30.

FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY . .
RUN npm ci --no-audit --no-fund && npm prune --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
# In a container the HTTP side is reached from outside of it, or not at all; publish its port to nobody whom you do not trust.
ENV NODE_ENV=production TRAMA_HTTP_HOST=0.0.0.0 TRAMA_DATA_DIR=/data
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist/src ./dist/src
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 5000 5080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TRAMA_HTTP_PORT ?? 5080}/livez`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/src/cli/main.js"]
CMD ["serve"]
