# The gateway in a small image: built in one stage, run in another without tools, as nobody.
FROM rust:1-bookworm AS build
WORKDIR /build
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
EXPOSE 8080 9180
ENTRYPOINT ["kelisim"]
CMD ["run", "--listen", "0.0.0.0:8080", "--rules", "/etc/kelisim/rules", "--data", "/var/lib/kelisim", "--admin", "0.0.0.0:9180"]
