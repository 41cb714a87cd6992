# The gateway in a small image: built in one stage, run in another without a compiler, as nobody.
#
#   docker build -t kelisim .
#   docker run -d --read-only --cap-drop ALL -e KELISIM_UPSTREAM=http://10.0.0.5:3000 -p 80:8080 -v consent:/var/lib/kelisim kelisim
FROM rust:1-bookworm AS build
WORKDIR /build
# A backtrace keeps its names; with its lines the program would be four times as large.
ENV CARGO_PROFILE_RELEASE_DEBUG=false CARGO_PROFILE_RELEASE_STRIP=debuginfo
# Cargo's own variables, where a build has to be quick or sparing instead: `--build-arg CARGO_PROFILE_RELEASE_LTO=off`.
ARG CARGO_BUILD_JOBS
ARG CARGO_PROFILE_RELEASE_LTO
ARG CARGO_PROFILE_RELEASE_CODEGEN_UNITS
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY rules rules
COPY benches benches
RUN cargo build --release --locked --bin kelisim

FROM debian:bookworm-slim
COPY --from=build /build/target/release/kelisim /usr/local/bin/kelisim
COPY rules /etc/kelisim/rules
# Whom `https://` sites are checked against.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# The record, the logs and the key lie on a volume that belongs to the gateway's account alone.
RUN install -d -o 65534 -g 65534 -m 0700 /var/lib/kelisim
USER 65534:65534
VOLUME /var/lib/kelisim
# The admin address on 9180 is not among them: `docker run -P` would publish it.
EXPOSE 8080
# Variables and not flags: flags win over them, and `kelisim health` reads the same address.
ENV KELISIM_LISTEN=0.0.0.0:8080 KELISIM_ADMIN=0.0.0.0:9180 KELISIM_RULES=/etc/kelisim/rules KELISIM_DATA=/var/lib/kelisim
HEALTHCHECK --interval=5s --timeout=12s --retries=3 CMD ["kelisim", "health"]
ENTRYPOINT ["kelisim"]
CMD ["run"]
