import subprocess
import sys
import time

from pma.memory import TreeMemory

MEGABYTE = 1_000_000
HOLD = "data = bytearray(b'x' * {bytes}); print('held', flush=True); input()"
# A parent that holds 60 MB while a child of its own holds 80 MB; the parent reports for both.
FAMILY = f"""
import subprocess, sys
pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child = subprocess.Popen([sys.executable, "-c", {HOLD.format(bytes=80_000_000)!r}], **pipes)
child.stdout.readline()
{HOLD.format(bytes=60_000_000)}
child.communicate(b"\\n")
"""


def peak_of(code, expected):
    """Measure a process that prints a line once it holds its memory; give the sampler time to see it."""
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with TreeMemory(process.pid) as memory:
        process.stdout.readline()
        deadline = time.monotonic() + 20
        while memory.peak_bytes < expected and time.monotonic() < deadline:
            time.sleep(0.05)
        process.communicate(b"\n")
    assert process.returncode == 0
    return memory.peak_bytes


def test_the_peak_is_that_of_a_process_and_all_its_descendants_together():
    peak = peak_of(FAMILY, expected=140 * MEGABYTE)

    assert 140 * MEGABYTE < peak < 220 * MEGABYTE


def test_the_peak_stands_after_the_process_has_ended():
    peak = peak_of(HOLD.format(bytes=50_000_000), expected=50 * MEGABYTE)

    assert 50 * MEGABYTE < peak < 90 * MEGABYTE
