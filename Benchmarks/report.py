"""Figures for people: lines on a terminal, tables for a page."""

HEADINGS = {
    "latency": "Key-stroke echo: a character typed, through the host's PTY and `cat`, and back",
    "bulk": "Bulk: a coloured text file by `cat` to every viewer, beside ssh with a terminal (`-tt`) and without",
    "memory": "Memory of idle sessions, and how fast they open",
    "gateway-ssh": "The SSH port beside ssh -J through OpenSSH: a key stroke's echo, and bytes without a terminal",
    "viewers": "A driver's key strokes alone, and while others look on at the same session",
    "connect": "From nothing to the host's prompt",
}


def number(value):
    if isinstance(value, str):
        return value
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.2f}"


def show(name, result, indent="  "):
    print(f"{indent[:-2]}{name}", flush=True)
    for key, value in result.items():
        if isinstance(value, dict):
            show(key, value, indent + "  ")
        else:
            print(f"{indent}{key:26} {number(value):>12}", flush=True)


def markdown(results):
    machine = "; ".join(f"{name}: {value}" for name, value in results["machine"].items())
    parts = [
        "# Benchmarks", "",
        "The gateway beside plain OpenSSH and beside a web terminal of libwebsockets that runs `ssh` and shows it to everybody,",
        "against the same sshd, in turns within one run; medians over the rounds. At the gateway TLS,",
        "recording, audit and policy are on, as always. Read the ratios (x): the absolute figures are this machine's.", "",
        f"{machine}. Loopback. Made by `Benchmarks/run --markdown FILE`.", ""]
    for name, heading in HEADINGS.items():
        if name in results:
            parts += [f"## {heading}", "", *tables(results[name]), ""]
    return "\n".join(parts).rstrip() + "\n"


def tables(result):
    flat = {key: value for key, value in result.items() if not isinstance(value, dict)}
    nested = {key: value for key, value in result.items() if isinstance(value, dict)}
    lines = ["| what | figure |", "|---|---|", *(f"| {key} | {number(value)} |" for key, value in flat.items())]
    if nested:
        names = list(next(iter(nested.values())))
        lines += ["", "| | " + " | ".join(nested) + " |", "|---" * (len(nested) + 1) + "|"]
        lines += [f"| {name} | " + " | ".join(number(row[name]) for row in nested.values()) + " |" for name in names]
    return lines
