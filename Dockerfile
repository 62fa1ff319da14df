# The builder runs on the machine's own platform and cross-compiles: Go needs no emulation for that.
# (BUILDPLATFORM and TARGET* are set by BuildKit, Docker's builder since version 23, and by Podman.)
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src

# Modules first, in a layer of their own: it changes only when go.mod or go.sum do.
COPY go.mod go.sum ./
RUN go mod download

# The version comes from outside, because .git is not part of the build context.
ARG VERSION=0.0.0-dev
ARG REVISION=unknown
ARG BRANCH=unknown
ARG BUILD_DATE=unknown
ARG TARGETOS
ARG TARGETARCH
COPY . .
# The very command of the release; `make image-check` runs it without Docker.
RUN GOOS=$TARGETOS GOARCH=$TARGETARCH make build-scrape \
    VERSION="$VERSION" REVISION="$REVISION" BRANCH="$BRANCH" BUILD_DATE="$BUILD_DATE"
# scratch has no mkdir: the output directory is made here and copied with its owner.
RUN mkdir -p /rootfs/var/lib/ecs-scrape

# Nothing but one static binary, so there is nothing else to patch and no shell to reach.
FROM scratch
# AWS is spoken to over TLS; these are the roots that the SDK verifies against.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# The tree's parent is copied, so that ecs-scrape/ itself is an entry that --chown applies to.
COPY --from=build --chown=65534:65534 /rootfs/var/lib/ /var/lib/
COPY --from=build /src/bin/ecs-scrape /ecs-scrape

# nobody, the user of Prometheus's own image: files with mode 0400 written here are readable there.
USER 65534:65534
# Declared after the directory got its owner: a bind mount of ECS takes the owner from the image
# only for a path that is a VOLUME, and is root:root 0755 otherwise.
VOLUME /var/lib/ecs-scrape
# Plain Docker and Compose use this. ECS ignores it: there the task definition repeats the command.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["/ecs-scrape", "healthcheck"]
ENTRYPOINT ["/ecs-scrape"]
