# a hosted job begins with nothing: it fetches its files at one commit and hands over to the program among them
if [ -f /workspace/axolotl/scripts/cuda13_env.sh ]; then . /workspace/axolotl/scripts/cuda13_env.sh; fi
exec python -c '
import os, runpy, sys, tempfile
from huggingface_hub import snapshot_download
files, at = os.environ["BASHGYM_REPOSITORY"], os.environ["BASHGYM_REVISION"]
folder = snapshot_download(files, revision=at, local_dir=tempfile.mkdtemp(), allow_patterns=["in/*"])
os.chdir(os.path.join(folder, "in"))
sys.path.insert(0, os.path.abspath("inside"))
runpy.run_path("inside/hosted.py", run_name="__main__")
'
