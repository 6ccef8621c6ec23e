# carat alone: a static binary and the certificates that `carat pull` needs, run by a user without rights.
#
#   docker build -t carat .
#   docker run --rm -v "$PWD:/work" carat inspect model.gguf
#
# FROM_BUILD=release takes the binary that goreleaser has built (linux/ARCH/carat) in place of building one.
ARG FROM_BUILD=source

FROM golang:1.26-alpine AS source
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /carat ./cmd/carat

FROM --platform=$BUILDPLATFORM alpine:3.22 AS release
ARG TARGETPLATFORM
RUN apk add --no-cache ca-certificates
COPY ${TARGETPLATFORM}/carat /carat

FROM ${FROM_BUILD} AS built
RUN mkdir -p /made/etc/ssl/certs /made/tmp /made/work \
 && cp /etc/ssl/certs/ca-certificates.crt /made/etc/ssl/certs/ \
 && cp /carat /made/carat && chmod 1777 /made/tmp /made/work

FROM scratch
COPY --from=built /made /
ENV HOME=/work
WORKDIR /work
USER 65532:65532
ENTRYPOINT ["/carat"]
