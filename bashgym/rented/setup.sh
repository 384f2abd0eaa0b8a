# the image's entrypoint does this; SkyPilot does not run it
if [ -f /workspace/axolotl/scripts/cuda13_env.sh ]; then . /workspace/axolotl/scripts/cuda13_env.sh; fi
if ! command -v {{ program }} >/dev/null; then
  echo "bashgym: the image has no {{ program }}; set cloud.image to one that has" >&2
  exit 1
fi
timeout 120 nvidia-smi --query-gpu=name,memory.total --format=csv
