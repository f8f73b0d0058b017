"""Writes the pages of docs/reference from the code: `make docs`.

What is said there stands in the code already: settings with their texts in `config/`, commands
with their help in `cli/`, extensions and commands of the protocols in their lists, and the first
line of each transcript. A test says when a page is not current.
"""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import click
from tests.system.relay_cases import CASES, Case

from posthouse.cli.root import posthouse
from posthouse.config.description import describe
from posthouse.config.loading import FILE_NAME
from posthouse.protocols.imap import extensions as imap_extensions
from posthouse.protocols.imap.commands import ALL as IMAP_COMMANDS
from posthouse.protocols.imap.extensions import ALL as IMAP_EXTENSIONS
from posthouse.protocols.pop3 import capabilities as pop3_capabilities
from posthouse.protocols.pop3.capabilities import ALL as CAPABILITIES
from posthouse.protocols.pop3.commands import COMMANDS as POP3_COMMANDS
from posthouse.protocols.sasl import MECHANISMS
from posthouse.protocols.sasl.mechanism import Mechanism
from posthouse.protocols.smtp import extensions as smtp_extensions
from posthouse.protocols.smtp.extensions import EXTENSIONS
from posthouse.protocols.smtp.session import Service
from posthouse.protocols.smtp.verbs import VERBS

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "posthouse"
TRANSCRIPTS = ROOT / "tests" / "protocols"
ATTACK = re.compile(r"\Aattack-\d+-")
NOTE = "<!-- Written by `make docs` from the code; do not edit. -->"


def pages() -> dict[Path, str]:
    """Every generated page, by its path."""
    makers: Mapping[str, Callable[[], Iterable[str]]] = {
        "settings": settings,
        "cli": commands,
        "smtp": smtp,
        "pop3": pop3,
        "imap": imap,
        "relaying": relaying,
    }
    folder = ROOT / "docs" / "reference"
    return {folder / f"{name}.md": "\n".join(make()) + "\n" for name, make in makers.items()}


def top(title: str, text: str) -> Iterator[str]:
    """How every page begins."""
    yield from (NOTE, "", f"# {title}", "", text)


def part(title: str, text: str = "") -> Iterator[str]:
    """A heading, and what is said below it."""
    yield from ("", f"## {title}")
    if text:
        yield from ("", text)


# Settings


def settings() -> Iterator[str]:
    yield from top(
        "Settings",
        f"All settings are optional. They are read from `{FILE_NAME}` in the data"
        " directory, or from the file that `--config` names; `--set KEY=VALUE` overrides one."
        " `posthouse config describe` prints this page, `posthouse config show` what is in effect,"
        " and `posthouse config check` says what is wrong. SIGHUP reads the file again; `listen`,"
        " `workers`, `tls.client_authorities` and `timeouts.shutdown` change with the next start"
        " only.",
    )
    table = None
    for setting in describe():
        parent = setting.key.rpartition(".")[0]
        if parent != table:
            table = parent
            yield from ("", f"## {f'[{parent}]' if parent else 'Top level'}", "")
            yield from ("| key | type | unit | default | |", "|---|---|---|---|---|")
        kind = setting.type.replace("|", "or").replace("'", '"')
        value = setting.default
        default = "required" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"
        yield f"| `{setting.key}` | {kind} | {setting.unit} | {default} | {setting.text} |"


# Commands


def commands() -> Iterator[str]:
    yield from top(
        "Commands",
        "Every command takes `--data DIRECTORY`, before or after its name; without it, the"
        " directory is `$POSTHOUSE_DATA`, or `./data`. Commands work beside a running server, all"
        " but `store restored`. The exit status is 0 when it was done, 1 when it was refused, 2"
        " when the usage was wrong.",
    )
    context = click.Context(posthouse, info_name="posthouse")
    for name in posthouse.list_commands(context):
        command = posthouse.get_command(context, name)
        assert command is not None
        yield from command_page(command, f"posthouse {name}")


