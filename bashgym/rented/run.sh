if [ -f /workspace/axolotl/scripts/cuda13_env.sh ]; then . /workspace/axolotl/scripts/cuda13_env.sh; fi
cd ~/{{ there }} || exit 1
mkdir -p logs
{% for name, value in exports %}
export {{ name }}={{ value }}
{% endfor %}
# who launches says which attempt this is and how long all of it may take; by hand it is the first, within the limits
attempt=${BASHGYM_ATTEMPT:-1} seconds=${BASHGYM_SECONDS:-{{ seconds }}} rank=${SKYPILOT_NODE_RANK:-0}
training=$((seconds > {{ 4 * reserve }} ? seconds - {{ reserve }} : seconds * 3 / 4))
mark=bashgym-$$-$RANDOM lines=0 metrics=0

marked() {  # every process of the training, also those that left its process group
  grep -lzxsF "BASHGYM_JOB=$mark" /proc/[0-9]*/environ | cut -d / -f 3
}
say() {
  if [ "$rank" = 0 ]; then printf 'bashgym %s %s %s %s\n' "$1" "$attempt" "$2" "$3"; fi
}
tell() {  # new whole lines, numbered, so that who follows can go on after a lost connection
  while IFS= read -r line; do
    line=${line%$'\r'} lines=$((lines + 1))
    say log "$lines" "${line##*$'\r'}"
  done < <(tail -n "+$((lines + 1))" logs/train.log 2>/dev/null)
  while IFS= read -r line; do
    metrics=$((metrics + 1))
    say metric "$metrics" "$line"
  done < <(tail -n "+$((metrics + 1))" metrics.jsonl 2>/dev/null)
}

# the limit on time is the limit on money: this ends the training even when this script is gone or hangs
setsid bash -c "$(declare -f marked); mark=$mark; sleep $seconds; kill -KILL \$(marked)" > /dev/null 2>&1 < /dev/null &
watchdog=$!
{% if push %}
timeout -k 10 600s python inside/push.py fetch || exit 1
if [ -f metrics.jsonl ]; then metrics=$(wc -l < metrics.jsonl); fi  # up to the checkpoint it goes on from: known already
pusher=
if [ "$rank" = 0 ]; then  # the others write parts of a checkpoint that are none alone
  python inside/push.py watch &
  pusher=$!
fi
{% endif %}
BASHGYM_JOB="$mark" timeout -k 60 "${training}s" {{ command }} > logs/train.log 2>&1 &
trainer=$!
trap 'kill -TERM "$trainer" 2>/dev/null' TERM INT HUP
while kill -0 "$trainer" 2>/dev/null; do
  tell
  sleep 1
done
wait "$trainer" 2>/dev/null
code=$?
kill -KILL $(marked) 2>/dev/null
if [ -n "$(tail -c 1 logs/train.log)" ]; then echo >> logs/train.log; fi  # a last line that was cut off
tell
{% if push %}
if [ -n "$pusher" ]; then
  kill -TERM "$pusher" 2>/dev/null
  for _ in $(seq 300); do kill -0 "$pusher" 2>/dev/null || break; sleep 1; done
  kill -KILL "$pusher" 2>/dev/null
fi
{% endif %}
{ kill -KILL -- "-$watchdog"; wait "$watchdog"; } 2>/dev/null
if [ "$code" -eq 124 ] || [ "$SECONDS" -ge "$training" ]; then
  say limit 1 ''
  echo "bashgym: stopped after $SECONDS of $seconds seconds (cloud.limits)" >&2
fi
if [ "$code" -eq 0 ] && [ "$rank" = 0 ]; then
  ( cd {{ output }} && find . -type f -not -path './checkpoint-*' -print0 | sort -z | xargs -0 sha256sum ) > result.part \
    && mv result.part result.sha256 || code=1
fi
if [ "$code" -ne 0 ] && [ "$rank" = 0 ] && cd {{ output }} 2>/dev/null; then  # for who comes to fetch what it had saved
  saved=$(ls -d checkpoint-*/trainer_state.json 2>/dev/null | sort -V | tail -n 1)  # the trainer writes that file last
  if [ -n "$saved" ]; then
    find "./${saved%/*}" -type f -print0 | sort -z | xargs -0 sha256sum > ~/{{ there }}/saved.part \
      && mv ~/{{ there }}/saved.part ~/{{ there }}/saved.sha256
  fi
fi
say exit 1 "$code"
exit "$code"
