#!/bin/sh
# Every record once, one a line, for ever. The place to go on from is kept in the file `last-id`.
# curl cannot count heartbeats: a new connection every 15 minutes ends one that died in silence.
touch last-id
while :; do
  {
    printf 'header = "Authorization: Bearer %s"\n' "$BRIDGE_TOKEN" # not on the command line: ps shows it
    printf 'header = "Last-Event-ID: %s"\n' "$(cat last-id)"
  } | curl --no-buffer --silent --show-error --fail --max-time 900 --config - \
    --header 'Accept: text/event-stream' "$BRIDGE_URL/v1/events?after=0" |
    while IFS= read -r line; do
      case $line in
        data:*) data=${line#data: } ;;
        id:*) id=${line#id: } ;;
        '') # the end of a frame: only now is it whole
          if [ -n "$data" ]; then printf '%s\n' "$data"; fi
          if [ -n "$id" ]; then printf '%s\n' "$id" >last-id; fi
          data='' id=''
          ;;
      esac
    done
  sleep 2
done
