#!/usr/bin/env bash
# A Windows under wine that holds an installed worker: prepare.sh BUNDLE DIR
#   BUNDLE  the folder that deploy.windows.bundle made        DIR  where wine's Windows is put
# Run there: WINEPREFIX=DIR/prefix WINEDEBUG=-all wine 'C:\rapidstart\rapidstart-worker.cmd' ... </dev/null 2>&1 | cat
# (Windows' Python wants both output streams to be pipes under wine.)
set -euo pipefail
bundle=$(realpath "$1") dir=$(realpath -m "$2")
export WINEPREFIX="$dir/prefix" WINEDEBUG=-all WINEDLLOVERRIDES=mscoree,mshtml=
mkdir -p "$dir"
cp -r "$bundle" "$dir/bundle"
python="$dir/bundle/python"

# Wine 8 lacks four things of Windows 10: WMI and one call that copies files (Python does without them), one call for random
# numbers that every library written in Rust makes, and the socket options for keepalive.
rm -f "$python/_wmi.pyd"
cat > "$dir/random.c" <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count) { return SystemFunction036(bytes, (ULONG)count); }
C
x86_64-w64-mingw32-gcc-win32 -shared -o "$python/bcryptprimitives.dll" "$dir/random.c" -ladvapi32
cat > "$python/sitecustomize.py" <<'P'
import socket
import _winapi

del _winapi.CopyFile2
for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT"):
    if hasattr(socket, name):
        delattr(socket, name)
P

# Never `wine wineboot -i`: every first command starts Windows by itself, and that one starts a second service control manager
# beside it. Services that the one makes the other does not know.
wine cmd /c exit </dev/null >/dev/null 2>&1
wine winecfg -v win10 </dev/null >/dev/null 2>&1
# Windows gives a service half a minute to say that it is one, wine ten seconds: too few on a busy computer.
wine reg add 'HKLM\SYSTEM\CurrentControlSet\Control' /v ServicesPipeTimeout /t REG_DWORD /d 120000 /f </dev/null >/dev/null 2>&1
wine cmd /c "$(winepath -w "$dir/bundle/install.cmd" 2>/dev/null)" --accept-licence --folder 'C:\rapidstart' </dev/null 2>&1 | cat
test -f "$WINEPREFIX/drive_c/rapidstart/installed.json"
# What is in the registry is on the disk only once this Windows has shut down.
timeout 60 wineserver -w || { wineserver -k; timeout 60 wineserver -w; }
