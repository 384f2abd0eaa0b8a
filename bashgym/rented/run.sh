if [ -f /workspace/axolotl/scripts/cuda13_env.sh ]; then . /workspace/axolotl/scripts/cuda13_env.sh; fi
cd ~/{{ there }} || exit 1
{% for name, value in exports %}
export {{ name }}={{ value }}
{% endfor %}
# the limit on time is the limit on money: nothing else stops a job that hangs
timeout -k 60 {{ seconds }}s {{ command }}
code=$?
if [ "$code" -eq 124 ]; then
  echo "bashgym: stopped after {{ seconds }} seconds (cloud.limits)" >&2
fi
exit "$code"
