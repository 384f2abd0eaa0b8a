# a hosted job begins with nothing: it fetches its files at one commit and hands over to the program among them
if [ -f /workspace/axolotl/scripts/cuda13_env.sh ]; then . /workspace/axolotl/scripts/cuda13_env.sh; fi
exec python -c '
import os, sys, tempfile
from huggingface_hub import snapshot_download
folder = tempfile.mkdtemp()
files = snapshot_download(os.environ["BASHGYM_REPOSITORY"], revision=os.environ["BASHGYM_REVISION"], local_dir=folder, allow_patterns=["in/*"])
os.chdir(os.path.join(files, "in"))
os.execv(sys.executable, [sys.executable, "inside/hosted.py"])
'
