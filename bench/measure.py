"""What the benchmarks share: building, running by turns, and writing down what came of it.

Standard library only. Everything that is made lies in bench/out, which git ignores; results go to
docs/bench as a page and its raw data.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "bench" / "out"
PAGES = ROOT / "docs" / "bench"


def say(words):
    print(words, file=sys.stderr, flush=True)


def fail(words):
    say(f"bench: {words}")
    sys.exit(2)


def arguments(description):
    """The arguments that every benchmark takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--runs", type=int, default=7, help="measured runs of each side (default 7)")
    parser.add_argument(
        "--threads", type=int, default=os.cpu_count(), help="threads on both sides (default: all)"
    )
    parser.add_argument(
        "--seconds", type=float, default=20, help="length of the clip that is made (default 20)"
    )
    parser.add_argument(
        "--clip", action="append", default=[], type=pathlib.Path, metavar="FILE",
        help="measure on this real clip too; may be given again",
    )
    parser.add_argument(
        "--pages", type=pathlib.Path, default=PAGES, help="where results go (default docs/bench)"
    )
    return parser


def output_of(command, **options):
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, **options
    )
    if done.returncode != 0:
        fail(f"{shlex.join(map(str, command))} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def build():
    """The nervure of this checkout, built for release: its path."""
    for program in ("cargo", "ffmpeg", "ffprobe"):
        if not shutil.which(program):
            fail(f"{program} is missing; ./run setup installs what benchmarks need")
    say("building nervure")
    command = ["cargo", "build", "--release", "--package", "nervure"]
    messages = output_of(command + ["--message-format", "json"], cwd=ROOT)
    for line in messages.splitlines():
        path = json.loads(line).get("executable")
        if path:
            return pathlib.Path(path)
    return fail("cargo built no binary")


def machine(binary):
    """Where and with what this was measured."""
    model = platform.processor() or platform.machine()
    if pathlib.Path("/proc/cpuinfo").exists():
        found = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
        model = found.group(1) if found else model
    elif shutil.which("sysctl"):
        model = output_of(["sysctl", "-n", "machdep.cpu.brand_string"]).strip()
    system = platform.platform()
    release = pathlib.Path("/etc/os-release")
    if release.exists():
        found = re.search(r'PRETTY_NAME="(.*)"', release.read_text())
        system = f"{found.group(1) if found else system}, {platform.system()} {platform.release()}"
    instructions = []
    if pathlib.Path("/proc/cpuinfo").exists():
        flags = set(re.search(r"flags\s*: (.*)|$", pathlib.Path("/proc/cpuinfo").read_text())[0].split())
        instructions = [flag for flag in ("avx2", "avx512bw", "avx512_vnni") if flag in flags]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": model,
        "instructions": instructions,
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "system": system,
        "commit": output_of(["git", "describe", "--always", "--dirty"], cwd=ROOT).strip(),
        "nervure": output_of([binary, "--version"]).strip(),
        "ffmpeg": output_of(["ffmpeg", "-version"]).splitlines()[0],
        "rustc": output_of(["rustc", "--version"], cwd=ROOT).strip(),
    }


def made_clip(binary, name, size, seconds):
    """A clip of the built-in scenes, as H.264 without sound."""
    width, height = size
    path = OUT / f"{name}-{width}x{height}-{seconds:g}s.mp4"
    if path.exists():
        return path
    say(f"making {path.name}")
    OUT.mkdir(parents=True, exist_ok=True)
    scene = OUT / "scene.y4m"
    output_of([
        binary, "sample", "-o", scene, "--scene", name, "--size", f"{width}x{height}",
        "--seconds", f"{seconds:g}", "--seed", "1", "--force", "--quiet",
    ])
    encode(scene, path, ["-crf", "20", "-preset", "medium"])
    scene.unlink()
    return path


def real_clip(clip, size):
    """A real clip at this size, as H.264 without sound."""
    if not clip.exists():
        fail(f"{clip} does not exist")
    width, height = size
    path = OUT / f"{clip.stem}-{width}x{height}.mp4"
    if not path.exists():
        say(f"making {path.name}")
        OUT.mkdir(parents=True, exist_ok=True)
        scale = ["-vf", f"scale={width}:{height}:flags=bicubic,setsar=1"]
        encode(clip, path, scale + ["-crf", "20", "-preset", "medium"])
    return path


def encode(source, path, options):
    part = path.with_suffix(".part.mp4")
    output_of(
        ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", source, "-map", "0:v:0", "-an"]
        + ["-c:v", "libx264", "-pix_fmt", "yuv420p", *options, part]
    )
    part.rename(path)


def frames_in(path):
    """Packets of the video: for the files made here, one a frame."""
    return int(output_of([
        "ffprobe", "-v", "error", "-select_streams", "v:0", "-count_packets",
        "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", path,
    ]).strip().strip(","))


