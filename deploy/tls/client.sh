#!/bin/sh
# Makes a certificate of the authority in FOLDER that a computer shows to a broker which asks for one: certificate and key, in one file.
#   client.sh FOLDER NAME > NAME.pem
# It lets nobody in by itself: the broker asks for a login besides. It ends after 397 days; make another one before.
set -eu
umask 077
authority=$1 name=$2
case $name in *[!A-Za-z0-9._-]* | "") echo "A name has letters, digits, dots, _ and - alone." >&2; exit 2 ;; esac
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/key" -out "$work/request" -subj "/CN=$name" 2>/dev/null
printf 'extendedKeyUsage=clientAuth\nbasicConstraints=CA:FALSE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' > "$work/extensions"
openssl x509 -req -in "$work/request" -CA "$authority/ca.pem" -CAkey "$authority/ca.key" -days 397 -extfile "$work/extensions" \
  -set_serial "0x$(openssl rand -hex 16)" -out "$work/certificate" 2>/dev/null
cat "$work/certificate" "$work/key"
