"""The commands and what is common to all of them."""

from __future__ import annotations

import os
from importlib import import_module, metadata

import click

from ..mua.cli.house import data_option

#: Each command: the module that has it under the same name, and what the list of commands says.
COMMANDS = {
    "serve": ("posthouse.cli.serve", "Run the mail server."),
    "domain": ("posthouse.cli.domain", "The domains whose mail stays here."),
    "account": ("posthouse.cli.account", "The accounts: who has mailboxes here."),
    "alias": ("posthouse.cli.alias", "Addresses that stand for others."),
    "queue": ("posthouse.cli.queue", "What waits for delivery."),
    "route": ("posthouse.cli.route", "Show where letters for a domain would go."),
    "search": ("posthouse.cli.search", "The index that searches use."),
    "store": ("posthouse.cli.store", "Check, back up and restore what is kept."),
    "send": ("posthouse.mua.cli.send", "Write and send a message."),
    "read": ("posthouse.mua.cli.read", "Look into the mailboxes of an account."),
    "config": ("posthouse.cli.config", "Check, describe and show the settings."),
}

EXAMPLES = """\b
Begin with:
  posthouse serve                              a mail system on this machine, to try
  posthouse send --to demo@localhost --subject Hello --text "It works."
  posthouse read list demo@localhost

\b
Then make it your own:
  posthouse domain add example.org
  posthouse account add ann@example.org
  posthouse alias add postmaster@example.org ann@example.org

All commands but `store restored` work beside a running server. Exit status: 0, done; 1, refused;
2, wrong usage."""


class Commands(click.Group):
    """A group that loads a command when it is wanted."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name][0]), cmd_name)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _show_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"posthouse {metadata.version('posthouse')}")
        ctx.exit()


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXAMPLES,
)
@data_option
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Print the version.",
)
def posthouse() -> None:
    """A complete mail system: submission, transfer, delivery, POP3 and IMAP in one program."""
    os.umask(0o077)  # mail is its reader's, whatever the mode of the data directory