def command_page(command: click.Command, path: str) -> Iterator[str]:
    """One command, or a group and its commands."""
    group = isinstance(command, click.Group)
    yield from ("", f"{'##' if path.count(' ') == 1 else '###'} {path}", "")
    text, example = divided_help(command)
    yield text
    if example:
        yield from ("", "```sh", *example, "```")
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    if arguments:
        yield from ("", "Arguments: " + " ".join(f"`{argument_name(p)}`" for p in arguments))
    options = [p for p in command.params if isinstance(p, click.Option)]
    own = [option for option in options if "--data" not in option.opts]
    if own:
        yield from ("", "| option | |", "|---|---|")
        for option in own:
            yield f"| `{option_name(option)}` | {option.help or ''} |"
    if group:
        assert isinstance(command, click.Group)
        for name, inner in command.commands.items():
            yield from command_page(inner, f"{path} {name}")


def divided_help(command: click.Command) -> tuple[str, list[str]]:
    """The help's text in one line, and the lines of its examples."""
    text, _, example = (command.help or "").partition("\b\n")
    return " ".join(text.split()), [line.strip() for line in example.strip().splitlines()]


def argument_name(argument: click.Argument) -> str:
    return argument.metavar or (argument.name or "").upper()


def option_name(option: click.Option) -> str:
    names = ", ".join(option.opts)
    if option.is_flag:
        return names
    if isinstance(option.type, click.Choice):
        return f"{names} {'/'.join(map(str, option.type.choices))}"
    return f"{names} {option.metavar or option.type.name.upper().split(' ')[0]}"


# Protocols


def smtp() -> Iterator[str]:
    yield from top(
        "SMTP",
        "RFC 5321, in `src/posthouse/protocols/smtp/`. The services are `smtp` (other sites bring"
        " mail for the people of this one), `lmtp` (RFC 2033), `submission` and `submissions` (the"
        " accounts' own programs, RFC 6409 and RFC 8314).",
    )
    yield from part(
        "Extensions",
        "In the order of the answer to EHLO.",
    )
    stems = []
    for extension in EXTENSIONS:
        file = file_of(smtp_extensions, extension)
        stems.append(file.stem)
        facts = [f"{extension.name}, RFC {extension.rfc}; {source(file)}"]
        if extension.services != frozenset(Service):
            facts.append("on " + ", ".join(s.value for s in Service if s in extension.services))
        for what, parameters in (("MAIL", extension.mail), ("RCPT", extension.rcpt)):
            if parameters:
                named = ", ".join(f"`{each.keyword}=`" for each in parameters)
                facts.append(f"adds {named} to {what}")
        if extension.verbs:
            facts.append("adds the verb " + ", ".join(f"`{verb}`" for verb in extension.verbs))
        yield from ("", f"### {extension.keyword}", "", "; ".join(facts) + ".")
        yield from shown_by("smtp", file.stem)
    yield from ("", "## Verbs", "", ", ".join(f"`{verb}`" for verb in VERBS) + ".")
    yield from ("", "## Authentication", "")
    yield from mechanisms("smtp")
    stems += [stem_of(mechanism) for mechanism in MECHANISMS.values()]
    yield from rest("smtp", stems)


def pop3() -> Iterator[str]:
    yield from top(
        "POP3",
        "RFC 1939, in `src/posthouse/protocols/pop3/`; the services are `pop3` and `pop3s`.",
    )
    yield from part(
        "Capabilities",
        "In the order of the answer to CAPA (RFC 2449).",
    )
    stems = []
    for capability in CAPABILITIES:
        file = file_of(pop3_capabilities, capability)
        stems.append(file.stem)
        facts = [f"{capability.reference}; {source(file)}"]
        if capability.added:
            facts.append("adds " + ", ".join(f"`{word}`" for word in capability.added))
        yield from ("", f"### {capability.tag}", "", "; ".join(facts) + ".")
        words = (word.lower() for word in capability.added)
        yield from shown_by("pop3", *dict.fromkeys((file.stem, *words)))
        stems += [word.lower() for word in capability.added]
    yield from ("", "## Commands of RFC 1939, and CAPA")
    for name in POP3_COMMANDS:
        file = SOURCE / "protocols" / "pop3" / "commands" / f"{name.lower()}.py"
        yield from ("", f"### {name}", "", first_line(file))
        yield from shown_by("pop3", name.lower())
        stems.append(name.lower())
    yield from ("", "## Authentication", "")
    yield from mechanisms("pop3")
    stems += [stem_of(mechanism) for mechanism in MECHANISMS.values()]
    yield from rest("pop3", stems)


