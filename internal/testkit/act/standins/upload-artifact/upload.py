"""Keeps the named files below $ACT_STORE/RUN/NAME, as actions/upload-artifact would put them into a zip."""

import os
import pathlib
import shutil
import sys


def main() -> int:
    name = os.environ["STANDIN_NAME"]
    asked = [pathlib.Path(line.strip()) for line in os.environ["STANDIN_PATH"].splitlines() if line.strip()]
    for path in asked:
        if path.is_dir() or str(path).endswith("/") or any(c in str(path) for c in "*?[!"):
            print(f"stand-in: {path} is a folder or a pattern; the workflows name files", file=sys.stderr)
            return 1
    hidden = os.environ["STANDIN_HIDDEN"] == "true"
    found = [p for p in asked if p.is_file() and (hidden or not any(part.startswith(".") for part in p.parts))]
    if not found:
        print(f"stand-in: no files for {name}")
        return int(os.environ["STANDIN_MISSING"] == "error")
    to = pathlib.Path(os.environ["ACT_STORE"], os.environ["GITHUB_RUN_ID"], name)
    if to.exists():
        if os.environ["STANDIN_OVERWRITE"] != "true":
            print(f"stand-in: an artifact {name} exists already", file=sys.stderr)
            return 1
        shutil.rmtree(to)
    # With several paths asked for, names count from the folder that they share.
    root = pathlib.Path(os.path.commonpath([str(p.parent) or "." for p in asked]))
    for path in found:
        target = to / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    print(f"stand-in: {len(found)} files uploaded as {name}")
    return 0


sys.exit(main())
