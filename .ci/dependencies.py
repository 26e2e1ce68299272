"""Refuses dependencies that would bring a second TLS or HTTP stack, or a licence that asks for more than a notice.

Reads lines of `cargo tree --prefix none --format '{p}|{l}'` from standard input. Exits with 1 and says which crate is
refused and why.
"""

import re
import sys

# The AWS SDK's legacy HTTP client, and every TLS stack but rustls with aws-lc.
BANNED = [r"hyper v0\.14\.", r"rustls v0\.21\.", r"ring v", r"native-tls v", r"openssl(-sys)? v", r"s2n-tls v", r"boring v"]

PERMISSIVE = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0",
    "CDLA-Permissive-2.0", "ISC", "MIT", "MIT-0", "Unicode-3.0", "Unlicense", "Zlib",
}


def is_permissive(expression):
    """Whether an SPDX expression can be met with permissive licences alone."""
    expression = re.sub(r"\s*/\s*", " OR ", expression)
    value, missing = re.subn(r"[A-Za-z0-9.+-]+(?: WITH [A-Za-z0-9.-]+)?", lambda found: word(found[0]), expression)
    return bool(missing) and eval(value, {"__builtins__": {}})  # Only True, False, and, or and parentheses are left.


def word(text):
    return {"OR": "or", "AND": "and"}.get(text) or str(text in PERMISSIVE)


def refusals(crates):
    for crate, licence in crates:
        if any(re.match(pattern, crate) for pattern in BANNED):
            yield f"{crate} is banned; see which dependency turns it on with `cargo tree --invert`"
        if not is_permissive(licence):
            yield f"{crate} has the licence `{licence}`"
    stacks = [crate for crate, _ in crates if crate.startswith("rustls v")]
    if len(stacks) != 1:
        yield f"one rustls is wanted, there are {stacks}"


def main():
    lines = {line.strip().removesuffix(" (*)") for line in sys.stdin if line.strip()}
    crates = sorted({(" ".join(line.split("|")[0].split()[:2]), line.split("|")[1]) for line in lines})
    refused = list(refusals(crates))
    print("\n".join(refused) or f"{len(crates)} crates, all permissive, one TLS stack")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
