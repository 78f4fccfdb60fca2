#!/bin/sh
# Makes the films beside this script with ffmpeg and writes down what ffprobe, a reader that is not
# ours, says about each. Run by hand; the results are committed, so the tests need neither.
set -eu
cd "$(dirname "$0")"
ff() { ffmpeg -hide_banner -loglevel error -y -bitexact "$@"; }
picture="-f lavfi -i testsrc2=size=160x96:rate=10"
sound="-f lavfi -i sine=frequency=440"
h264="-t 2 -c:v libx264 -threads 1 -preset veryslow -crf 45 -pix_fmt yuv420p -g 10 -c:a aac -b:a 16k -ac 1 -ar 16000"
vorbis="-c:a libvorbis -ar 16000 -ac 1 -q:a 0"

ff $picture $sound $h264 plain.mp4
ff $picture $sound $h264 -movflags +faststart faststart.mp4
ff $picture $sound $h264 -movflags frag_keyframe+empty_moov+default_base_moof fragmented.mp4
ff $picture $sound $h264 -movflags frag_keyframe+empty_moov fragmented-based.mp4
ff $picture $sound $h264 plain.mov
ff $picture $sound $h264 plain.mkv
ff -f lavfi -i testsrc2=size=176x144:rate=10 -t 0.5 -c:v h263 -q:v 31 plain.3gp
ff $picture $sound -t 2 -c:v libvpx -b:v 30k $vorbis plain.webm
ff $picture -t 2 -c:v libvpx-vp9 -b:v 30k vp9.webm
# Written to a pipe, as a browser's recorder does: sizes unknown, no duration.
ff $picture -t 2 -c:v libvpx -b:v 30k -f webm -live 1 -cluster_time_limit 500 - | cat > live.webm
ff $sound -t 1 -c:a aac -b:a 16k -ac 1 -ar 16000 sound.mp4
ff $sound -t 1 $vorbis sound.webm
ff $picture -t 0.2 -c:v mpeg4 -q:v 31 plain.avi

for film in *.mp4 *.mov *.3gp *.webm *.mkv; do
    printf '{"file":"%s","ffprobe":' "$film"
    ffprobe -v error -of json=compact=1 \
        -show_entries stream=codec_type,codec_name,width,height,duration:format=duration "$film" | tr -d '\n'
    printf '}\n'
done > ffprobe.jsonl