def imap() -> Iterator[str]:
    yield from top(
        "IMAP",
        "IMAP4rev1, RFC 3501, in `src/posthouse/protocols/imap/`; the services are `imap` and"
        " `imaps`.",
    )
    yield from part(
        "Extensions",
        "In the order of the CAPABILITY response, where `IMAP4rev1`, `STARTTLS`, `LOGINDISABLED`"
        " and `AUTH=` stand before them.",
    )
    stems = []
    for extension in IMAP_EXTENSIONS:
        file = file_of(imap_extensions, extension)
        stems.append(file.stem)
        facts = [first_line(file).rstrip(".")]
        if extension.commands:
            facts.append("adds " + ", ".join(f"`{word}`" for word in extension.commands))
        if extension.uid_commands:
            added = ", ".join(f"`UID {word}`" for word in extension.uid_commands)
            facts.append(f"adds {added}")
        yield from ("", f"### {extension.capability}", "", f"{'; '.join(facts)}; {source(file)}.")
        yield from shown_by("imap", file.stem)
    yield from ("", "## Commands of RFC 3501")
    for name in IMAP_COMMANDS:
        file = SOURCE / "protocols" / "imap" / "commands" / f"{name.lower()}.py"
        yield from ("", f"### {name}", "", f"{first_line(file).rstrip('.')}; {source(file)}.")
        yield from shown_by("imap", name.lower())
        stems.append(name.lower())
    yield from ("", "## Authentication", "")
    yield from mechanisms("imap")
    stems += [stem_of(mechanism) for mechanism in MECHANISMS.values()]
    yield from rest("imap", stems)


def mechanisms(protocol: str) -> Iterator[str]:
    for mechanism in MECHANISMS.values():
        file = SOURCE / "protocols" / "sasl" / f"{stem_of(mechanism)}.py"
        yield f"- {first_line(file).rstrip('.')}; {source(file)}"
    yield ""
    yield (
        "A password and a token are taken over TLS only, but on the loopback. What is offered is"
        " what the settings let be (`log_in.mechanisms`) and the accounts can be asked by: SCRAM"
        " with SHA-256 when all of them have keys for it, SCRAM with SHA-1 and CRAM-MD5 when"
        " some were added with `--legacy-auth`, OAUTHBEARER and XOAUTH2 where `tokens.issuer` is"
        " set, EXTERNAL to a client with a certificate that `tls.client_authorities` have signed,"
        " ANONYMOUS (never to send mail) where `log_in.anonymous` names an account."
    )
    for mechanism in MECHANISMS.values():
        yield from shown_by(protocol, stem_of(mechanism))


def stem_of(mechanism: Mechanism) -> str:
    return mechanism.name.lower().replace("-", "_")


# Files


def file_of(package: ModuleType, listed: object) -> Path:
    """The file of a package in which this extension is made."""
    for entry in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{entry.name}")
        if any(value is listed for value in vars(module).values()):
            assert module.__file__ is not None
            return Path(module.__file__)
    raise FileNotFoundError(f"no file of {package.__name__} has {listed!r}")


def source(file: Path) -> str:
    """A link from a page of docs/reference."""
    return f"[`{file.relative_to(SOURCE)}`](../../{file.relative_to(ROOT)})"


def first_line(file: Path) -> str:
    """What a module says of itself."""
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    assert text, f"{file} says nothing of itself"
    return text.splitlines()[0]


def transcripts(protocol: str) -> list[Path]:
    return sorted((TRANSCRIPTS / protocol / "transcripts").glob(f"*.{protocol}"))


