#!/bin/sh
# install.sh PACKAGE: installs a system package where that is permitted, else says in one line what to type.
# Only python3-venv stops the set-up when it is missing: without tshark everything but captures works.
set -u
package=$1

if [ "$(id -u)" = 0 ]; then
  root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  root="sudo -n"
else
  root=refused
fi

if [ "$root" != refused ]; then
  if command -v apt-get >/dev/null; then
    echo "installing $package"
    $root apt-get update -qq >/dev/null 2>&1
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1
  elif [ "$package" = tshark ] && command -v dnf >/dev/null; then
    $root dnf install -y -q wireshark-cli >/dev/null 2>&1
  elif [ "$package" = tshark ] && command -v apk >/dev/null; then
    $root apk add -q tshark >/dev/null 2>&1
  elif [ "$package" = tshark ] && command -v pacman >/dev/null; then
    $root pacman -S --noconfirm --quiet wireshark-cli >/dev/null 2>&1
  fi
fi

case $package in
  tshark)
    command -v tshark >/dev/null && exit 0
    echo "tshark is missing, so captures cannot be opened. Type: sudo apt install tshark (macOS: brew install wireshark)"
    exit 0 ;;
  *)
    dpkg -s "$package" >/dev/null 2>&1 && exit 0
    echo "$package is missing. Type: sudo apt install $package"
    exit 1 ;;
esac
