#!/bin/sh
# Makes sure that the few system libraries are there that Qt and the packaging of the program need.
# On Debian as root they are installed; elsewhere it says what to install.
set -eu
[ "$(uname -s)" = "Linux" ] || exit 0

packages="libglib2.0-0 libegl1 libgl1 libxkbcommon0 libxkbcommon-x11-0 libdbus-1-3 libfontconfig1 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libxcb-xkb1 libcups2 fonts-dejavu-core xvfb poppler-utils binutils"

if ! command -v dpkg-query >/dev/null 2>&1; then
    [ -e /etc/debian_version ] || exit 0
fi
missing=""
for package in $packages; do
    # Debian 13 renamed some of them: libglib2.0-0 is libglib2.0-0t64 there, and provides the old name.
    case $(dpkg-query -W -f '${Status},' "$package" "${package}t64" 2>/dev/null || true) in
        *"install ok installed"*) ;;
        *) missing="$missing $package" ;;
    esac
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ]; then
    echo "Installing:$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "These system packages are missing; install them first:" >&2
    echo "    sudo apt-get install$missing" >&2
    exit 1
fi