def belongs(transcript: Path, stem: str) -> bool:
    """`size.smtp`, `size-exceeded.smtp` and `attack-12-size-exceeded.smtp` are of `size`."""
    name = ATTACK.sub("", transcript.stem)
    return name == stem or name.startswith(f"{stem}-")


def shown_by(protocol: str, *stems: str) -> Iterator[str]:
    found = [t for t in transcripts(protocol) if any(belongs(t, stem) for stem in stems)]
    if found:
        yield ""
        yield from map(line_of, found)


def line_of(transcript: Path) -> str:
    """A transcript with the sentence that it begins with."""
    link = f"[`{transcript.name}`](../../{transcript.relative_to(ROOT)})"
    return f"- {sentence_of(transcript)} {link}"


def sentence_of(transcript: Path) -> str:
    """The comment at the top, up to its full stop."""
    words: list[str] = []
    for line in transcript.read_text(encoding="utf-8").splitlines():
        words.append(line.removeprefix("#").strip())
        if words[-1].endswith("."):
            break
    return " ".join(words)


def rest(protocol: str, stems: Sequence[str]) -> Iterator[str]:
    """The transcripts that are of no extension or command."""
    others = [t for t in transcripts(protocol) if not any(belongs(t, stem) for stem in stems)]
    if others:
        yield from ("", "## The rest", "")
        yield from map(line_of, others)


# Relaying


def relaying() -> Iterator[str]:
    yield from top(
        "Relaying: a table of cases",
        "What is tried, what comes of it, and what the sender is told. Each row is a letter in"
        " [a small internet](../../tests/system/net.py) on loopback addresses, with a name server,"
        " a Posthouse and scripted hosts; [`test_relay.py`](../../tests/system/test_relay.py) sends"
        " it. `@` is the domain; a host of which nothing is said takes everything, and one that is"
        " *dead* has an address on which nobody listens.",
    )
    yield from ("", "| case | DNS | hosts | tried, in order | result | report |", "|---" * 6 + "|")
    for case in CASES:
        yield "| " + " | ".join(cells_of(case)) + " |"
    yield from part(
        "Between sites, and over longer times",
        "Each by a test of its own, with two Posthouses or with hosts that come and go.",
    )
    yield from ("", "| case | shown by |", "|---|---|")
    for file in ("test_sites.py", "test_queue.py"):
        tree = ast.parse((ROOT / "tests/system" / file).read_text())
        for test in tree.body:
            if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
                said = test.name.removeprefix("test_").replace("_", " ")
                more = (ast.get_docstring(test) or "").split("\n")[0]
                link = f"[`{file}`](../../tests/system/{file}) `{test.name}`"
                yield f"| {said}{': ' * bool(more)}{more} | {link} |"
    yield from part(
        "What the DNS says",
        "Which hosts a domain's records lead to, and in which order, are cases of their own:"
        " [`cases.txt`](../../tests/mta/route/cases.txt).",
    )


def cells_of(case: Case) -> Iterator[str]:
    """A case as a row."""
    yield case.name
    fault = f" (the name server says {case.fault.name})" if case.fault else ""
    yield "<br>".join(f"`{one}`" for one in case.dns.split("; ") if one) + fault or "nothing"
    said = [
        f"{name}: " + "; ".join(f"`{line}`" for line in script.splitlines())
        for name, script in case.hosts.items()
        if script
    ]
    yield "<br>".join([*said, *([f"{case.tls}: TLS"] if case.tls else [])])
    yield ", ".join(name if name in case.hosts else f"*{name}*" for name in case.route) or "none"
    kind, _, what = case.ends.partition(" ")
    took = f"taken by {', '.join(case.taken)}" if case.taken else ""
    result = {"relayed": took, "failed": f"failed{'; ' * bool(took)}{took}"}
    yield result.get(kind, f"waits: \u201c{what}\u201d")
    yield f"failed, {what}" if kind == "failed" else "none yet" if kind == "deferred" else "none"


def main() -> None:
    """Write what has changed."""
    for path, text in pages().items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            click.echo(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
