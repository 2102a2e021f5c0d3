#!/bin/sh
# PostgreSQL 15 (the embedded wheel brings 16 and 18), the pooler PgBouncer, and rclone, which serves
# WebDAV, for the tests that need them. On Debian as root they are installed where Debian has them, and nothing of them is started;
# elsewhere those tests say why they are skipped.
set -eu
[ "$(uname -s)" = "Linux" ] && command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ] || exit 0

missing=""
[ -x /usr/lib/postgresql/15/bin/initdb ] || missing="$missing postgresql-15"
command -v pgbouncer >/dev/null 2>&1 || [ -x /usr/sbin/pgbouncer ] || missing="$missing pgbouncer"
command -v rclone >/dev/null 2>&1 || missing="$missing rclone"
[ -z "$missing" ] && exit 0

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq || exit 0 # without them their tests are skipped
offered=""
for package in $missing; do
    [ -z "$(apt-cache madison "$package" 2>/dev/null)" ] || offered="$offered $package"
done
[ -z "$offered" ] && exit 0

echo "Installing for the tests:$offered"
# A package's own server must not start.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
fi
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $offered >/dev/null ||
    echo "They could not be installed: their tests are skipped." >&2
