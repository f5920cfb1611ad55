#!/usr/bin/env bash
# LibTorch for the tch backend, from PyPI into .libtorch/ of this repository; with --cuda, what
# a GPU needs as well. Wants Python 3 with venv. `cargo xtask setup-tch` does the same.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in
    "") cuda=0 ;;
    --cuda) cuda=1 ;;
    *) echo "setup-tch: there is no flag '$1': choose --cuda or none" >&2; exit 2 ;;
esac
if [ "$(uname -sm)" != "Linux x86_64" ]; then
    echo "setup-tch: this is set up for Linux on x86-64; elsewhere install LibTorch 2.9.0 by" \
        "hand and set LIBTORCH, see docs/backends.md" >&2
    exit 2
fi

# The version that burn-tch wants, and the parts of CUDA without which the main library of that
# package does not load even where no GPU is used.
packages=(torch==2.9.0 nvidia-cuda-runtime-cu12==12.8.90 nvidia-cuda-cupti-cu12==12.8.90)
folder=$PWD/.libtorch
# One with CUDA lies elsewhere, so that cargo sees another LibTorch and builds against it.
site=$folder/$([ $cuda = 1 ] && echo cuda || echo cpu)
rm -rf "$site"
# A pip of its own: those of distributions refuse to install, or are not there.
python3 -m venv "$folder/venv"
options=(--quiet --disable-pip-version-check --no-compile --target "$site")
[ $cuda = 1 ] || options+=(--no-deps)
echo "getting ${packages[0]}: $([ $cuda = 1 ] && echo 'some 3 GB with CUDA' || echo 0.9 GB)" >&2
"$folder/venv/bin/pip" install "${options[@]}" "${packages[@]}"

if [ $cuda = 0 ]; then
    # Most of the package, and only for a GPU. Without libtorch_cuda.so programs are not linked
    # against CUDA.
    for part in libtorch_cuda libtorch_cuda_linalg libtorch_nvshmem libc10_cuda libcaffe2_nvrtc; do
        rm "$site/torch/lib/$part.so"
    done
fi

libraries=$site/torch/lib
for lib in "$site"/nvidia/*/lib; do
    libraries=$libraries:$lib
done
cat > "$folder/env.sh" <<END
export LIBTORCH='$site/torch'
export LIBTORCH_CXX11_ABI=1
export LD_LIBRARY_PATH='$libraries'"\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
END
# Whether a GPU is seen, by NVIDIA's driver: without it a program with CUDA runs on the CPU.
if [ $cuda = 1 ]; then
    if gpus=$(nvidia-smi --query-gpu=name,memory.total --format=csv,noheader 2>/dev/null) && [ -n "$gpus" ]; then
        echo "LibTorch ${packages[0]#torch==} with CUDA; the driver sees: $gpus"
    else
        echo "LibTorch ${packages[0]#torch==} with CUDA; no GPU is seen: nvidia-smi does not answer." \
            "It builds and runs on the CPU; cuda:0 needs NVIDIA's driver" >&2
    fi
else
    echo "LibTorch ${packages[0]#torch==} for the CPU"
fi
on='' tests=''
[ $cuda = 0 ] || { on=' --device cuda:0'; tests='REGIME_TEST_DEVICE=cuda:0 '; }
cat <<END
LibTorch is in .libtorch/. In a shell that has read

    . .libtorch/env.sh

build and run with it:

    cargo xtask-tch reproduce finding-1 --profile smoke --backend tch$on
    ${tests}cargo test --workspace --all-features
END
