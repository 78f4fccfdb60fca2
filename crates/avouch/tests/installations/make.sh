#!/usr/bin/env bash
# Makes the archive of an installation for the tests of later versions: `make.sh AVOUCH ARCHIVE`,
# AVOUCH being the program whose database it is to hold. Needs ffmpeg, curl and python3.
set -euo pipefail
avouch=$(realpath "$1") archive=$(realpath -m "$2")
one_page=$(realpath "$(dirname "$0")/../../../testkit/tests/it/one-page.pdf")
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

"$avouch" sandbox --dir sandbox --listen 127.0.0.1:0 >said 2>log &
server=$!
until grep -q ready said; do sleep 0.1; done

json() { python3 -c "import json,sys; print(json.load(sys.stdin)$1)"; }
told() { json "$1" <sandbox/sandbox.json; }
base=$(told "['one_shot']['base']")
call() { curl --fail-with-body -sS "$base$1" "${@:2}"; }

# Small ones, since they are encrypted and no archive makes them smaller.
ffmpeg -v error -f lavfi -i testsrc=size=320x200 -frames:v 1 -q:v 12 still.jpg
ffmpeg -v error -f lavfi -i testsrc=size=160x120:rate=5 -t 2 -c:v libx264 -pix_fmt yuv420p video.mp4
still=$(base64 -w0 still.jpg)
cat >evidence.json <<END
{ "acceptance": { "description": "accepted", "ip": "192.0.2.10", "date": 1750000000000 },
  "videoid_data": {
    "images": { "document_front": "$still", "document_rear": "$still",
                "document_photo": "$still", "document_owner": "$still" },
    "ocr_data": { "given_name": "Ana", "surname_1": "Ejemplo", "serial_number": "00000000T" },
    "security_checks": { "documents_match": true }, "similarity_level": "high" } }
END

create() {
  call /videoid --json '{ "mobile_phone_number": "+34600000000", "email": "ana@example.com",
    "registration_authority": '"$(told "['registration_authority']")"', "profile": "PFnubeNC" }'
}
review() {
  call "/videoid/$1/evidences" --json @evidence.json
  call "/videoid/$1/video" -F video=@video.mp4
}
approve() { call "/videoid/$1/approve" --json '{ "token": "'"$(told "['rao']['token']")"'" }'; }
upload() { call "/document/$1" -F "file=@$one_page;type=application/pdf" | json "['detail']['uid']"; }

comma='{ '
for status in VIDEOPENDING VIDEOREVIEW ENROLLREADY ISSUED; do
  made=$(create)
  request=$(json "['detail']['request_pk']" <<<"$made")
  videoid=$(json "['detail']['videoid_pk']" <<<"$made")
  document=
  case $status in
  VIDEOREVIEW) review "$videoid" ;;
  ENROLLREADY)
    review "$videoid"
    approve "$videoid"
    document=$(upload "$request")
    ;;
  ISSUED)
    review "$videoid"
    approve "$videoid"
    document=$(upload "$request")
    call "/otp/$request" -X POST
    until [ -s sandbox/sms.jsonl ]; do sleep 0.1; done
    call "/sign/$request" --json '{ "secret": "'"$(tail -n 1 sandbox/sms.jsonl | json "['code']")"'" }'
    ;;
  esac
  printf '%s"%s": { "request": %s, "videoid": %s, "document": "%s" }' \
    "$comma" "$status" "$request" "$videoid" "$document" >>sandbox/requests.json
  comma=$',\n  '
done
printf ' }\n' >>sandbox/requests.json
echo

kill "$server"
wait "$server" || true
tar --create --gzip --file "$archive" --owner 0 --group 0 --directory sandbox .
