#!/bin/sh
# Makes an authority of your own and the certificates that it signs for dispatcher and broker, where there are none yet.
#   certificates.sh FOLDER HOST [OWNER]
# HOST is the name (or address) by which workers and people come. What is there is kept: run it again to make what is missing;
# remove dispatcher.pem or broker.pem to have it made anew. ca.key signs whatever it is told to: keep it off the dispatcher.
set -eu
umask 077
folder=$1 host=$2 owner=${3:-}
mkdir -p "$folder"
cd "$folder"

case $host in
  *[!0-9.]*) name=DNS:$host ;;
  *) name=IP:$host ;;
esac

if [ ! -e ca.pem ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -keyout ca.key -out ca.pem \
    -subj "/CN=RapidStart Connector's authority" -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
fi

signed() {
  if [ -e "$1.pem" ]; then return; fi
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$host" 2>/dev/null
  printf 'subjectAltName=%s,DNS:%s,DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' \
    "$name" "$2" > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 397 -extfile "$1.ext" -out "$1.pem" 2>/dev/null
  rm "$1.csr" "$1.ext"
}
signed dispatcher dispatcher
signed broker valkey

chmod 0755 .
chmod 0644 ca.pem dispatcher.pem broker.pem
if [ -n "$owner" ]; then chown "$owner" dispatcher.pem dispatcher.key; fi
