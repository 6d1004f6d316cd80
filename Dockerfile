# syntax=docker/dockerfile:1
# Builds the server from Cargo.lock: crates are fetched in one step, and nothing reaches the network while they are compiled.
#
#   docker build --tag champion-network .
#   docker run --publish 8080:8080 --volume champion-network:/var/lib/champion-network champion-network

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo fetch --locked
RUN --network=none cargo build --release --locked --offline

FROM debian:bookworm-slim
# JWK sets and the hub are fetched over https.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/champion-network --create-home champion-network
COPY --from=build /src/target/release/champion-network /usr/local/bin/champion-network
USER champion-network
WORKDIR /var/lib/champion-network
# Inside the container; what is published of it is the operator's choice. Settings: CHAMPION_… variables, see the README.
# Where SQLite makes its copy when it writes its file anew after an erasure: beside it.
ENV CHAMPION_LISTEN=0.0.0.0:8080 CHAMPION_LOG_FORMAT=json SQLITE_TMPDIR=/var/lib/champion-network
EXPOSE 8080
VOLUME /var/lib/champion-network
STOPSIGNAL SIGTERM
ENTRYPOINT ["champion-network"]
CMD ["serve"]
