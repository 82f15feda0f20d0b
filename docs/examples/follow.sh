#!/bin/sh
# Print every record once, one per line, forever. The file `last-id` stores the position to resume from.
# curl cannot watch heartbeats, so a new connection every 15 minutes replaces one that died unnoticed.
touch last-id
while :; do
  {
    printf 'header = "Authorization: Bearer %s"\n' "$BRIDGE_TOKEN" # not on the command line, where ps shows it
    printf 'header = "Last-Event-ID: %s"\n' "$(cat last-id)"
  } | curl --no-buffer --silent --show-error --fail --max-time 900 --config - \
    --header 'Accept: text/event-stream' "$BRIDGE_URL/v1/events?after=0" |
    while IFS= read -r line; do
      case $line in
        data:*) data=${line#data: } ;;
        id:*) id=${line#id: } ;;
        '') # an empty line ends the frame
          if [ -n "$data" ]; then printf '%s\n' "$data"; fi
          if [ -n "$id" ]; then printf '%s\n' "$id" >last-id; fi
          data='' id=''
          ;;
      esac
    done
  sleep 2
done
