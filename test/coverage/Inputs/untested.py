#!/usr/bin/env python3
# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Names the TableGen records of a kind that no test mentions.

usage: untested.py CLASS FIELD PREFIX TESTS FILE

Of every record of the class CLASS in the files named FILE, PREFIX and the value of FIELD
have to be a word in the name or the text of a .mlir or .test file below TESTS.
"""

import json
import re
import subprocess
import sys
from pathlib import Path


def names(kind: str, field: str, td: Path, include: Path) -> set[str]:
    command = ["llvm-tblgen", "-dump-json", str(td), "-I", str(include)]
    command += ["-I", str(td.parent), "-I", "/usr/lib/llvm-19/include"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    records = json.loads(done.stdout)
    return {records[name][field] for name in records["!instanceof"].get(kind, [])}


def main() -> int:
    kind, field, prefix, tests, file = sys.argv[1:]
    root = Path(__file__).resolve().parents[3]
    texts = [path for path in Path(tests).rglob("*") if path.suffix in {".mlir", ".test"}]
    text = "\n".join(f"{path}\n{path.read_text(encoding='utf-8')}" for path in texts)
    known = set()
    for folder in ("compiler", "frontends", "targets"):
        for td in (root / folder).rglob(file):
            known |= names(kind, field, td, root / "compiler" / "include")
    missing = [
        n for n in sorted(known) if not re.search(rf"{re.escape(prefix + n)}(?![\w-])", text)
    ]
    for name in missing:
        print(f"no test below {tests} has {prefix}{name}")
    print(f"{len(known)} names, {len(missing)} without a test")
    return 1 if missing or not known else 0


if __name__ == "__main__":
    sys.exit(main())