def run_once(command):
    """Runs a command with its output thrown away: seconds, CPU seconds, peak memory in MB."""
    errors = OUT / "errors.txt"
    with errors.open("wb") as stderr:
        start = time.perf_counter()
        child = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
        )
        # Of this child alone, where resource.getrusage would tell the largest of all so far.
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        fail(f"{shlex.join(map(str, command))} failed: {errors.read_text().strip()[-500:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "seconds": round(seconds, 4),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 4),
        "peak_mb": round(usage.ru_maxrss * unit / 1e6, 1),
    }


def by_turns(name, ours, theirs, runs, frames):
    """Measures two commands A B A B, so that both meet the same weather. The first of each is not
    counted: it warms the file cache."""
    sides = {"nervure": ours, "ffmpeg": theirs}
    measured = {side: [] for side in sides}
    for turn in range(runs + 1):
        for side, command in sides.items():
            result = run_once(command)
            if turn > 0:
                measured[side].append(result)
        say(f"{name}: {turn}/{runs}")
    rates = {side: [frames / run["seconds"] for run in results] for side, results in measured.items()}
    return {
        "name": name,
        "frames": frames,
        "commands": {side: readable(command) for side, command in sides.items()},
        "runs": measured,
        "frames_per_second": {side: summary(values) for side, values in rates.items()},
        "cpu_seconds": {
            side: summary([run["cpu_seconds"] for run in results]) for side, results in measured.items()
        },
        "peak_mb": {side: max(run["peak_mb"] for run in results) for side, results in measured.items()},
        # Of neighbours, which met the same weather; then the middle one.
        "ratio": summary([a / b for a, b in zip(rates["nervure"], rates["ffmpeg"])]),
    }


def summary(values):
    return {
        "median": round(statistics.median(values), 4),
        "least": round(min(values), 4),
        "most": round(max(values), 4),
    }


def readable(command):
    """The command as somebody else would type it: names without the folders of this machine."""
    parts = []
    for part in map(str, command):
        folder = pathlib.Path(part).is_absolute() and not part.startswith("/dev/")
        parts.append(pathlib.Path(part).name if folder else part)
    return shlex.join(parts)


def spread(values, digits):
    median, least, most = (values[key] for key in ("median", "least", "most"))
    return f"{median:.{digits}f} ({least:.{digits}f}–{most:.{digits}f})"


def speed_table(cases):
    lines = [
        "| case | nervure, frames/s | ffmpeg, frames/s | ratio | CPU seconds | peak memory, MB |",
        "|---|---|---|---|---|---|",
    ]
    for case in cases:
        rate, cpu, peak = case["frames_per_second"], case["cpu_seconds"], case["peak_mb"]
        lines.append(
            f"| {case['name']} | {spread(rate['nervure'], 1)} | {spread(rate['ffmpeg'], 1)} "
            f"| **{case['ratio']['median']:.2f}** ({case['ratio']['least']:.2f}–{case['ratio']['most']:.2f}) "
            f"| {cpu['nervure']['median']:.1f} / {cpu['ffmpeg']['median']:.1f} "
            f"| {peak['nervure']:.0f} / {peak['ffmpeg']:.0f} |"
        )
    return lines


def write(pages, name, title, facts, intro, sections, data, paired=True):
    """Writes the page and its raw data. Where nothing was timed by turns, it is not `paired`."""
    pages.mkdir(parents=True, exist_ok=True)
    instructions = ", ".join(facts["instructions"])
    lines = [
        f"# {title}", "", *intro, "",
        f"{facts['date']}, commit `{facts['commit']}`. {facts['cpu']}, {facts['cores']} cores"
        f"{f' ({instructions})' if instructions else ''}, {facts['memory_gib']} GiB, {facts['system']}. "
        f"{facts['nervure']}, {facts['ffmpeg'].split(' Copyright')[0]}, {facts['rustc']}. "
        f"Load before: {facts['load_before']}.", "",
    ]
    for section in sections:
        lines += [*section, ""]
    how = (
        "Figures are medians, with the least and the most in brackets. Both sides ran by turns "
        "(A B A B); the first of each was not counted. "
    )
    lines += [
        f"{how if paired else ''}Raw data: [{name}.json]({name}.json). Made by `bench/{name}`.",
    ]
    (pages / f"{name}.md").write_text("\n".join(lines) + "\n")
    document = {"machine": facts, **data}
    (pages / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    say(f"wrote {name}.md and {name}.json into {os.path.relpath(pages)}")


def commands_section(cases):
    lines = ["The commands:", "", "```sh"]
    for case in cases:
        lines += [f"# {case['name']}", *case["commands"].values()]
    return [*lines, "```"]
