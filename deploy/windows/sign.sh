#!/bin/sh
# Signs programs and packages for Windows with osslsigncode, in place. Without a certificate it
# does nothing.
#
#   SIGN_CERT=chain.pem SIGN_KEY=key.pem sign.sh FILE…
#   SIGN_PKCS12=sign.p12 sign.sh FILE…
#
# SIGN_PASSWORD_FILE holds the password of the key. SIGN_TIMESTAMP is the URL of a time stamping
# service (RFC 3161): without its stamp the signature ends with the certificate.
set -eu

if [ -z "${SIGN_PKCS12:-}${SIGN_CERT:-}${SIGN_KEY:-}" ]; then
  exit 0
fi
if [ -z "${SIGN_PKCS12:-}" ] && { [ -z "${SIGN_CERT:-}" ] || [ -z "${SIGN_KEY:-}" ]; }; then
  echo "sign.sh: SIGN_CERT and SIGN_KEY belong together" >&2
  exit 1
fi
for file in "$@"; do
  osslsigncode sign \
    ${SIGN_PKCS12:+-pkcs12 "$SIGN_PKCS12"} ${SIGN_CERT:+-certs "$SIGN_CERT"} ${SIGN_KEY:+-key "$SIGN_KEY"} \
    ${SIGN_PASSWORD_FILE:+-readpass "$SIGN_PASSWORD_FILE"} ${SIGN_TIMESTAMP:+-ts "$SIGN_TIMESTAMP"} \
    -h sha256 -n "procmon exporter" -i https://github.com/procmon/procmon -in "$file" -out "$file.signed" >/dev/null
  mv "$file.signed" "$file"
done
