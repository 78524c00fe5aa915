# Sourced by ./run and ./test: what the commands of this project ask of the machine.
# shellcheck shell=bash disable=SC2034

# Packages that building and running need, and what each is for.
BUILD_PACKAGES=(
    libsqlite3-dev libssl-dev zlib1g-dev libargon2-dev pkg-config # libraries of the copilot
    esbuild nodejs node-typescript node-react node-react-dom node-csstype node-prop-types # the page
    fonts-jetbrains-mono python3-fonttools python3-brotli python3-pip
    python3 python3-venv ca-certificates git
)
HOST_PACKAGES=(openssh-client procps)

if [[ -t 1 ]]; then
    BOLD=$'\e[1m' RED=$'\e[31m' GREEN=$'\e[32m' PLAIN=$'\e[0m'
else
    BOLD='' RED='' GREEN='' PLAIN=''
fi

say() { printf '%s\n' "$*"; }
step() { printf '%s==>%s %s\n' "$BOLD$GREEN" "$PLAIN" "$*"; }
warn() { printf '%s==> %s%s\n' "$RED" "$*" "$PLAIN" >&2; }
die() {
    warn "$1"
    shift
    if (($# > 0)); then printf '%s\n' "$@" >&2; fi
    exit 1
}

# The person who started this: with `sudo ./run` that is the one who called sudo, so that neither the build nor the
# copilot runs as root.
INVOKER=$(id -un)
if ((EUID == 0)) && [[ -n ${SUDO_USER:-} && ${SUDO_USER:-} != root ]]; then INVOKER=$SUDO_USER; fi

can_be_root() { ((EUID == 0)) || command -v sudo >/dev/null; }

as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        sudo "$@"
    fi
}

# Put in front of a command, makes it run as the person who started this.
AS_INVOKER=()
if [[ $INVOKER != "$(id -un)" ]]; then
    AS_INVOKER=(setpriv "--reuid=$INVOKER" "--regid=$(id -g "$INVOKER")" --init-groups
        env "HOME=$(getent passwd "$INVOKER" | cut -d: -f6)" "USER=$INVOKER")
fi

is_debian_or_ubuntu() {
    [[ -r /etc/os-release ]] && (. /etc/os-release && [[ " ${ID:-} ${ID_LIKE:-} " == *" debian "* || ${ID:-} == ubuntu ]])
}

missing_packages() {
    local package
    for package in "$@"; do
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || printf '%s\n' "$package"
    done
}

# Installs those of the named packages that are missing, and says so. The SSH service that Debian's openssh-server would
# start and enable stays off: the machine's own door is the machine's owner's business.
install_packages() {
    local missing=()
    is_debian_or_ubuntu || die "This system is neither Debian nor Ubuntu, so nothing can be installed for it here." \
        "Install what corresponds to these Debian packages, then start again with --no-install:" "  $*"
    mapfile -t missing < <(missing_packages "$@")
    if ((${#missing[@]} == 0)); then return 0; fi
    step "Installing ${#missing[@]} Debian packages: ${missing[*]}"
    can_be_root || die "Installing packages needs root." "Run this as root, or first:" "  apt-get install ${missing[*]}"
    local policy=/usr/sbin/policy-rc.d made_policy=''
    if [[ " ${missing[*]} " == *" openssh-server "* && ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
        made_policy=yes
    fi
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o Dpkg::Use-Pty=0) failed=''
    as_root "${apt[@]}" install --no-install-recommends "${missing[@]}" >"$INSTALL_LOG" 2>&1 ||
        { as_root "${apt[@]}" update >>"$INSTALL_LOG" 2>&1 &&
            as_root "${apt[@]}" install --no-install-recommends "${missing[@]}" >>"$INSTALL_LOG" 2>&1; } || failed=yes
    if [[ -n $made_policy ]]; then
        as_root rm -f "$policy"
        if [[ -d /run/systemd/system ]]; then as_root systemctl disable -q ssh.service ssh.socket 2>/dev/null || true; fi
    fi
    [[ -z $failed ]] || die "apt-get could not install them." "$(tail -n 15 "$INSTALL_LOG")"
}

# Puts Swift 6.3 or newer on PATH, or says how to get it. sudo drops a person's PATH, so the usual places are looked at too.
require_swift() {
    local folder version
    if ! command -v swift >/dev/null; then
        for folder in /opt/swift/usr/bin /usr/local/swift/usr/bin \
            "$(getent passwd "$INVOKER" | cut -d: -f6)/.local/share/swiftly/bin"; do
            if [[ -x $folder/swift ]]; then
                PATH=$folder:$PATH
                break
            fi
        done
    fi
    local advice=(
        "Get Swift 6.3 from https://www.swift.org/install/linux/: either"
        "  - swiftly: 'swiftly install 6.3', then open a new shell, or"
        "  - the archive for your system, unpacked to /opt/swift (so that /opt/swift/usr/bin/swift is there),"
        "and start this command again. Debian has no package of it."
    )
    command -v swift >/dev/null || die "Swift is not on PATH." "${advice[@]}"
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    [[ $version =~ ^[0-9]+\.[0-9]+$ ]] || die "'swift --version' does not answer." "${advice[@]}"
    local major=${version%%.*} minor=${version##*.}
    ((major > 6 || (major == 6 && minor >= 3))) || die "Swift $version is on PATH; 6.3 or newer is needed." "${advice[@]}"
    export PATH
}

# Whether this machine can listen there now.
port_is_free() {
    python3 -c 'import socket, sys; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try: s.bind((sys.argv[1], int(sys.argv[2])))
except OSError: sys.exit(1)' "$1" "$2"
}
