"""Rolls a feature out to users of a small shop, and watches it go wrong and right again.

    python3 examples/observability/demo.py

It starts Flagstaff, a Prometheus and two workers of the shop, edits the flag file like a person
(1 %, 5 %, 25 % of users, and back to 1 % when the alert fires), asks Prometheus what came of it,
holds that against the shop's own books and draws a picture. Everything is on loopback, on free
ports and in a temporary directory, and ends with the demo. The first run makes a virtual
environment beside this file.
"""

import argparse
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--flagstaff", type=Path, help="the binary; otherwise it is built")
    parser.add_argument("--picture", type=Path, default=Path("rollout.svg"), help=".svg or .png")
    parser.add_argument("--numbers", type=Path, help="also write the numbers, as JSON")
    parser.add_argument("--quick", action="store_true", help="half a minute instead of two")
    parser.add_argument("--environment", type=Path, default=HERE / ".venv", help="where it is made")
    return parser.parse_args()


def enter(environment: Path) -> None:
    """Goes on in a virtual environment that has the pinned packages; makes it if need be."""
    if Path(sys.prefix).resolve() == environment.resolve():
        return
    if sys.version_info < (3, 10):
        sys.exit("this needs Python 3.10 or newer")
    pins = HERE / "requirements.txt"
    made_of = f"{sys.version}\n{pins.read_text()}"
    python, stamp = environment / "bin" / "python", environment / "made-of"
    environment.mkdir(parents=True, exist_ok=True)
    with (environment / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another demo may be making it
        if not stamp.exists() or stamp.read_text() != made_of:
            print(f"making a virtual environment in {environment}", flush=True)
            stamp.unlink(missing_ok=True)
            pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", pins]
            try:
                subprocess.run([sys.executable, "-m", "venv", environment], check=True)
                subprocess.run([python, *pip], check=True)
            except subprocess.CalledProcessError as error:
                sys.exit(f"{error}\non Debian or Ubuntu: apt-get install python3 python3-venv")
            stamp.write_text(made_of)
    os.execv(python, [python, *sys.argv])


def prometheus() -> str:
    found = shutil.which("prometheus")
    if not found:
        sys.exit(
            "prometheus is missing; on Debian or Ubuntu: apt-get install prometheus "
            "(elsewhere: https://prometheus.io/download, and put it on the PATH)"
        )
    return found


def built() -> Path:
    """Builds Flagstaff; returns the binary."""
    command = ["cargo", "build", "--release", "--locked", "--message-format=json-render-diagnostics"]
    try:
        build = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"{error}\ngive the path of a built binary with --flagstaff")
    messages = map(json.loads, build.stdout.splitlines())
    binaries = (m.get("executable") for m in messages if m.get("reason") == "compiler-artifact")
    return Path(next(filter(None, binaries)))


def main() -> None:
    options = arguments()
    server = prometheus()
    enter(options.environment)
    # What the environment brings.
    from picture import draw
    from rollout import FULL, QUICK, Failed, roll_out

    # A second Ctrl-C while things are being ended is not heeded: that takes a second or two.
    def end(number: int, _: object) -> None:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        sys.exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    try:
        story = roll_out(options.flagstaff or built(), server, QUICK if options.quick else FULL)
    except Failed as error:
        sys.exit(f"demo: {error}")
    draw(story, options.picture)
    if options.numbers:
        options.numbers.write_text(json.dumps(story.numbers, indent=2) + "\n")
    print(f"picture: {options.picture}")


if __name__ == "__main__":
    main()
